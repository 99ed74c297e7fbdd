"""Who waits, and what is put aside, in every order of the lists.

Revision: 0049, after 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"

SNOOZED = sa.text("snoozed_until IS NOT NULL AND status = 'pending'")
WAITING = sa.text("(waiting_since IS NULL) = false AND status IN ('new', 'open', 'pending')")


def upgrade() -> None:
    for name, which, by_status in (("snoozed", SNOOZED, False), ("waiting", WAITING, True)):
        for order, moment in (("rank", "last_message_at"), ("created", "created_at")):
            columns = ["workspace_id", *["status"] * by_status, "priority_rank", moment, "ticket_id"]
            op.create_index(
                f"ix_tickets_{name}_{order}", "tickets", columns, sqlite_where=which, postgresql_where=which
            )
