"""Every combination of filters and order that the table offers is held by indexes.

Revision: 0011, after 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"

RANKED = ["status", "priority_rank", "last_message_at", "ticket_id"]
CREATED = ["status", "priority_rank", "created_at", "ticket_id"]


def upgrade() -> None:
    """Those of a status alone are four walks of the first one now, merged: the index of them goes."""
    op.create_index("ix_tickets_status_rank", "tickets", ["workspace_id", *RANKED])
    op.create_index("ix_tickets_status_created", "tickets", ["workspace_id", *CREATED])
    op.create_index("ix_tickets_assignee_status_rank", "tickets", ["workspace_id", "assignee_id", *RANKED])
    op.create_index(
        "ix_tickets_assignee_status_created", "tickets", ["workspace_id", "assignee_id", *CREATED]
    )
    op.drop_index("ix_tickets_status_activity", "tickets")
