"""A name that was typed along with a ticket is first of all that ticket's.

Revision: 0030, after 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("typed_name", sa.Text(), nullable=True))
