"""Fewer indexes of tickets: what the rest hold in a few walks needs none of its own.

Revision: 0054, after 0051
"""

from alembic import op

revision = "0054"
down_revision = "0051"


def upgrade() -> None:
    for name in ("rank", "active_rank"):
        op.drop_index(f"ix_tickets_{name}", "tickets")
