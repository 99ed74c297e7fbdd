"""Every foreign key has its index, and so has every list that people use and every sweep.

Without one, a parent's row is checked by walking its children: SQLite walked a workspace's tickets for each
room that was opened.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INDEXES = (
    ("ix_tickets_room", "tickets", ["workspace_id", "chat_room_id"]),
    ("ix_tickets_assignee", "tickets", ["assignee_id", "workspace_id", "last_message_at", "ticket_id"]),
    ("ix_saved_views_owner_id", "saved_views", ["owner_id"]),
    ("ix_canned_replies_owner_id", "canned_replies", ["owner_id"]),
    ("ix_bulk_changes_user_id", "bulk_changes", ["user_id"]),
    ("ix_bulk_changes_created_at", "bulk_changes", ["created_at"]),
    ("ix_invitations_invited_by", "invitations", ["invited_by"]),
    ("ix_invitations_workspace_id_email", "invitations", ["workspace_id", "email"]),
    ("ix_sessions_user_id_last_seen_at", "sessions", ["user_id", "last_seen_at"]),
    ("ix_sessions_last_seen_at", "sessions", ["last_seen_at"]),
    ("ix_sessions_expires_at", "sessions", ["expires_at"]),
)
PARTIAL = (
    ("ix_invitations_open", "invitations", ["workspace_id", "expires_at"], "used_at IS NULL"),
    ("ix_outbox_finished", "outbox", ["finished_at"], "finished_at IS NOT NULL"),
)


def upgrade() -> None:
    _keep_the_floor()
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    for name, table, columns, where in PARTIAL:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    for name, table in (("ix_tickets_assignee_activity", "tickets"), ("ix_sessions_user_id", "sessions")):
        op.drop_index(name, table)
    _renew_the_smaller()
    _count_what_was_put_back()
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_limit_windows_expires_at", "limit_windows", ["expires_at"])


def _count_what_was_put_back() -> None:
    """A step of a change of many no longer reads what the steps before it did."""
    op.add_column("bulk_changes", sa.Column("position", sa.Uuid(), nullable=True))
    op.add_column("bulk_changes", sa.Column("put_back", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE bulk_changes SET put_back = (SELECT count(*) FROM bulk_items i"
        " WHERE i.workspace_id = bulk_changes.workspace_id AND i.bulk_id = bulk_changes.bulk_id"
        " AND i.before IS NOT NULL AND i.after IS NULL) WHERE undone_at IS NOT NULL"
    )


def _renew_the_smaller() -> None:
    """Of two indexes that fit alike SQLite takes the younger, which shall be that of the active tickets."""
    columns = ["workspace_id", "assignee_id", "last_message_at", "ticket_id"]
    active = sa.text("status IN ('new', 'open', 'pending')")
    op.drop_index("ix_tickets_active_assignee", "tickets")
    op.create_index(
        "ix_tickets_active_assignee", "tickets", columns, sqlite_where=active, postgresql_where=active
    )


def _keep_the_floor() -> None:
    """Which programs may work here, for those that do not know what came after them."""
    op.create_table("schema_floor", sa.Column("revision", sa.Text(), nullable=False, primary_key=True))
