"""Mailboxes that are opened by what their owner granted us at a provider (OAuth).

Revision: 0046, after 0045
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema.base import UtcDateTime

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.add_column(
        "fetched_mailboxes",
        sa.Column(
            "provider",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="at which somebody granted access, which is sealed in place of a password",
        ),
    )
    op.add_column(
        "fetched_mailboxes",
        sa.Column(
            "renewal",
            sa.Uuid(),
            nullable=True,
            comment="by which the access is being renewed, until it is stored",
        ),
    )
    op.add_column(
        "fetched_mailboxes",
        sa.Column("renewal_until", UtcDateTime(), nullable=True, comment="then somebody else may"),
    )
