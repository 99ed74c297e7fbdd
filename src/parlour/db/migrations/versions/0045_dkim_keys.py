"""The keys with which mails of a domain are signed.

Revision: 0045, after 0044
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "dkim_keys",
        sa.Column("domain", sa.Text(), nullable=False, comment="as DNS has it"),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False, comment="sealed"),
        sa.Column(
            "sealed_with", sa.Text(), nullable=False, comment="the name of the key that it is sealed with"
        ),
        sa.Column("found_at", UtcDateTime(), comment="when DNS had its record; before, it signs nothing"),
        sa.PrimaryKeyConstraint("domain"),
    )
