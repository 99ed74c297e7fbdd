"""Programs that act in a workspace."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from parlour.db.schema.base import UtcDateTime, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("made_by", ForeignKey("users.user_id"), index=True, comment="nobody's: the operator's"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, comment="written once a minute; empty for never"),
    PrimaryKeyConstraint("workspace_id", "key_id"),
    UniqueConstraint("workspace_id", "secret_hash"),
    CheckConstraint("role IN ('admin', 'agent', 'viewer')", name="role"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("principal", Text, nullable=False, comment="the id of whoever acted"),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, comment="of what was asked for"),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("workspace_id", "principal", "key"),
)
