"""Words to search by are taken apart here and not by the databases: SQLite has an index for their terms.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """It begins empty. The worker fills it in steps (`db.search.take_in`); until then the old one is searched
    for what is older, and the release before goes on with that one alone.
    """
    op.create_table(
        "search_progress",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one = 1", name="one"),
        sa.PrimaryKeyConstraint("one", name="pk_search_progress"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_ticket_search_position", "ticket_search", ["position"])
    place = "rowid" if op.get_bind().dialect.name == "sqlite" else "position"
    newest = f"SELECT {place} FROM ticket_search ORDER BY {place} DESC LIMIT 1"  # noqa: S608
    op.execute(
        f"INSERT INTO search_progress (one, low, high) SELECT 1, newest + 1, newest"  # noqa: S608
        f" FROM (SELECT coalesce(({newest}), 0) AS newest) AS here"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE ticket_search_terms USING fts5("
            "terms, content = '', detail = none, tokenize = 'ascii')"
        )
