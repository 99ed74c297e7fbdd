"""Who gets a copy of each answer by mail, beside the customer.

Revision: 0038, after 0037
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "participants",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False, comment="who gets a copy of each answer by mail"),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "ticket_id", "email"),
        sa.ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    )
