"""What somebody has of their own is looked up by a function where a policy asks: they are in policies.sql.

Revision: 0048, after 0047
"""

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """`policies.sql` is applied after every step; this one makes a server ask for it."""
