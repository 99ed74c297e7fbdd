"""What is kept for a time: which tickets are erased, and those that may be, in the order of their last words.

Revision: 0043, after 0042
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0043"
down_revision = "0042"

ERASABLE = "status = 'closed' AND (erased_at IS NULL OR erased_at < last_message_at)"


def upgrade() -> None:
    gone = "when what was said in it went, because its time had come"
    op.add_column("tickets", sa.Column("erased_at", UtcDateTime(), nullable=True, comment=gone))
    op.create_index(
        "ix_tickets_erasable",
        "tickets",
        ["workspace_id", "last_message_at", "ticket_id"],
        sqlite_where=sa.text(ERASABLE),
        postgresql_where=sa.text(ERASABLE),
    )
