"""Who is blocked, what they opened meanwhile, and which names nobody has looked at.

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0020"
down_revision = "0019"


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
