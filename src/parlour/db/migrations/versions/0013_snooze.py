"""Tickets that are put aside until a moment, and the list of them.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0013"
down_revision = "0012"

SNOOZED = "snoozed_until IS NOT NULL AND status = 'pending'"


def upgrade() -> None:
    """A release before this one leaves the moment where it is when it changes the status: hence both."""
    op.add_column("tickets", sa.Column("snoozed_until", UtcDateTime, nullable=True))
    op.create_index(
        "ix_tickets_snoozed",
        "tickets",
        ["workspace_id", "last_message_at", "ticket_id"],
        sqlite_where=sa.text(SNOOZED),
        postgresql_where=sa.text(SNOOZED),
    )
