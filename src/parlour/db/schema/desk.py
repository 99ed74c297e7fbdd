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
    Uuid,
)

from parlour.db.schema.base import UtcDateTime, metadata

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
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime),
    Column("undone_at", UtcDateTime),
    PrimaryKeyConstraint("workspace_id", "bulk_id"),
    CheckConstraint("field IN ('status', 'priority', 'assignee')", name="field"),
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
)
