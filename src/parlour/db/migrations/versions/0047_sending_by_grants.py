"""Servers by which a mailbox's answers leave, opened by what its owner granted us at a provider (OAuth).

Revision: 0047, after 0046
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.add_column(
        "outgoing_servers",
        sa.Column(
            "provider",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="whose access opens it",
        ),
    )
