"""SQL of lists of tickets: filters, orders, pages, counts, search."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select, text, tuple_, union_all

from parlour.db.database import Tx
from parlour.db.schema import ACTIVE, tickets
from parlour.features.tickets import store
from parlour.features.tickets.models import COUNT_LIMIT, Filters, Order, Stage, Status, TicketRow, Whose

ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.ACTIVITY: (tickets.c.last_message_at, tickets.c.ticket_id),
    Order.CREATED: (tickets.c.created_at, tickets.c.ticket_id),
    Order.PRIORITY: (tickets.c.priority_rank, tickets.c.last_message_at, tickets.c.ticket_id),
}
# In the words of the indexes, as text: only so does the planner see that they fit.
_ACTIVE = text(f"tickets.{ACTIVE}")
_WAITING = text("(tickets.waiting_since IS NULL) = false")

_ALONE, _AMONG_ACTIVE = frozenset[str](), frozenset({"active"})
_INDEXED: dict[Order, set[frozenset[str]]] = {
    Order.ACTIVITY: {
        _ALONE,
        _AMONG_ACTIVE,
        *(frozenset({name}) for name in ("status", "waiting", "priority", "assignee")),
        *(_AMONG_ACTIVE | {name} for name in ("waiting", "priority", "assignee")),
    },
    Order.CREATED: {_ALONE},
    Order.PRIORITY: {_ALONE, _AMONG_ACTIVE, frozenset({"priority"}), _AMONG_ACTIVE | {"priority"}},
}


def _narrow(tx: Tx, query: Select[Any], filters: Filters) -> Select[Any]:
    query = query.where(tickets.c.workspace_id == tx.workspace_id)
    if filters.status is Stage.ACTIVE or filters.waiting:
        query = query.where(_ACTIVE)
    if isinstance(filters.status, Status):
        query = query.where(tickets.c.status == filters.status.value)
    if filters.waiting:
        query = query.where(_WAITING)
    if filters.priority:
        query = query.where(tickets.c.priority_rank == store.RANKS[filters.priority])
    if filters.assignee is Whose.NOBODY:
        query = query.where(tickets.c.assignee_id.is_(None))
    elif filters.assignee:
        query = query.where(tickets.c.assignee_id == filters.assignee)
    return query


def indexed(filters: Filters) -> bool:
    """Whether one index holds the filters and the order together: then a page costs the same everywhere.

    Others walk the index of their order past whatever does not fit, which can take long.
    """
    narrowed = {
        name
        for name, given in (
            ("active", filters.status is Stage.ACTIVE),
            ("status", isinstance(filters.status, Status)),
            ("waiting", filters.waiting),
            ("priority", filters.priority),
            ("assignee", filters.assignee),
        )
        if given
    }
    return not filters.q.strip() and frozenset(narrowed) in _INDEXED[filters.order]


def page(
    tx: Tx, filters: Filters, *, key: Sequence[Any] | None, backwards: bool, limit: int
) -> list[TicketRow]:
    """`limit` rows beyond `key`, always in the list's own order."""
    columns = ORDERS[filters.order]
    if filters.order is Order.PRIORITY and filters.priority:
        columns, key = columns[1:], key and key[1:]  # one rank alone: only the rest puts them in order
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
    """The first of the list, in its own order."""
    order = [column.desc() for column in ORDERS[filters.order]]
    query = _narrow(tx, select(tickets.c.ticket_id), filters).order_by(*order).limit(limit)
    return list(tx.execute(query).scalars())


def how_many_of(tx: Tx, ticket_ids: Sequence[UUID]) -> int:
    """How many of these are tickets of this workspace."""
    query = select(func.count()).where(
        tickets.c.workspace_id == tx.workspace_id, tickets.c.ticket_id.in_(ticket_ids)
    )
    counted: int = tx.execute(query).scalar_one()
    return counted


def among(tx: Tx, filters: Filters, ticket_ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
    """Those of the tickets that the filters let through."""
    query = _narrow(tx, store.rows(), filters).where(tickets.c.ticket_id.in_(ticket_ids))
    return {row.ticket_id: row for row in map(store.ticket_row, tx.execute(query))}


def by_number(tx: Tx, filters: Filters, number: int) -> list[TicketRow]:
    """The ticket with this number, when the filters let it through."""
    query = _narrow(tx, store.rows(), filters).where(tickets.c.number == number)
    return [store.ticket_row(row) for row in tx.execute(query)]


def by_email(tx: Tx, filters: Filters, beginning: str, *, before: UUID | None, limit: int) -> list[TicketRow]:
    """The newest tickets, older than `before`, of the addresses that begin so."""
    query = _narrow(tx, store.rows(), filters).where(tickets.c.email.between(beginning, beginning + "\uffff"))
    if before:
        query = query.where(tickets.c.ticket_id < before)
    return [
        store.ticket_row(row) for row in tx.execute(query.order_by(tickets.c.ticket_id.desc()).limit(limit))
    ]


def recent_and_urgent(tx: Tx, *, limit: int) -> tuple[list[TicketRow], list[TicketRow]]:
    """The latest activity, and the most urgent unfinished tickets, in one statement.

    Among equally urgent ones, whoever waits longest for an agent comes first.
    """
    here = store.rows().where(tickets.c.workspace_id == tx.workspace_id)
    recent = here.order_by(*[column.desc() for column in ORDERS[Order.ACTIVITY]]).limit(limit).subquery()
    urgent = (
        here.where(_ACTIVE)
        .order_by(
            tickets.c.priority_rank.desc(),
            tickets.c.waiting_since.is_(None),
            tickets.c.waiting_since,
            tickets.c.ticket_id,
        )
        .limit(limit)
        .subquery()
    )
    both = union_all(select(literal(0), *recent.c), select(literal(1), *urgent.c))
    lists: tuple[list[TicketRow], list[TicketRow]] = ([], [])
    for which, *row in tx.execute(both):
        lists[which].append(store.ticket_row(row))
    return lists


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
