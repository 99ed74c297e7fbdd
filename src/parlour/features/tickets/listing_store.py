"""SQL of lists of tickets: filters, orders, pages, counts, search."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select, text, tuple_

from parlour.db.database import Tx
from parlour.db.schema import ACTIVE, tickets
from parlour.features.tickets import store
from parlour.features.tickets.models import Filters, Order, Stage, Status, TicketRow, Whose

COUNT_LIMIT = 1000

ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.ACTIVITY: (tickets.c.last_message_at, tickets.c.ticket_id),
    Order.CREATED: (tickets.c.created_at, tickets.c.ticket_id),
    Order.PRIORITY: (tickets.c.priority_rank, tickets.c.last_message_at, tickets.c.ticket_id),
}
_ACTIVE = text(f"tickets.{ACTIVE}")  # as text: only so does the planner see that the partial indexes fit


def _narrow(tx: Tx, query: Select[Any], filters: Filters) -> Select[Any]:
    query = query.where(tickets.c.workspace_id == tx.workspace_id)
    if filters.status is Stage.ACTIVE or filters.waiting:
        query = query.where(_ACTIVE)
    if isinstance(filters.status, Status):
        query = query.where(tickets.c.status == filters.status.value)
    if filters.waiting:
        query = query.where(tickets.c.waiting_since.is_not(None))
    if filters.priority:
        query = query.where(tickets.c.priority_rank == store.RANKS[filters.priority])
    if filters.assignee is Whose.NOBODY:
        query = query.where(tickets.c.assignee_id.is_(None))
    elif filters.assignee:
        query = query.where(tickets.c.assignee_id == filters.assignee)
    return query


def page(
    tx: Tx, filters: Filters, *, key: Sequence[Any] | None, backwards: bool, limit: int
) -> list[TicketRow]:
    """`limit` rows beyond `key`, always in the list's own order."""
    columns = ORDERS[filters.order]
    query = _narrow(tx, store.rows(), filters)
    if key is not None:
        here = tuple_(*columns)
        there = tuple_(*key, types=[column.type for column in columns])
        query = query.where(here > there if backwards else here < there)
    query = query.order_by(*[column.asc() if backwards else column.desc() for column in columns])
    found = [store.ticket_row(row) for row in tx.execute(query.limit(limit))]
    return found[::-1] if backwards else found


def count(tx: Tx, filters: Filters) -> int:
    """Never looks at more than COUNT_LIMIT + 1 rows that fit."""
    some = _narrow(tx, select(tickets.c.ticket_id), filters).limit(COUNT_LIMIT + 1).subquery()
    counted: int = tx.execute(select(func.count()).select_from(some)).scalar_one()
    return counted


def ids(tx: Tx, filters: Filters, *, limit: int) -> list[UUID]:
    query = _narrow(tx, select(tickets.c.ticket_id), filters).order_by(tickets.c.ticket_id).limit(limit)
    return list(tx.execute(query).scalars())


def among(tx: Tx, filters: Filters, ticket_ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
    """Those of the tickets that the filters let through."""
    query = _narrow(tx, store.rows(), filters).where(tickets.c.ticket_id.in_(ticket_ids))
    return {row.ticket_id: row for row in map(store.ticket_row, tx.execute(query))}


def by_number_or_email(
    tx: Tx, filters: Filters, *, number: int | None, email: str | None, limit: int
) -> list[TicketRow]:
    """The ticket with this number, or the newest of an address; the rest of the filters still holds."""
    wanted: ColumnElement[bool] = false()
    if number is not None:
        wanted = tickets.c.number == number
    elif email:
        wanted = tickets.c.email.between(email, email + "\uffff")
    query = _narrow(tx, store.rows(), filters).where(wanted).order_by(tickets.c.ticket_id.desc()).limit(limit)
    return [store.ticket_row(row) for row in tx.execute(query)]


def urgent(tx: Tx, *, limit: int) -> list[TicketRow]:
    """Unfinished tickets: the most urgent first, among equals whoever waits longest for an agent."""
    query = (
        store.rows()
        .where(tickets.c.workspace_id == tx.workspace_id, _ACTIVE)
        .order_by(
            tickets.c.priority_rank.desc(),
            tickets.c.waiting_since.is_(None),
            tickets.c.waiting_since,
            tickets.c.ticket_id,
        )
        .limit(limit)
    )
    return [store.ticket_row(row) for row in tx.execute(query)]


def counts(tx: Tx) -> dict[str, int]:
    """How many tickets have each status, and how many wait for a first answer: one statement, each capped."""
    wanted: dict[str, tuple[ColumnElement[bool], ...]] = {
        status.value: (tickets.c.status == status.value,) for status in Status
    }
    wanted["unanswered"] = (_ACTIVE, tickets.c.first_answer_at.is_(None))  # type: ignore[assignment]
    columns = []
    for name, conditions in wanted.items():
        some = (
            select(tickets.c.ticket_id)
            .where(tickets.c.workspace_id == tx.workspace_id, *conditions)
            .limit(COUNT_LIMIT + 1)
            .subquery()
        )
        columns.append(select(func.count()).select_from(some).scalar_subquery().label(name))
    return dict(zip(wanted, tx.execute(select(*columns)).one(), strict=True))
