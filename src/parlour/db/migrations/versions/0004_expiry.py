"""What expired is found without looking at everything that has not.

Revision: 0004, after 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in ("access_links", "grants"):
        op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
