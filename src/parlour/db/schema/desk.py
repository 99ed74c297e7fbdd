"""What agents keep and do at the desk."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

_OF_NO_TICKET = "ticket_id IS NULL"

saved_views = Table(
    "saved_views",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("view_id", Uuid, nullable=False),
    Column(
        "owner_id",
        ForeignKey("users.user_id"),
        index=True,
        comment="nobody's: the whole workspace sees it",
    ),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column(
        "position",
        Integer,
        nullable=False,
        default=0,
        server_default="0",
        comment="among its owner's; equal ones by name",
    ),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "view_id"),
)

canned_replies = Table(
    "canned_replies",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("reply_id", Uuid, nullable=False),
    Column(
        "owner_id",
        ForeignKey("users.user_id"),
        index=True,
        comment="nobody's: the whole workspace uses it",
    ),
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "reply_id"),
)

bulk_changes = Table(
    "bulk_changes",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("bulk_id", Uuid, nullable=False),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("changed", Integer, nullable=False, default=0),
    Column("put_back", Integer, nullable=False, default=0, server_default="0"),
    Column("position", Uuid, comment="the last ticket that was dealt with in this direction"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime),
    Column("undone_at", UtcDateTime),
    PrimaryKeyConstraint("workspace_id", "bulk_id"),
    CheckConstraint("field IN ('status', 'priority', 'assignee', 'tag', 'untag', 'snooze')", name="field"),
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("bulk_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("status_before", Text),
    Column("done_at", UtcDateTime),
    PrimaryKeyConstraint("workspace_id", "bulk_id", "ticket_id"),
    ForeignKeyConstraint(["workspace_id", "bulk_id"], ["bulk_changes.workspace_id", "bulk_changes.bulk_id"]),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("ticket_id", Uuid),
    Column("before", Text),
    Column("after", Text),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "entry_id"),
    Index("ix_audit_log_ticket", "workspace_id", "ticket_id", "entry_id"),
    *(
        PartialIndex(name, *columns, where=_OF_NO_TICKET)
        for name, *columns in (
            ("ix_audit_log_others", "workspace_id", "entry_id"),
            ("ix_audit_log_actor", "workspace_id", "actor_id", "entry_id"),
            ("ix_audit_log_action", "workspace_id", "action", "entry_id"),
        )
    ),
)

security_events = Table(
    "security_events",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hour", UtcDateTime, nullable=False),
    Column("times", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "event_id"),
    UniqueConstraint("workspace_id", "actor_id", "action", "hour"),
    Index("ix_security_events_actor", "workspace_id", "actor_id", "event_id"),
    Index("ix_security_events_action", "workspace_id", "action", "event_id"),
    Index("ix_security_events_hour", "hour"),
)
