"""Every table, on one page.

Tenant tables lead their keys with `workspace_id`, so that the data can be partitioned by
workspace without a rewrite. Ids are UUIDv7, times are UTC.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.types import TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. SQLite keeps fixed-width ISO text, which sorts as time does; PostgreSQL timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("last_ticket_number", Integer, nullable=False, default=0),
    Column("settings", JSON, nullable=False, default=dict),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("settings", JSON, nullable=False, default=dict, server_default="{}"),
    Column("totp_secret", Text),
    Column("totp_step", Integer, nullable=False, default=0, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
)

members = Table(
    "members",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("device", Text, nullable=False, default="", server_default=""),
)

ACTIVE = "status IN ('new', 'open', 'pending')"


def _active_index(name: str, *columns: str | TextClause, also: str = "") -> Index:
    where = text(ACTIVE + also)
    return Index(name, "workspace_id", *columns, sqlite_where=where, postgresql_where=where)


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
    # One index for each order of the table, alone and behind each filter; the unfinished ones, which
    # agents look at all day, have their own small ones.
    Index("ix_tickets_activity", "workspace_id", "last_message_at", "ticket_id"),
    Index("ix_tickets_created", "workspace_id", "created_at", "ticket_id"),
    Index("ix_tickets_rank", "workspace_id", "priority_rank", "last_message_at", "ticket_id"),
    Index("ix_tickets_status_activity", "workspace_id", "status", "last_message_at", "ticket_id"),
    Index("ix_tickets_assignee_activity", "workspace_id", "assignee_id", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_active", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_active_rank", "priority_rank", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_active_assignee", "assignee_id", "last_message_at", "ticket_id"),
    _active_index("ix_tickets_waiting", text("(waiting_since IS NULL)"), "last_message_at", "ticket_id"),
    _active_index("ix_tickets_unanswered", "ticket_id", also=" AND first_answer_at IS NULL"),
    _active_index(
        "ix_tickets_active_urgent",
        text("priority_rank DESC"),
        text("(waiting_since IS NULL)"),
        "waiting_since",
        "ticket_id",
    ),
)

chat_rooms = Table(
    "chat_rooms",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("room_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("audience", Text, nullable=False, default="public"),
    Column("status", Text, nullable=False, default="open"),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "room_id"),
    ForeignKeyConstraint(
        ["workspace_id", "ticket_id"],
        ["tickets.workspace_id", "tickets.ticket_id"],
        deferrable=True,
        initially="DEFERRED",
    ),
    UniqueConstraint("workspace_id", "ticket_id", "audience"),
    CheckConstraint("audience IN ('public', 'internal')", name="audience"),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
)

messages = Table(
    "messages",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("room_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("content", Text, nullable=False),
    Column("sender_type", Text, nullable=False),
    Column("sender_id", Text, nullable=False),
    Column("sender_name", Text, nullable=False),
    Column("client_id", Uuid),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "room_id", "seq"),
    UniqueConstraint("workspace_id", "room_id", "sender_id", "client_id"),
    UniqueConstraint("workspace_id", "message_id"),
    ForeignKeyConstraint(["workspace_id", "room_id"], ["chat_rooms.workspace_id", "chat_rooms.room_id"]),
    CheckConstraint("sender_type IN ('customer', 'agent', 'system')", name="sender_type"),
)

read_marks = Table(
    "read_marks",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("room_id", Uuid, nullable=False),
    Column("reader", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "room_id", "reader"),
    ForeignKeyConstraint(["workspace_id", "room_id"], ["chat_rooms.workspace_id", "chat_rooms.room_id"]),
    CheckConstraint("side IN ('customer', 'agent')", name="side"),
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
    comment="Which tickets a customer's browser may open: the server's half of the visitor cookie.",
)

_DUE = "finished_at IS NULL AND dead_at IS NULL"

outbox = Table(
    "outbox",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("workspace_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("locked_until", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("dead_at", UtcDateTime),
    Column("error", Text),
    Index("ix_outbox_due", "run_at", sqlite_where=text(_DUE), postgresql_where=text(_DUE)),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("view_id", Uuid, nullable=False),
    Column("owner_id", ForeignKey("users.user_id"), comment="nobody's: the whole workspace sees it"),
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
    Column("owner_id", ForeignKey("users.user_id"), comment="nobody's: the whole workspace uses it"),
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "reply_id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("invitation_id", Uuid, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", ForeignKey("users.user_id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    PrimaryKeyConstraint("workspace_id", "invitation_id"),
    UniqueConstraint("workspace_id", "token_hash"),
    CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("used_at", UtcDateTime),
    PrimaryKeyConstraint("user_id", "code_hash"),
)

bulk_changes = Table(
    "bulk_changes",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("bulk_id", Uuid, nullable=False),
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("changed", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
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

TENANT_TABLES = (
    members,
    tickets,
    chat_rooms,
    messages,
    read_marks,
    access_links,
    grants,
    saved_views,
    canned_replies,
    invitations,
    bulk_changes,
    bulk_items,
    audit_log,
)
"""The tables whose rows belong to one workspace. No statement may touch them without naming it."""
