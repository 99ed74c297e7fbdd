"""What a room has not been told yet of a change of status that can still be taken back.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

UNSAID = "unsaid_from IS NOT NULL"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("status_change", sa.Uuid(), nullable=True))
    op.add_column("tickets", sa.Column("unsaid_from", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("unsaid_by", sa.Text(), nullable=True))
    op.create_index(
        "ix_tickets_unsaid",
        "tickets",
        ["workspace_id", "status_change"],
        sqlite_where=sa.text(UNSAID),
        postgresql_where=sa.text(UNSAID),
    )
