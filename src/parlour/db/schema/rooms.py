"""Rooms, the messages in them, and how far each side has read."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from parlour.db.schema.base import UtcDateTime, metadata

chat_rooms = Table(
    "chat_rooms",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("room_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("audience", Text, nullable=False, default="public"),
    Column(
        "status",
        Text,
        nullable=False,
        default="open",
        comment="for the release before: the ticket has it",
    ),
    Column("last_seq", Integer, nullable=False, default=0),
    Column(
        "files_size",
        BigInteger,
        nullable=False,
        default=0,
        server_default="0",
        comment="bytes that customers have attached here",
    ),
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
    Column(
        "files", SmallInteger, nullable=False, default=0, server_default="0", comment="how many it brought"
    ),
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

mentions = Table(
    "mentions",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.user_id"), nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "user_id", "message_id"),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["messages.workspace_id", "messages.message_id"]),
    Index("ix_mentions_user_id", "user_id"),
    Index("ix_mentions_workspace_id_message_id", "workspace_id", "message_id"),
)
