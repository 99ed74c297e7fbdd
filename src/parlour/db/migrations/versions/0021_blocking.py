"""Who is blocked, what they opened meanwhile, and which names nobody has looked at.

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("contacts", sa.Column("blocked_at", UtcDateTime(), nullable=True))
    op.add_column(
        "contacts",
        sa.Column(
            "name_typed",
            sa.Boolean(),
            nullable=False,
            server_default=sa.true(),
            comment="whether the name is what somebody typed on the portal, and no agent has saved it",
        ),
    )
    op.add_column(
        "tickets",
        sa.Column(
            "quiet",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether somebody blocked opened it: closed for the agents, new to its customer",
        ),
    )
