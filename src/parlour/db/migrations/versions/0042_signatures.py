"""In whose name the answers of a mailbox come, and what stands below them.

Revision: 0042, after 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.add_column("mailboxes", sa.Column("called", sa.Text(), nullable=False, server_default=""))
    op.add_column("mailboxes", sa.Column("signature", sa.Text(), nullable=False, server_default=""))
