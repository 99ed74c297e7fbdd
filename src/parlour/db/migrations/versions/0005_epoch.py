"""The line of history that this database is on.

Revision: 0005, after 0004
"""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing yet."""
