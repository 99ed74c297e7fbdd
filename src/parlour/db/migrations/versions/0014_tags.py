"""Tags of tickets.

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("tagged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "tags",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="the name as names are compared; of a deleted tag its id",
        ),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), comment="nobody sees it; a job takes it off its tickets"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"], name="fk_tags_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "tag_id", name="pk_tags"),
        sa.UniqueConstraint("workspace_id", "key", name="uq_tags_workspace_id_key"),
    )
    _of_tickets()


def _of_tickets() -> None:
    op.create_table(
        "ticket_tags",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("last_message_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("priority_rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["tickets.workspace_id", "tickets.ticket_id"],
            name="fk_ticket_tags_workspace_id_ticket",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "tag_id"],
            ["tags.workspace_id", "tags.tag_id"],
            name="fk_ticket_tags_workspace_id_tag",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "ticket_id", "tag_id", name="pk_ticket_tags"),
    )
    _index("ix_ticket_tags_activity", "last_message_at", "ticket_id")
    _index("ix_ticket_tags_created", "created_at", "ticket_id")
    _index("ix_ticket_tags_rank", "priority_rank", "last_message_at", "ticket_id")


def _index(name: str, *columns: str) -> None:
    op.create_index(name, "ticket_tags", ["workspace_id", "tag_id", *columns])
