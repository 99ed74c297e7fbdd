"""The desk: orders of the ticket table, search, views, replies, invitations, second factor, audit.

Revision: 0002, after 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0002"
down_revision = "0001"

ACTIVE = "status IN ('new', 'open', 'pending')"
RANKS = "CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'medium' THEN 1 ELSE 0 END"
_SAID = "FROM messages m WHERE m.workspace_id = tickets.workspace_id AND m.room_id = tickets.chat_room_id"
FIRST_ANSWER = f"SELECT min(m.created_at) {_SAID} AND m.sender_type = 'agent'"
LAST_ANSWER = f"SELECT coalesce(max(m.seq), 0) {_SAID} AND m.sender_type = 'agent'"
UNANSWERED = f"SELECT min(m.created_at) {_SAID} AND m.sender_type = 'customer' AND m.seq > ({LAST_ANSWER})"
TABLES = (
    "saved_views",
    "canned_replies",
    "invitations",
    "password_resets",
    "recovery_codes",
    "bulk_changes",
    "bulk_items",
    "audit_log",
)


def upgrade() -> None:
    for create in (
        _columns,
        _indexes,
        _active_indexes,
        _saved_views,
        _canned_replies,
        _invitations,
        _password_resets,
        _recovery_codes,
        _bulk_changes,
        _bulk_items,
        _audit_log,
        _search,
    ):
        create()


def downgrade() -> None:
    op.execute("DROP TABLE ticket_search")
    for table in reversed(TABLES):
        op.drop_table(table)


def _columns() -> None:
    op.add_column("sessions", sa.Column("device", sa.Text(), server_default="", nullable=False))
    op.add_column("tickets", sa.Column("priority_rank", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "tickets",
        sa.Column(
            "waiting_since",
            UtcDateTime(),
            nullable=True,
            comment="the oldest word of the customer that no agent has answered",
        ),
    )
    op.add_column("tickets", sa.Column("first_answer_at", UtcDateTime(), nullable=True))
    op.add_column("users", sa.Column("settings", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("users", sa.Column("totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_step", sa.Integer(), server_default="0", nullable=False))
    op.execute(f"UPDATE tickets SET priority_rank = {RANKS}")  # noqa: S608 our own text
    op.execute(f"UPDATE tickets SET first_answer_at = ({FIRST_ANSWER})")  # noqa: S608
    op.execute(f"UPDATE tickets SET waiting_since = ({UNANSWERED})")  # noqa: S608


def _indexes() -> None:
    op.drop_index("ix_tickets_workspace_id_email_ticket_id", table_name="tickets")
    op.drop_index("ix_tickets_workspace_id_last_message_at_ticket_id", table_name="tickets")
    op.create_index("ix_tickets_activity", "tickets", ["workspace_id", "last_message_at", "ticket_id"])
    op.create_index(
        "ix_tickets_assignee_activity",
        "tickets",
        ["workspace_id", "assignee_id", "last_message_at", "ticket_id"],
    )
    op.create_index("ix_tickets_created", "tickets", ["workspace_id", "created_at", "ticket_id"])
    op.create_index("ix_tickets_email", "tickets", ["workspace_id", "email", "ticket_id"])
    op.create_index(
        "ix_tickets_rank", "tickets", ["workspace_id", "priority_rank", "last_message_at", "ticket_id"]
    )
    op.create_index(
        "ix_tickets_status_activity", "tickets", ["workspace_id", "status", "last_message_at", "ticket_id"]
    )


def _active_indexes() -> None:
    waits = sa.text("(waiting_since IS NULL)")
    if op.get_bind().dialect.name == "postgresql":  # which takes the condition apart before it looks
        beyond = ["last_message_at", "ticket_id"]
        _active_index("ix_tickets_waiting", beyond, also=" AND waiting_since IS NOT NULL")
    else:
        _active_index("ix_tickets_waiting", [waits, "last_message_at", "ticket_id"])
    _active_index("ix_tickets_active", ["last_message_at", "ticket_id"])
    _active_index("ix_tickets_active_assignee", ["assignee_id", "last_message_at", "ticket_id"])
    _active_index("ix_tickets_active_rank", ["priority_rank", "last_message_at", "ticket_id"])
    urgency: list[str | sa.TextClause] = [sa.text("priority_rank DESC"), waits, "waiting_since", "ticket_id"]
    _active_index("ix_tickets_active_urgent", urgency)
    _active_index("ix_tickets_unanswered", ["ticket_id"], also=" AND first_answer_at IS NULL")


def _active_index(name: str, columns: Sequence[str | sa.TextClause], also: str = "") -> None:
    where = sa.text(ACTIVE + also)
    op.create_index(name, "tickets", ["workspace_id", *columns], sqlite_where=where, postgresql_where=where)


def _search() -> None:
    """One row for a ticket's subject and one for each message; what is there already is taken in.

    On PostgreSQL nothing can be there: no release ran on it before this schema.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE ticket_search ("
            "position bigint GENERATED BY DEFAULT AS IDENTITY, "
            "workspace_id uuid NOT NULL, ticket_id uuid NOT NULL, words text NOT NULL, terms text NOT NULL, "
            "tsv tsvector NOT NULL "
            "GENERATED ALWAYS AS (array_to_tsvector(string_to_array(terms, ' '))) STORED, "
            "PRIMARY KEY (workspace_id, position))"
        )
        op.execute("CREATE INDEX ix_ticket_search_tsv ON ticket_search USING gin (tsv)")
        return
    op.execute(
        "CREATE VIRTUAL TABLE ticket_search USING fts5("
        "workspace, ticket_id UNINDEXED, words, tokenize = 'unicode61 remove_diacritics 2')"
    )
    op.execute(
        "INSERT INTO ticket_search (workspace, ticket_id, words) "
        "SELECT workspace_id, ticket_id, subject FROM tickets ORDER BY created_at, ticket_id"
    )
    op.execute(
        "INSERT INTO ticket_search (workspace, ticket_id, words) "
        "SELECT m.workspace_id, r.ticket_id, m.content FROM messages m "
        "JOIN chat_rooms r ON r.workspace_id = m.workspace_id AND r.room_id = m.room_id "
        "WHERE m.sender_type <> 'system' ORDER BY m.created_at, m.message_id"
    )


