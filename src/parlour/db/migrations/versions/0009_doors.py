"""How customers and agents come in.

Revision: 0009, after 0008
"""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing yet."""
