"""Tickets, and who may open one without an account."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

NEW_OF_NOBODY = "status = 'new' AND assignee_id IS NULL"
_RANKED = ("priority_rank", "last_message_at", "ticket_id")
_CREATED = ("priority_rank", "created_at", "ticket_id")
ACTIVE = "status IN ('new', 'open', 'pending')"
SNOOZED = "{0}snoozed_until IS NOT NULL AND {0}status = 'pending'"
WAITING = f"({{0}}waiting_since IS NULL) = false AND {{0}}{ACTIVE}"
"""`{0}`: what the columns are called by, if anything."""

ERASABLE = "status = 'closed' AND (erased_at IS NULL OR erased_at < last_message_at)"
UNSAID = "unsaid_from IS NOT NULL"
MERGED = "merged_into IS NOT NULL"


def _some(name: str, which: str, *columns: str | TextClause) -> Index:
    return PartialIndex(name, "workspace_id", *columns, where=which.format(""))


def _active_index(name: str, *columns: str | TextClause) -> Index:
    return _some(name, ACTIVE, *columns)


tickets = Table(
    "tickets",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False, default="new"),
    Column("priority", Text, nullable=False, default="medium"),
    Column("priority_rank", Integer, nullable=False, default=1, server_default="1"),
    Column("email", Text, nullable=False),
    Column("chat_room_id", Uuid, nullable=False),
    Column("assignee_id", ForeignKey("users.user_id")),
    Column("client_id", Uuid),
    Column("mailed_seq", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_message_at", UtcDateTime, nullable=False),
    Column(
        "waiting_since", UtcDateTime, comment="the oldest word of the customer that no agent has answered"
    ),
    Column("first_answer_at", UtcDateTime),
    Column("tagged", Boolean, nullable=False, default=False, server_default=false()),
    Column("snoozed_until", UtcDateTime, comment="when a ticket that was put aside opens again"),
    Column("status_change", Uuid, comment="names the last change of the status"),
    Column("unsaid_from", Text, comment="the status its room heard of last, while a later one is unsaid"),
    Column("unsaid_by", Text, comment="who made the change that is unsaid"),
    Column(
        "quiet",
        Boolean,
        nullable=False,
        default=False,
        server_default=false(),
        comment="whether somebody blocked opened it: closed for the agents, new to its customer",
    ),
    Column("erased_at", UtcDateTime, comment="when what was said in it went, because its time had come"),
    Column("typed_name", Text, comment="what whoever opened it on the portal is called, by their own word"),
    Column("merged_into", Uuid, comment="the ticket that goes on in place of this one"),
    Column("before_merge", Text, comment="the status that it had before, and gets back"),
    Column(
        "gathers",
        Boolean,
        nullable=False,
        default=False,
        server_default=false(),
        comment="whether another ticket is merged into it, or once was",
    ),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    ForeignKeyConstraint(
        ["workspace_id", "chat_room_id"],
        ["chat_rooms.workspace_id", "chat_rooms.room_id"],
        deferrable=True,
        initially="DEFERRED",
        use_alter=True,
    ),
    UniqueConstraint("workspace_id", "number"),
    UniqueConstraint("workspace_id", "client_id"),
    CheckConstraint("status IN ('new', 'open', 'pending', 'resolved', 'closed')", name="status"),
    CheckConstraint("priority IN ('low', 'medium', 'high', 'urgent')", name="priority"),
    Index("ix_tickets_email", "workspace_id", "email", "ticket_id"),
    Index("ix_tickets_room", "workspace_id", "chat_room_id"),
    # One index for each order of the table, alone and behind each filter; the unfinished ones, which
    # agents look at all day, have their own small ones.
    Index("ix_tickets_activity", "workspace_id", "last_message_at", "ticket_id"),
    Index("ix_tickets_created", "workspace_id", "created_at", "ticket_id"),
    # Every other combination of status and priority, also of one person's: several walks of these, merged.
    Index("ix_tickets_status_rank", "workspace_id", "status", *_RANKED),
    Index("ix_tickets_status_created", "workspace_id", "status", *_CREATED),
    Index("ix_tickets_assignee_status_rank", "workspace_id", "assignee_id", "status", *_RANKED),
    Index("ix_tickets_assignee_status_created", "workspace_id", "assignee_id", "status", *_CREATED),
    # Led by the person, so that it also serves the foreign key.
    Index("ix_tickets_assignee", "assignee_id", "workspace_id", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_active", "last_message_at", "ticket_id"),
    _some("ix_tickets_snoozed", SNOOZED, "last_message_at", "ticket_id"),
    _some("ix_tickets_snoozed_rank", SNOOZED, *_RANKED),
    _some("ix_tickets_snoozed_created", SNOOZED, *_CREATED),
    _some("ix_tickets_waiting_rank", WAITING, "status", *_RANKED),
    _some("ix_tickets_waiting_created", WAITING, "status", *_CREATED),
    PartialIndex(
        "ix_tickets_merged",
        "workspace_id",
        "merged_into",
        where=MERGED,
    ),
    PartialIndex(
        "ix_tickets_unsaid",
        "workspace_id",
        "status_change",
        where=UNSAID,
    ),
    PartialIndex(
        "ix_tickets_erasable",
        "workspace_id",
        "last_message_at",
        "ticket_id",
        where=ERASABLE,
    ),
    _active_index("ix_tickets_active_assignee", "assignee_id", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_waiting", text("(waiting_since IS NULL)"), "last_message_at", "ticket_id"),
    _active_index(
        "ix_tickets_active_urgent",
        text("priority_rank DESC"),
        text("(waiting_since IS NULL)"),
        "waiting_since",
        "ticket_id",
    ),
    PartialIndex(
        "ix_tickets_new",
        "workspace_id",
        "created_at",
        "ticket_id",
        where=NEW_OF_NOBODY,
    ),
)

access_links = Table(
    "access_links",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("revoked_at", UtcDateTime),
    PrimaryKeyConstraint("workspace_id", "token_hash"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    Index(None, "workspace_id", "ticket_id"),
)

grants = Table(
    "grants",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("visitor_hash", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("workspace_id", "visitor_hash", "ticket_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    Index(None, "workspace_id", "ticket_id"),
    Index(None, "visitor_hash"),
    comment="Which tickets a customer's browser may open: the server's half of the visitor cookie.",
)
