"""The people who write."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    true,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

BLOCKED = "blocked_at IS NOT NULL"

contacts = Table(
    "contacts",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column(
        "name_typed",
        Boolean,
        nullable=False,
        default=False,
        server_default=true(),
        comment="whether the name is what somebody typed on the portal, and no agent has saved it",
    ),
    Column("note", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("blocked_at", UtcDateTime),
    Column("complained_at", UtcDateTime, comment="when they marked a mail of ours as spam"),
    PrimaryKeyConstraint("workspace_id", "contact_id"),
    UniqueConstraint("workspace_id", "email"),
    PartialIndex("ix_contacts_blocked", "workspace_id", "email", where=BLOCKED),
)
