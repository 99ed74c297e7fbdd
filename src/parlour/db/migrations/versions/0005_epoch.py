"""The line of history that this database is on.

Revision: 0005, after 0004
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One row, which stands beside the data and not among it: a copy of the data has a history of its own."""
    history = op.create_table(
        "history",
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.CheckConstraint("one = 1", name="one"),
    )
    op.bulk_insert(history, [{"one": 1, "epoch": secrets.token_hex(8)}])
