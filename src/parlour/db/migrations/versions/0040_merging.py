"""A ticket can go on in another one.

Revision: 0040, after 0039
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema.tickets import MERGED

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("tickets", sa.Column("before_merge", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("gathers", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("participants", sa.Column("merged_from", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_tickets_merged",
        "tickets",
        ["workspace_id", "merged_into"],
        sqlite_where=sa.text(MERGED),
        postgresql_where=sa.text(MERGED),
    )
