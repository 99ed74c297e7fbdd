"""Saved views stand in an order of their owner's choice.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("saved_views", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
