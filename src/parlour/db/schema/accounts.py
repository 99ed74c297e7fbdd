"""Workspaces, and the people who work in them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

MAILED_NEW = "(told & 128) <> 0"
"""Those who chose to be told by mail of new tickets that are nobody's."""

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("last_ticket_number", Integer, nullable=False, default=0),
    Column("settings", JSON, nullable=False, default=dict, comment="as features/workspaces/choices.py"),
    Column("second_factor_required", Boolean, nullable=False, default=False, server_default=false()),
    Column(
        "hooked",
        Boolean,
        nullable=False,
        default=False,
        server_default=false(),
        comment="whether a webhook is on: for whoever writes, and sees no webhooks",
    ),
    Column(
        "files_size",
        BigInteger,
        nullable=False,
        default=0,
        server_default="0",
        comment="bytes of all files, also of those that no message brought yet",
    ),
    Column(
        "visitors_size",
        BigInteger,
        nullable=False,
        default=0,
        server_default="0",
        comment="of these, bytes for tickets that are not opened yet",
    ),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("settings", JSON, nullable=False, default=dict, server_default="{}"),
    Column("second_factor", Boolean, nullable=False, default=False, server_default=false()),
    Column("unlocks", Integer, nullable=False, default=0, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, comment="written every 5 minutes; empty for never"),
    Column("disabled_at", UtcDateTime),
    Column(
        "bound_to",
        Uuid,
        comment="the one workspace that lets it in, until a mail has proven its address; empty for any",
    ),
)

credentials = Table(
    "credentials",
    metadata,
    Column("user_id", ForeignKey("users.user_id"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", Text),
    Column("totp_key", Text, comment="which key sealed the secret; empty for none"),
    Column("totp_step", Integer, nullable=False, default=0, server_default="0"),
)

members = Table(
    "members",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column(
        "told",
        Integer,
        nullable=False,
        default=127 | 256 | 512,
        server_default="127",
        comment="of what and how, bits of features/tickets/notifications/models.py",
    ),
    Column("bell_read_at", UtcDateTime, comment="new tickets from before have been seen; empty for all"),
    Column("bell_mailed_at", UtcDateTime, comment="new tickets up to then have been told of by mail"),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"),
    PartialIndex(
        "ix_members_mailed_new",
        "workspace_id",
        "user_id",
        where=MAILED_NEW,
    ),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("device", Text, nullable=False, default="", server_default=""),
    Index(None, "user_id", "last_seen_at"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("invitation_id", Uuid, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("ended_at", UtcDateTime, comment="its giver lost the right to give this role"),
    Column(
        "mailed",
        Boolean,
        nullable=False,
        default=False,
        server_default=false(),
        comment="whether nobody but the address itself was given its link",
    ),
    PrimaryKeyConstraint("workspace_id", "invitation_id"),
    UniqueConstraint("workspace_id", "token_hash"),
    CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"),
    PartialIndex(
        "ix_invitations_open",
        "workspace_id",
        "expires_at",
        where="used_at IS NULL",
    ),
    Index(None, "workspace_id", "email"),
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
