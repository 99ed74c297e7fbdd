"""What happened in a workspace, for those who follow it: ids and kinds, never anybody's words."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

_PLACED = "position IS NOT NULL"
_UNPLACED = "position IS NULL"

# `number` is the order in which events were written, also by transactions that end in another order.
# `position` is given afterwards, and to committed rows alone: readers go by it.
events = Table(
    "events",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("number", BigInteger, Identity(), nullable=False, comment="within the workspace, on SQLite"),
    Column("position", BigInteger, comment="the reader's order; none yet for what nobody has read"),
    Column("kind", Text, nullable=False),
    Column("ticket_id", Uuid),
    Column("contact_id", Uuid),
    Column("message_id", Uuid),
    Column("changed", Text, nullable=False, default="", comment="names of fields, with commas"),
    Column("actor", Text, nullable=False, comment="an agent's or a program's id, or customer or system"),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "event_id"),
    CheckConstraint(
        "kind IN ('ticket.created', 'ticket.updated', 'message.created', 'note.created', 'contact.updated')",
        name="kind",
    ),
    Index("ix_events_created_at", "created_at"),
    PartialIndex(
        "ix_events_position",
        "workspace_id",
        "position",
        unique=True,
        where=_PLACED,
    ),
    PartialIndex(
        "ix_events_unplaced",
        "workspace_id",
        "number",
        where=_UNPLACED,
    ),
)

event_heads = Table(
    "event_heads",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("position", BigInteger, nullable=False, comment="the last that was given"),
    Column("forgotten", BigInteger, nullable=False, comment="the last that is no longer kept"),
    PrimaryKeyConstraint("workspace_id"),
)
