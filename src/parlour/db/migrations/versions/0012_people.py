"""When each person was last here, and what a browser may open wherever it is.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0012"
down_revision = "0011"

SIGNED_IN = (
    "SELECT actor_id, max(last_at) AS at FROM security_events WHERE action = 'signed_in' GROUP BY actor_id"
)
IN_USE = "SELECT user_id, max(last_seen_at) AS at FROM sessions GROUP BY user_id"


def upgrade() -> None:
    """Sessions are swept half a day after their last use, so the moment is kept with the person."""
    op.create_index("ix_grants_visitor_hash", "grants", ["visitor_hash"])
    op.add_column("users", sa.Column("last_seen_at", UtcDateTime(), nullable=True))
    keep_what_is_known()


def keep_what_is_known() -> None:
    """Of those who came before: their sign-ins of half a year, and their sessions."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    named = "replace(seen.actor_id, '-', '')" if is_sqlite else "seen.actor_id"
    user = "users.user_id" if is_sqlite else "users.user_id::text"
    _see(SIGNED_IN, f"{user} = {named}")
    _see(IN_USE, "users.user_id = seen.user_id")


def _see(seen: str, whose: str) -> None:
    later = "(users.last_seen_at IS NULL OR users.last_seen_at < seen.at)"
    op.execute(f"UPDATE users SET last_seen_at = seen.at FROM ({seen}) AS seen WHERE {whose} AND {later}")  # noqa: S608
