"""What only its own person may read of an account, and what an administrator may know of the others.

The passwords and the secrets of the second factor move out of `users`, which everybody of a workspace reads
names from. The release before looks for them there: it cannot work on this schema.

Revision: 0008, after 0007
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0008"
down_revision = "0007"

CONTRACTS = "0008"

ABOUT_NO_TICKET = sa.text("ticket_id IS NULL")


def upgrade() -> None:
    _credentials()
    _invitations()
    op.add_column(
        "workspaces",
        sa.Column("second_factor_required", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _security_events()


def _credentials() -> None:
    """A secret of the second factor keeps its plain form until the program, which has the key, seals it."""
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_key", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_credentials_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_credentials"),
    )
    op.execute(
        "INSERT INTO credentials (user_id, password_hash, totp_secret, totp_key, totp_step) "
        "SELECT user_id, password_hash, totp_secret, CASE WHEN totp_secret IS NOT NULL THEN '' END, "
        "totp_step FROM users"
    )
    op.add_column(
        "users", sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("UPDATE users SET second_factor = true WHERE totp_secret IS NOT NULL")
    for column in ("password_hash", "totp_secret", "totp_step"):
        op.drop_column("users", column)


def _invitations() -> None:
    """What somebody gave away who could not give it today ends with this step."""
    op.add_column("invitations", sa.Column("ended_at", UtcDateTime(), nullable=True))
    ended = sa.text(
        "UPDATE invitations SET ended_at = :now WHERE used_at IS NULL AND NOT EXISTS ("
        "SELECT 1 FROM members m WHERE m.workspace_id = invitations.workspace_id "
        "AND m.user_id = invitations.invited_by "
        "AND (m.role = 'owner' OR (m.role = 'admin' AND invitations.role <> 'owner')))"
    )
    op.execute(ended.bindparams(sa.bindparam("now", datetime.now(UTC), type_=UtcDateTime())))


def _security_events() -> None:
    op.create_table(
        "security_events",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_security_events_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "event_id", name="pk_security_events"),
        sa.UniqueConstraint(
            "workspace_id",
            "actor_id",
            "action",
            "hour",
            name="uq_security_events_workspace_id_actor_id_action_hour",
        ),
    )
    op.create_index("ix_security_events_actor", "security_events", ["workspace_id", "actor_id", "event_id"])
    op.create_index("ix_security_events_action", "security_events", ["workspace_id", "action", "event_id"])
    op.create_index("ix_security_events_hour", "security_events", ["hour"])
    for name, columns in (
        ("ix_audit_log_others", ["workspace_id", "entry_id"]),
        ("ix_audit_log_actor", ["workspace_id", "actor_id", "entry_id"]),
        ("ix_audit_log_action", ["workspace_id", "action", "entry_id"]),
    ):
        op.create_index(
            name,
            "audit_log",
            columns,
            sqlite_where=ABOUT_NO_TICKET,
            postgresql_where=ABOUT_NO_TICKET,
        )
