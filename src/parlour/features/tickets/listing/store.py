"""SQL of lists of tickets: pages, counts, what of a search fits."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Integer, bindparam, func, literal, select, union_all

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import tickets
from parlour.features.tickets import store
from parlour.features.tickets.listing.mentioned import store as mentioned
from parlour.features.tickets.listing.tagged import store as tagged
from parlour.features.tickets.listing.walks.store import (
    ACTIVE_ONES,
    ACTIVE_STATUSES,
    LIMIT,
    ORDERS,
    WAITING_ONES,
    Condition,
    Shape,
    columns_of,
    narrowed,
    reading,
    shape_of,
    straight,
    values_of,
)
from parlour.features.tickets.models import COUNT_LIMIT, LOOKED_THROUGH, Filters, Order, Status, TicketRow
from parlour.features.tickets.rows import store as rows_store
from parlour.features.tickets.rows.store import Listed, Reads

LOOKS = ({"looked": LOOKED_THROUGH // 5}, {"looked": LOOKED_THROUGH})
"""Of what is picked out a page is often full with the first fifth of what it looks through."""


def page(
    tx: Tx,
    filters: Filters,
    reads: Reads[Listed],
    *,
    key: Sequence[Any] | None,
    backwards: bool,
    limit: int,
) -> tuple[list[Listed], Sequence[Any] | None]:
    """`limit` tickets beyond `key`, always in the list's own order.

    Also the key of the last ticket that was looked at, when there may be more that fit beyond it.
    """
    shape, order = shape_of(filters), filters.order
    kept = len(ORDERS[order]) - len(columns_of(shape, order))
    values = values_of(filters) | {f"key{at}": value for at, value in enumerate(key[kept:] if key else ())}
    query = straight(reads, shape, order, beyond=key is not None, backwards=backwards)
    if query is not None:
        found = tx.objects(query, reads.kind, limit=limit, reader=tx.actor.id, **values)
        return found[::-1] if backwards else found, None
    how = reading(dialect.name_of(tx), shape, order, beyond=key is not None, backwards=backwards)
    for looked in LOOKS if how.picks else ({},):
        ids = [row[-1] for row in tx.rows(how.keys, limit=limit, **looked, **values)]
        if len(ids) == limit:
            break
    ends = not how.picks or len(ids) == limit
    last = None if ends else tx.run(how.edge, skipped=LOOKED_THROUGH - 1, **values).first()
    rank = [values["rank"]] * kept
    edge = [*rank, *(getattr(last, column.name) for column in columns_of(shape, order))] if last else None
    return rows_store.named(tx, reads, ids[::-1] if backwards else ids), edge


def count(tx: Tx, filters: Filters) -> int | None:
    """Up to COUNT_LIMIT + 1; None when so many would have to be looked through."""
    how = reading(dialect.name_of(tx), shape_of(filters), filters.order)
    [(looked, *picked)] = tx.rows(how.count, limit=COUNT_LIMIT + 1, **values_of(filters))
    if not how.picks:
        return int(looked)
    return int(picked[0]) if looked <= COUNT_LIMIT else None


@cache
def _ahead(database: str, shape: Shape, order: Order) -> Executable | None:
    how = reading(database, shape, order, beyond=True, backwards=True)
    return None if how.picks else select(func.count()).select_from(how.keys.subquery())


def ahead(tx: Tx, filters: Filters, key: Sequence[Any]) -> int | None:
    """How many stand before this place, up to COUNT_LIMIT + 1; None where they had to be picked out."""
    shape = shape_of(filters)
    query = _ahead(dialect.name_of(tx), shape, filters.order)
    if query is None:
        return None
    kept = len(ORDERS[filters.order]) - len(columns_of(shape, filters.order))
    values = values_of(filters) | {f"key{at}": value for at, value in enumerate(key[kept:])}
    with dialect.walking_in_order(tx):
        counted: int = tx.run(query, limit=COUNT_LIMIT + 1, **values).scalar_one()
    return counted


def ids(tx: Tx, filters: Filters, *, limit: int) -> list[UUID]:
    """The first of the list, in its own order: up to `limit`, among as many that are looked through."""
    how = reading(dialect.name_of(tx), shape_of(filters), filters.order)
    looked = {"looked": limit} if how.picks else {}
    return [row.ticket_id for row in tx.run(how.keys, limit=limit, **looked, **values_of(filters))]


def among(
    tx: Tx, filters: Filters, reads: Reads[TicketRow], ticket_ids: Sequence[UUID]
) -> dict[UUID, TicketRow]:
    """Those of the tickets that the filters let through.

    They are looked at here: for a condition beside the ids SQLite would walk that condition's index. What
    more is read of them is read of no others.
    """
    if filters.tag:
        ticket_ids = tagged.among(tx, filters.tag, ticket_ids)
    if filters.mentioned:
        ticket_ids = mentioned.among(tx, filters.mentioned, ticket_ids)
    shape = shape_of(filters) - {"tag", "mentioned"}
    if not shape:
        return rows_store.by_ids(tx, reads, ticket_ids)
    found = rows_store.by_ids(tx, rows_store.ROWS, ticket_ids)
    let_through = {ticket_id: row for ticket_id, row in found.items() if _lets_through(filters, shape, row)}
    if reads is rows_store.ROWS:
        return let_through
    return rows_store.by_ids(tx, reads, list(let_through))


def _lets_through(filters: Filters, shape: Shape, row: TicketRow) -> bool:
    """What `_CONDITIONS` of the shape say; of tags and mentions `among` has asked."""
    active = row.status in ACTIVE_STATUSES
    passed = {
        "active": active,
        f"status {row.status}": True,
        "snoozed": row.snoozed_until is not None,
        "waiting": row.waiting_since is not None,
        "priority": row.priority is filters.priority,
        "nobody": row.assignee_id is None,
        "assignee": row.assignee_id == filters.assignee,
    }
    return all(passed.get(name) for name in shape)


def by_number(tx: Tx, filters: Filters, reads: Reads[TicketRow], number: int) -> list[TicketRow]:
    """The ticket with this number, when the filters let it through."""
    query, values = _by_number(reads, shape_of(filters)), values_of(filters)
    return tx.objects(query, reads.kind, number=number, reader=tx.actor.id, **values)


@cache
def _by_number(reads: Reads[TicketRow], shape: Shape) -> Executable:
    this = tickets.c.number == bindparam("number", type_=Integer())
    return narrowed(reads.query, shape).where(this)


def _newest_and_most_urgent() -> Executable:
    here = rows_store.ROWS.query
    recent = here.order_by(*[column.desc() for column in ORDERS[Order.ACTIVITY]]).limit(LIMIT).subquery()
    urgent = (
        here.where(ACTIVE_ONES)
        .order_by(
            tickets.c.priority_rank.desc(),
            tickets.c.waiting_since.is_(None),
            tickets.c.waiting_since,
            tickets.c.ticket_id,
        )
        .limit(LIMIT)
        .subquery()
    )
    return union_all(select(literal(0), *recent.c), select(literal(1), *urgent.c))


_RECENT_AND_URGENT = _newest_and_most_urgent()


def recent_and_urgent(tx: Tx, *, limit: int) -> tuple[list[TicketRow], list[TicketRow]]:
    """The latest activity, and the most urgent unfinished tickets, in one statement.

    Among equally urgent ones, whoever waits longest for an agent comes first.
    """
    lists: tuple[list[TicketRow], list[TicketRow]] = ([], [])
    for which, row in tx.objects(_RECENT_AND_URGENT, _of_list, limit=limit):
        lists[which].append(row)
    return lists


def _of_list(row: Sequence[Any]) -> tuple[int, TicketRow]:
    which, *ticket = row
    return which, rows_store.ticket_row(ticket)


_COUNTED: dict[str, tuple[Condition, ...]] = {
    **{status.value: (store.has_status(status),) for status in Status},
    "unanswered": (ACTIVE_ONES, WAITING_ONES),
}


def _how_many(*conditions: Condition) -> ColumnElement[int]:
    some = select(tickets.c.ticket_id).where(tickets.c.workspace_id == HERE, *conditions)
    return select(func.count()).select_from(some.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()


_COUNTS = select(*(_how_many(*conditions).label(name) for name, conditions in _COUNTED.items()))


def counts(tx: Tx) -> dict[str, int]:
    """How many tickets have each status, and in how many a customer waits: one statement, each capped."""
    return dict(zip(_COUNTED, tx.rows(_COUNTS)[0], strict=True))
