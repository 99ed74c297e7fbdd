"""Mailboxes that those add who manage a workspace, and that can be removed.

Revision: 0041, after 0040
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column(
        "mailboxes",
        sa.Column(
            "handed",
            sa.Boolean(),
            nullable=False,
            server_default=sa.true(),
            comment="whether a mail server of the operator's may bring mail for it",
        ),
    )
    op.add_column(
        "mailboxes",
        sa.Column(
            "removed_at",
            UtcDateTime(),
            nullable=True,
            comment="its mails stay, and so it stays the workspace's",
        ),
    )
    op.add_column(
        "fetched_mailboxes",
        sa.Column(
            "bounded",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether the URL is somebody's who may not lead us into the operator's network",
        ),
    )
