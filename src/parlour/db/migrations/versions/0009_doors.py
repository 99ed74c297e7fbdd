"""How customers and agents come in.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """How often an operator had wrong tries forgotten: a part of the name under which they are counted."""
    op.add_column("users", sa.Column("unlocks", sa.Integer(), nullable=False, server_default="0"))
