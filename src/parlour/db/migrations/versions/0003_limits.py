"""The windows in which several nodes on PostgreSQL count together.

Revision: 0003, after 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """SQLite has one process, which counts in its memory."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE UNLOGGED TABLE limit_windows ("
            "key text PRIMARY KEY, hits timestamptz[] NOT NULL, expires_at timestamptz NOT NULL)"
        )
