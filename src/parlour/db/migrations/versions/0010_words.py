"""One spelling for what came from outside.

Revision: 0010, after 0009
"""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Nothing yet."""