def _saved_views() -> None:
    op.create_table(
        "saved_views",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True, comment="nobody's: the whole workspace sees it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.user_id"], name="fk_saved_views_owner_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_saved_views_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "view_id", name="pk_saved_views"),
    )


def _canned_replies() -> None:
    op.create_table(
        "canned_replies",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("reply_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True, comment="nobody's: the whole workspace uses it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.user_id"], name="fk_canned_replies_owner_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_canned_replies_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "reply_id", name="pk_canned_replies"),
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.user_id"], name="fk_invitations_invited_by"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_invitations_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "invitation_id", name="pk_invitations"),
        sa.UniqueConstraint("workspace_id", "token_hash", name="uq_invitations_workspace_id_token_hash"),
    )


def _password_resets() -> None:
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_password_resets_user_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_password_resets"),
    )
    op.create_index("ix_password_resets_user_id", "password_resets", ["user_id"])


def _recovery_codes() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_recovery_codes_user_id"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
    )


def _bulk_changes() -> None:
    op.create_table(
        "bulk_changes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("field IN ('status', 'priority', 'assignee')", name=op.f("ck_bulk_changes_field")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_bulk_changes_user_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_bulk_changes_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "bulk_id", name="pk_bulk_changes"),
    )


def _bulk_items() -> None:
    op.create_table(
        "bulk_items",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("status_before", sa.Text(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "bulk_id"],
            ["bulk_changes.workspace_id", "bulk_changes.bulk_id"],
            name="fk_bulk_items_workspace_id_bulk_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "bulk_id", "ticket_id", name="pk_bulk_items"),
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_audit_log_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_ticket", "audit_log", ["workspace_id", "ticket_id", "entry_id"])
