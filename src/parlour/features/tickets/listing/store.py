"""SQL of lists of tickets: filters, orders, pages, counts, search."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    Select,
    TextClause,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    text,
    tuple_,
    union_all,
)

from parlour.db.database import HERE, Tx
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

# What a list is narrowed by. Its shape says which of them; the values come with each execution.
_Condition = ColumnElement[bool] | TextClause
_CONDITIONS: dict[str, _Condition] = {
    "active": _ACTIVE,
    "status": tickets.c.status == bindparam("status"),
    "waiting": _WAITING,
    "priority": tickets.c.priority_rank == bindparam("rank"),
    "nobody": tickets.c.assignee_id.is_(None),
    "assignee": tickets.c.assignee_id == bindparam("assignee"),
}
_Shape = frozenset[str]

_ALONE, _AMONG_ACTIVE = frozenset[str](), frozenset({"active"})
_INDEXED: dict[Order, set[_Shape]] = {
    Order.ACTIVITY: {
        _ALONE,
        _AMONG_ACTIVE,
        *(frozenset({name}) for name in ("status", "priority", "nobody", "assignee")),
        *(_AMONG_ACTIVE | {name} for name in ("waiting", "priority", "nobody", "assignee")),
    },
    Order.CREATED: {_ALONE},
    Order.PRIORITY: {_ALONE, _AMONG_ACTIVE, frozenset({"priority"}), _AMONG_ACTIVE | {"priority"}},
}
ACTIVE_STATUSES = (Status.NEW, Status.OPEN, Status.PENDING)
_LIMIT = bindparam("limit", type_=Integer())


def _shape(filters: Filters) -> _Shape:
    """Whoever waits has a ticket that is active, which the words of the index say too."""
    asked = (
        ("active", filters.status is Stage.ACTIVE or filters.waiting),
        ("status", isinstance(filters.status, Status)),
        ("waiting", filters.waiting),
        ("priority", filters.priority),
        ("nobody", filters.assignee is Whose.NOBODY),
        ("assignee", isinstance(filters.assignee, UUID)),
    )
    return frozenset(name for name, given in asked if given)


def _values(filters: Filters) -> dict[str, Any]:
    return {
        "status": filters.status.value if filters.status else None,
        "rank": store.RANKS[filters.priority] if filters.priority else None,
        "assignee": filters.assignee,
    }


def _narrow(query: Select[Any], shape: _Shape) -> Select[Any]:
    conditions = (condition for name, condition in _CONDITIONS.items() if name in shape)
    return query.where(tickets.c.workspace_id == HERE, *conditions)


def indexed(filters: Filters) -> bool:
    """Whether one index holds the filters and the order together: then a page costs the same everywhere.

    Others walk the index of their order past whatever does not fit, which can take long.
    """
    return not filters.q.strip() and _shape(filters) in _INDEXED[filters.order]


def _columns(shape: _Shape, order: Order) -> tuple[ColumnElement[Any], ...]:
    """Among tickets of one rank the rest of the order is all there is."""
    columns = ORDERS[order]
    return columns[1:] if order is Order.PRIORITY and "priority" in shape else columns


@cache
def _page(shape: _Shape, order: Order, *, beyond: bool, backwards: bool) -> Select[Any]:
    columns = _columns(shape, order)
    query = _narrow(store.ROWS, shape)
    if beyond:
        here = tuple_(*columns)
        there = tuple_(*(bindparam(f"key{at}", type_=column.type) for at, column in enumerate(columns)))
        query = query.where(here > there if backwards else here < there)
    return query.order_by(*[column.asc() if backwards else column.desc() for column in columns]).limit(_LIMIT)


def page(
    tx: Tx, filters: Filters, *, key: Sequence[Any] | None, backwards: bool, limit: int
) -> list[TicketRow]:
    """`limit` rows beyond `key`, always in the list's own order."""
    shape = _shape(filters)
    query = _page(shape, filters.order, beyond=key is not None, backwards=backwards)
    last = key[-len(_columns(shape, filters.order)) :] if key else ()
    values = {f"key{at}": value for at, value in enumerate(last)}
    found = [store.ticket_row(row) for row in tx.run(query, limit=limit, **_values(filters), **values)]
    return found[::-1] if backwards else found


@cache
def _count(shape: _Shape) -> Select[Any]:
    some = _narrow(select(tickets.c.ticket_id), shape).limit(COUNT_LIMIT + 1).subquery()
    return select(func.count()).select_from(some)


def count(tx: Tx, filters: Filters) -> int:
    """Never looks at more than COUNT_LIMIT + 1 rows that fit."""
    counted: int = tx.run(_count(_shape(filters)), **_values(filters)).scalar_one()
    return counted


def ids(tx: Tx, filters: Filters, *, limit: int) -> list[UUID]:
    """The first of the list, in its own order."""
    order = [column.desc() for column in ORDERS[filters.order]]
    query = _narrow(select(tickets.c.ticket_id), _shape(filters)).order_by(*order).limit(limit)
    return list(tx.run(query, **_values(filters)).scalars())


def how_many_of(tx: Tx, ticket_ids: Sequence[UUID]) -> int:
    """How many of these are tickets of this workspace."""
    query = select(func.count()).where(
        tickets.c.workspace_id == tx.workspace_id, tickets.c.ticket_id.in_(ticket_ids)
    )
    counted: int = tx.execute(query).scalar_one()
    return counted


