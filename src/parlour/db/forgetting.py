"""What one searches by forgets closed tickets whose time has come, as those may who serve a workspace."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from parlour.db import dialect, search
from parlour.db.database import Tx

_FORGET_POSTGRESQL = text("SELECT app.search_forget(CAST(:gone AS uuid[]), :edge, :size)")
PLACES = 2_000
"""That are looked at in one transaction."""


def forget_closed(tx: Tx, of_tickets: Collection[UUID], *, beyond: int) -> tuple[int, bool]:
    """`search.forget`, of closed tickets alone; on PostgreSQL the owner's function does it."""
    if dialect.name_of(tx) == "sqlite":
        return search.forget(tx, of_tickets, beyond=beyond)
    asked = {"gone": list(of_tickets), "edge": beyond, "size": PLACES}
    last = tx.execute(_FORGET_POSTGRESQL, asked).scalar_one()
    return (beyond, False) if last is None else (last, True)
