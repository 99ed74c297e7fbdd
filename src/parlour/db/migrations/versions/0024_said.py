"""The words of the places that a search shows are read by themselves: a function in policies.sql.

Revision: 0024, after 0023
"""

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """`policies.sql` is applied after every step; this one makes a server ask for it."""
