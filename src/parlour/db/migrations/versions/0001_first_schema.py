"""The first schema: workspaces, people, tickets, rooms and messages, access, jobs.

Revision: 0001, after nothing
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0001"
down_revision = None

AS_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""In one order on every machine: the beginning of an address is a range of the index."""
DUE = "finished_at IS NULL AND dead_at IS NULL"
TABLES = (
    "workspaces",
    "users",
    "members",
    "sessions",
    "tickets",
    "chat_rooms",
    "messages",
    "read_marks",
    "access_links",
    "grants",
    "outbox",
)


def upgrade() -> None:
    for create in (
        _workspaces,
        _users,
        _members,
        _sessions,
        _tickets,
        _ticket_indexes,
        _chat_rooms,
        _room_of_ticket,
        _messages,
        _read_marks,
        _access_links,
        _grants,
        _outbox,
    ):
        create()


def _check(name: str, condition: str) -> sa.CheckConstraint:
    """Named as it stands: without `op.f` the naming convention would be applied a second time."""
    return sa.CheckConstraint(condition, name=op.f(name))


def _workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_ticket_number", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_workspaces"),
        sa.UniqueConstraint("slug", name="uq_workspaces_slug"),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        _check("ck_members_role", "role IN ('owner', 'admin', 'agent', 'viewer')"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_members_user_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_members_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name="pk_members"),
    )
    op.create_index("ix_members_user_id", "members", ["user_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_sessions_user_id"),
        sa.PrimaryKeyConstraint("session_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("email", AS_BYTES, nullable=False),
        sa.Column("chat_room_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("mailed_seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_message_at", UtcDateTime(), nullable=False),
        _check("ck_tickets_priority", "priority IN ('low', 'medium', 'high', 'urgent')"),
        _check("ck_tickets_status", "status IN ('new', 'open', 'pending', 'resolved', 'closed')"),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.user_id"], name="fk_tickets_assignee_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "chat_room_id"],
            ["chat_rooms.workspace_id", "chat_rooms.room_id"],
            name="fk_tickets_workspace_id_chat_room_id",
            initially="DEFERRED",
            deferrable=True,
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_tickets_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "ticket_id", name="pk_tickets"),
        sa.UniqueConstraint("workspace_id", "client_id", name="uq_tickets_workspace_id_client_id"),
        sa.UniqueConstraint("workspace_id", "number", name="uq_tickets_workspace_id_number"),
    )


def _ticket_indexes() -> None:
    op.create_index(
        "ix_tickets_workspace_id_email_ticket_id", "tickets", ["workspace_id", "email", "ticket_id"]
    )
    op.create_index(
        "ix_tickets_workspace_id_last_message_at_ticket_id",
        "tickets",
        ["workspace_id", "last_message_at", "ticket_id"],
    )


def _chat_rooms() -> None:
    op.create_table(
        "chat_rooms",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _check("ck_chat_rooms_audience", "audience IN ('public', 'internal')"),
        _check("ck_chat_rooms_status", "status IN ('open', 'closed')"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["tickets.workspace_id", "tickets.ticket_id"],
            name="fk_chat_rooms_workspace_id_ticket_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_chat_rooms_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "room_id", name="pk_chat_rooms"),
        sa.UniqueConstraint(
            "workspace_id", "ticket_id", "audience", name="uq_chat_rooms_workspace_id_ticket_id_audience"
        ),
    )


def _room_of_ticket() -> None:
    """Tickets and rooms name each other: PostgreSQL is told when both are there, SQLite knew it before."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_tickets_workspace_id_chat_room_id",
            "tickets",
            "chat_rooms",
            ["workspace_id", "chat_room_id"],
            ["workspace_id", "room_id"],
            initially="DEFERRED",
            deferrable=True,
        )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sender_type", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _check("ck_messages_sender_type", "sender_type IN ('customer', 'agent', 'system')"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "room_id"],
            ["chat_rooms.workspace_id", "chat_rooms.room_id"],
            name="fk_messages_workspace_id_room_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "room_id", "seq", name="pk_messages"),
        sa.UniqueConstraint("workspace_id", "message_id", name="uq_messages_workspace_id_message_id"),
        sa.UniqueConstraint(
            "workspace_id",
            "room_id",
            "sender_id",
            "client_id",
            name="uq_messages_workspace_id_room_id_sender_id_client_id",
        ),
    )


def _read_marks() -> None:
    op.create_table(
        "read_marks",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        _check("ck_read_marks_side", "side IN ('customer', 'agent')"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "room_id"],
            ["chat_rooms.workspace_id", "chat_rooms.room_id"],
            name="fk_read_marks_workspace_id_room_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "room_id", "reader", name="pk_read_marks"),
    )


def _access_links() -> None:
    op.create_table(
        "access_links",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["tickets.workspace_id", "tickets.ticket_id"],
            name="fk_access_links_workspace_id_ticket_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "token_hash", name="pk_access_links"),
    )
    op.create_index("ix_access_links_workspace_id_ticket_id", "access_links", ["workspace_id", "ticket_id"])


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("visitor_hash", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["tickets.workspace_id", "tickets.ticket_id"],
            name="fk_grants_workspace_id_ticket_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "visitor_hash", "ticket_id", name="pk_grants"),
        comment="Which tickets a customer's browser may open: the server's half of the visitor cookie.",
    )
    op.create_index("ix_grants_workspace_id_ticket_id", "grants", ["workspace_id", "ticket_id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("dead_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["run_at"], sqlite_where=sa.text(DUE), postgresql_where=sa.text(DUE)
    )
