"""Who is named in which note.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "mentions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_mentions_user_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "message_id"],
            ["messages.workspace_id", "messages.message_id"],
            name="fk_mentions_workspace_id_message_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", "message_id", name="pk_mentions"),
    )
    op.create_index("ix_mentions_user_id", "mentions", ["user_id"])
    op.create_index("ix_mentions_workspace_id_message_id", "mentions", ["workspace_id", "message_id"])
