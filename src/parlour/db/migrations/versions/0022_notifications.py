"""What members are told of, and what each of them chose to hear.

Revision: 0022, after 0021
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0022"
down_revision = "0021"

NEW_OF_NOBODY = "status = 'new' AND assignee_id IS NULL"


def _some(name: str, table: str, columns: list[str], only: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(only), postgresql_where=sa.text(only))


def upgrade() -> None:
    """Nobody is told of tickets from before: for those who are members already, the bell begins now."""
    op.create_table(
        "notifications",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("mail_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('assigned', 'mentioned', 'answered')", name="kind"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_notifications_user_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["tickets.workspace_id", "tickets.ticket_id"],
            name="fk_notifications_workspace_id_ticket_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", "ticket_id", "kind", name="pk_notifications"),
    )
    own = ["workspace_id", "user_id"]
    op.create_index("ix_notifications_told_at", "notifications", ["told_at"])
    op.create_index("ix_notifications_ticket", "notifications", ["workspace_id", "ticket_id"])
    op.create_index(
        "ix_notifications_list",
        "notifications",
        ["user_id", "workspace_id", "told_at", "ticket_id", "kind"],
    )
    _some("ix_notifications_unread", "notifications", [*own, "told_at"], "read_at IS NULL")
    _some("ix_notifications_to_mail", "notifications", [*own, "mail_at"], "mail_at IS NOT NULL")
    _bells()
    _some("ix_tickets_new", "tickets", ["workspace_id", "created_at", "ticket_id"], NEW_OF_NOBODY)


def _bells() -> None:
    op.add_column("members", sa.Column("told", sa.Integer(), nullable=False, server_default="127"))
    op.add_column("members", sa.Column("bell_read_at", UtcDateTime(), nullable=True))
    op.add_column("members", sa.Column("bell_mailed_at", UtcDateTime(), nullable=True))
    members = sa.table("members", sa.column("bell_read_at", UtcDateTime()))
    op.execute(members.update().values(bell_read_at=_now()))
    _some("ix_members_mailed_new", "members", ["workspace_id", "user_id"], "(told & 128) <> 0")


def _now() -> sa.ColumnElement[str] | sa.ColumnElement[datetime]:
    if op.get_bind().dialect.name == "sqlite":
        return sa.func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now")
    return sa.func.now()
