"""Every foreign key has its index, and so has every list that people use.

Revision: 0006, after 0005
"""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing yet."""
