"""SQL of what rooms have not been told yet."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, case, false, func, null, or_, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import tickets
from parlour.features.tickets.models import Status

_HEARD: ColumnElement[str] = case(
    (tickets.c.quiet, Status.NEW.value), else_=func.coalesce(tickets.c.unsaid_from, tickets.c.status)
)
_CLEAR = (
    update(tickets)
    .where(tickets.c.workspace_id == HERE, dialect.one_of(tickets.c.ticket_id, "these"))
    .values(unsaid_from=None, unsaid_by=None, quiet=False)
)
_OF_CHANGE = (
    select(tickets.c.ticket_id)
    .where(
        tickets.c.workspace_id == HERE,
        tickets.c.status_change == bindparam("change"),
        tickets.c.unsaid_from.is_not(None),
    )
    .limit(bindparam("limit", type_=Integer()))
)


def held(status: Status, change_id: UUID, *, by: str) -> dict[str, Any]:
    """Columns to set together with that status: nothing is unsaid of what the room heard last.

    What is quiet is so until its room is told of something, and closed again it is as it was.
    """
    came_back: ColumnElement[bool] = _HEARD.in_([status.value])
    if status is Status.CLOSED:
        came_back = or_(came_back, tickets.c.quiet)
    return {
        "status_change": change_id,
        "quiet": tickets.c.quiet if status is not Status.NEW else false(),
        "unsaid_from": case((came_back, null()), else_=_HEARD),
        "unsaid_by": case((came_back, null()), else_=by),
    }


def clear(tx: Tx, ticket_ids: Sequence[UUID]) -> None:
    tx.run(_CLEAR, these=list(ticket_ids))


def of_change(tx: Tx, change_id: UUID, *, limit: int) -> list[UUID]:
    return list(tx.run(_OF_CHANGE, change=change_id, limit=limit).scalars())