def among(tx: Tx, filters: Filters, ticket_ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
    """Those of the tickets that the filters let through.

    They are looked at here: for a condition beside the ids SQLite would walk that condition's index.
    """
    return {row.ticket_id: row for row in store.these(tx, ticket_ids) if _lets_through(filters, row)}


def _lets_through(filters: Filters, row: TicketRow) -> bool:
    """What `_CONDITIONS` say."""
    active = row.status in ACTIVE_STATUSES
    passed = {
        "active": active,
        "status": row.status is filters.status,
        "waiting": row.waiting_since is not None,
        "priority": row.priority is filters.priority,
        "nobody": row.assignee_id is None,
        "assignee": row.assignee_id == filters.assignee,
    }
    return all(passed[name] for name in _shape(filters))


def by_number(tx: Tx, filters: Filters, number: int) -> list[TicketRow]:
    """The ticket with this number, when the filters let it through."""
    query = _narrow(store.ROWS, _shape(filters)).where(tickets.c.number == number)
    return [store.ticket_row(row) for row in tx.run(query, **_values(filters))]


_OF_ADDRESS = (
    select(tickets.c.ticket_id)
    .where(
        tickets.c.workspace_id == HERE,
        tickets.c.email == bindparam("email"),
        tickets.c.ticket_id < bindparam("before", type_=Uuid()),
    )
    .order_by(tickets.c.ticket_id.desc())
    .limit(_LIMIT)
)
_OF_ADDRESSES = (
    select(tickets.c.ticket_id)
    .where(
        tickets.c.workspace_id == HERE,
        tickets.c.email.between(bindparam("first"), bindparam("last")),
        tickets.c.ticket_id < bindparam("before", type_=Uuid()),
    )
    .order_by(tickets.c.ticket_id.desc())
    .limit(_LIMIT)
)
_NEXT_ADDRESS = (
    select(tickets.c.email)
    .where(tickets.c.workspace_id == HERE, tickets.c.email.between(bindparam("first"), bindparam("last")))
    .order_by(tickets.c.email)
    .limit(1)
)
_LAST_ID = UUID(int=2**128 - 1)
_LAST_CHARACTER = "\U0010ffff"


def addresses(tx: Tx, beginning: str, *, limit: int) -> list[str]:
    """The first addresses that begin so, each found by one search of the index."""
    found: list[str] = []
    first, last = beginning, beginning + _LAST_CHARACTER
    while len(found) < limit:
        email = tx.run(_NEXT_ADDRESS, first=first, last=last).scalar_one_or_none()
        if email is None:
            break
        found.append(email)
        first = email + "\x01"
    return found


def of_addresses(tx: Tx, emails: Sequence[str], *, before: UUID | None, limit: int) -> list[UUID]:
    """The newest tickets of these addresses that are older than `before`; each address is read in order."""
    until = before or _LAST_ID
    ids = [
        ticket_id
        for email in emails
        for ticket_id in tx.run(_OF_ADDRESS, email=email, before=until, limit=limit).scalars()
    ]
    return sorted(ids, reverse=True)[:limit]


def of_all_addresses(tx: Tx, beginning: str, *, before: UUID | None, limit: int) -> list[UUID]:
    """`of_addresses` for more of them than one asks for each: all their tickets are read and sorted."""
    asked = {"first": beginning, "last": beginning + _LAST_CHARACTER, "before": before or _LAST_ID}
    return list(tx.run(_OF_ADDRESSES, **asked, limit=limit).scalars())


def _newest_and_most_urgent() -> Executable:
    here = store.ROWS.where(tickets.c.workspace_id == HERE)
    recent = here.order_by(*[column.desc() for column in ORDERS[Order.ACTIVITY]]).limit(_LIMIT).subquery()
    urgent = (
        here.where(_ACTIVE)
        .order_by(
            tickets.c.priority_rank.desc(),
            tickets.c.waiting_since.is_(None),
            tickets.c.waiting_since,
            tickets.c.ticket_id,
        )
        .limit(_LIMIT)
        .subquery()
    )
    return union_all(select(literal(0), *recent.c), select(literal(1), *urgent.c))


_RECENT_AND_URGENT = _newest_and_most_urgent()


def recent_and_urgent(tx: Tx, *, limit: int) -> tuple[list[TicketRow], list[TicketRow]]:
    """The latest activity, and the most urgent unfinished tickets, in one statement.

    Among equally urgent ones, whoever waits longest for an agent comes first.
    """
    lists: tuple[list[TicketRow], list[TicketRow]] = ([], [])
    for which, *row in tx.run(_RECENT_AND_URGENT, limit=limit):
        lists[which].append(store.ticket_row(row))
    return lists


_COUNTED: dict[str, tuple[_Condition, ...]] = {
    **{status.value: (tickets.c.status == status.value,) for status in Status},
    "unanswered": (_ACTIVE, tickets.c.first_answer_at.is_(None)),
}


def _how_many(*conditions: _Condition) -> ColumnElement[int]:
    some = select(tickets.c.ticket_id).where(tickets.c.workspace_id == HERE, *conditions)
    return select(func.count()).select_from(some.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()


_COUNTS = select(*(_how_many(*conditions).label(name) for name, conditions in _COUNTED.items()))


def counts(tx: Tx) -> dict[str, int]:
    """How many tickets have each status, and how many wait for a first answer: one statement, each capped."""
    return dict(zip(_COUNTED, tx.run(_COUNTS).one(), strict=True))
