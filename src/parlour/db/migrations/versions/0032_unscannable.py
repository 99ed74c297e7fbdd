"""What the virus scanner will never look at is told from what it has not looked at yet.

Revision: 0032, after 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("files", sa.Column("unscannable", sa.Boolean(), nullable=False, server_default=sa.false()))
