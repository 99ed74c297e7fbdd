"""What happened in a workspace, for those who follow it.

Revision: 0031, after 0030
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0031"
down_revision = "0030"

_KINDS = "'ticket.created', 'ticket.updated', 'message.created', 'note.created', 'contact.updated'"


def upgrade() -> None:
    _events()
    _heads()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), *_numbered(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"], name="fk_events_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "event_id", name="pk_events"),
    )
    op.create_index("ix_events_created_at", "events", ["created_at"])
    placed, unplaced = sa.text("position IS NOT NULL"), sa.text("position IS NULL")
    op.create_index(
        "ix_events_position",
        "events",
        ["workspace_id", "position"],
        unique=True,
        sqlite_where=placed,
        postgresql_where=placed,
    )
    op.create_index(
        "ix_events_unplaced",
        "events",
        ["workspace_id", "number"],
        sqlite_where=unplaced,
        postgresql_where=unplaced,
    )


def _heads() -> None:
    op.create_table(
        "event_heads",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_event_heads_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_event_heads"),
    )


def _numbered() -> list[sa.Identity]:
    """By the server, where several write at a time."""
    return [sa.Identity()] if op.get_bind().dialect.name == "postgresql" else []
