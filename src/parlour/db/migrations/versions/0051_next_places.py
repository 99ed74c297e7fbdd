"""A page of a search is one question: `app.search_next`, which comes with the policies.

Revision: 0051, after 0050
"""

from alembic import op

revision = "0051"
down_revision = "0050"
CONTRACTS = "0019"


def upgrade() -> None:
    """Programs before 0019 ask it for their searches; none after them does."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS app.search(text, bigint, integer)")
