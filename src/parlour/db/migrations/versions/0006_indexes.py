"""Every foreign key has its index, and so has every list that people use and every sweep.

Without one, a parent's row is checked by walking its children: SQLite walked a workspace's tickets for each
room that was opened.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

OPEN = sa.text("used_at IS NULL")


def upgrade() -> None:
    _keep_the_floor()
    op.create_index("ix_tickets_room", "tickets", ["workspace_id", "chat_room_id"])
    op.create_index(
        "ix_tickets_assignee", "tickets", ["assignee_id", "workspace_id", "last_message_at", "ticket_id"]
    )
    op.drop_index("ix_tickets_assignee_activity", "tickets")
    for table, column in (
        ("saved_views", "owner_id"),
        ("canned_replies", "owner_id"),
        ("bulk_changes", "user_id"),
        ("bulk_changes", "created_at"),
        ("invitations", "invited_by"),
        ("sessions", "last_seen_at"),
        ("sessions", "expires_at"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_invitations_workspace_id_email", "invitations", ["workspace_id", "email"])
    op.create_index(
        "ix_invitations_open",
        "invitations",
        ["workspace_id", "expires_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _keep_the_floor() -> None:
    """Which programs may work here, for those that do not know what came after them."""
    op.create_table("schema_floor", sa.Column("revision", sa.Text(), nullable=False, primary_key=True))
