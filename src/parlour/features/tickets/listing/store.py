"""SQL of lists of tickets: filters, orders, pages, counts, search."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Executable,
    Integer,
    Select,
    Subquery,
    TextClause,
    UnaryExpression,
    and_,
    asc,
    bindparam,
    case,
    desc,
    func,
    literal,
    select,
    text,
    tuple_,
    union_all,
)

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import ACTIVE, SNOOZED, tickets
from parlour.features.tickets import store
from parlour.features.tickets.listing.mentioned import store as mentioned
from parlour.features.tickets.listing.tagged import store as tagged
from parlour.features.tickets.listing.tagged.store import Reading
from parlour.features.tickets.models import (
    COUNT_LIMIT,
    LOOKED_THROUGH,
    Filters,
    Order,
    Stage,
    Status,
    TicketRow,
    Whose,
)

ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.ACTIVITY: (tickets.c.last_message_at, tickets.c.ticket_id),
    Order.CREATED: (tickets.c.created_at, tickets.c.ticket_id),
    Order.PRIORITY: (tickets.c.priority_rank, tickets.c.last_message_at, tickets.c.ticket_id),
}
# In the words of the indexes, as text: only so does the planner see that they fit.
_ACTIVE = text(f"tickets.{ACTIVE}")
_WAITING = text("(tickets.waiting_since IS NULL) = false")
_SNOOZED = text(SNOOZED.format("tickets."))

# What a list is narrowed by. Its shape says which of them; the values come with each execution.
_Condition = ColumnElement[bool] | TextClause
_CONDITIONS: dict[str, _Condition] = {
    "active": _ACTIVE,
    "status": tickets.c.status == bindparam("status"),
    "waiting": _WAITING,
    "snoozed": _SNOOZED,
    "tag": tagged.HAS,
    "mentioned": mentioned.HAS,
    "priority": tickets.c.priority_rank == bindparam("rank"),
    "nobody": tickets.c.assignee_id.is_(None),
    "assignee": tickets.c.assignee_id == bindparam("assignee"),
}
_Shape = frozenset[str]

_LEADS: dict[Order, tuple[tuple[str, ...], ...]] = {
    Order.ACTIVITY: (
        (),
        ("active",),
        ("active", "waiting"),
        ("snoozed",),
        ("priority",),
        ("active", "priority"),
        ("assignee",),
        ("active", "assignee"),
        ("status", "priority"),
        ("assignee", "status", "priority"),
    ),
    Order.CREATED: ((), ("status", "priority"), ("assignee", "status", "priority")),
    Order.PRIORITY: ((), ("active",), ("status",), ("assignee", "status")),
}
"""What the indexes begin with that go on in this order, beside the workspace."""
ACTIVE_STATUSES = (Status.NEW, Status.OPEN, Status.PENDING)
_LIMIT = bindparam("limit", type_=Integer())
_CHOICES: dict[str, Sequence[_Condition]] = {
    "status": list(map(store.has_status, Status)),
    "active status": list(map(store.has_status, ACTIVE_STATUSES)),
    "priority": [tickets.c.priority_rank == rank for rank in store.RANKS.values()],
}


def _shape(filters: Filters) -> _Shape:
    """Whoever waits has a ticket that is active, what was put aside is pending: the indexes say so too."""
    asked = (
        ("active", filters.status is Stage.ACTIVE or filters.waiting),
        ("status", filters.status not in (None, Stage.ACTIVE)),
        ("snoozed", filters.status is Stage.SNOOZED),
        ("waiting", filters.waiting),
        ("tag", filters.tag),
        ("mentioned", filters.mentioned),
        ("priority", filters.priority),
        ("nobody", filters.assignee is Whose.NOBODY),
        ("assignee", isinstance(filters.assignee, UUID)),
    )
    return frozenset(name for name, given in asked if given)


def _values(filters: Filters) -> dict[str, Any]:
    status = Status.PENDING if filters.status is Stage.SNOOZED else filters.status
    return {
        "status": status.value if status else None,
        "rank": store.RANKS[filters.priority] if filters.priority else None,
        **{name: getattr(filters, name) for name in ("assignee", "tag", "mentioned")},
    }


def _narrow(query: Select[Any], shape: _Shape) -> Select[Any]:
    conditions = (condition for name, condition in _CONDITIONS.items() if name in shape)
    return query.where(tickets.c.workspace_id == HERE, *conditions)


def indexed(filters: Filters) -> bool:
    """Whether indexes hold the filters and the order together, so that only what is shown is read.

    Else the tickets that wait, or were put aside, are picked out of those that an index holds, LOOKED_THROUGH
    at a time.
    """
    shape = _shape(filters)
    held = shape == {"tag"} or "mentioned" in shape or bool(_walks(shape, filters.order))
    return held and not filters.q.strip()


def _columns(shape: _Shape, order: Order) -> tuple[ColumnElement[Any], ...]:
    """Among tickets of one rank the rest of the order is all there is."""
    columns = ORDERS[order]
    if shape & {"tag", "mentioned"}:
        return columns
    return columns[1:] if order is Order.PRIORITY and "priority" in shape else columns


def _choices(name: str, shape: _Shape) -> Sequence[_Condition]:
    """What a column of an index is to be, each in a walk of its own."""
    if name in shape:
        return [_CONDITIONS[name]]
    if name == "assignee":
        return [_CONDITIONS["nobody"]]
    return _CHOICES["active status" if name == "status" and "active" in shape else name]


def _serves(lead: tuple[str, ...], shape: _Shape) -> bool:
    """Whether nothing else is between the tickets of this shape in an index that begins so."""
    whose = shape & {"nobody", "assignee"}
    if ("assignee" in lead) != bool(whose) or not shape.issuperset(
        {"active", "waiting", "snoozed"} & set(lead)
    ):
        return False
    held = {
        *lead,
        *whose,
        *({"active"} if "status" in lead else ()),
        *({"status"} if "snoozed" in lead else ()),
    }
    return held >= shape


@cache
def _walks(shape: _Shape, order: Order) -> Sequence[tuple[_Condition, ...]]:
    """The conditions of as few walks as it takes, along an index each; none when no index fits."""
    if order is Order.PRIORITY and "priority" in shape:
        order = Order.ACTIVITY
    ways = [
        list(product(*(_choices(name, shape) for name in lead)))
        for lead in _LEADS[order]
        if _serves(lead, shape)
    ]
    return min(ways, key=len, default=[])


_PICKED = {"waiting": tickets.c.waiting_since.is_not(None), "snoozed": tickets.c.snoozed_until.is_not(None)}


@cache
def _reading(
    database: str, shape: _Shape, order: Order, *, beyond: bool = False, backwards: bool = False
) -> Reading:
    for name, of in (("mentioned", mentioned.reading), ("tag", tagged.reading)):
        if name in shape:
            names = [column.name for column in ORDERS[order]]
            others = [_CONDITIONS[other] for other in _CONDITIONS if other in shape - {name}]
            return of(names, others, beyond=beyond, backwards=backwards)
    picks = not _walks(shape, order)
    # What is picked is active, or pending: then the walks are those of all that are.
    held = shape.difference(_PICKED) if picks else shape
    bound = _beyond(_columns(shape, order), backwards=backwards) if beyond else []
    by = _by(shape, order, backwards=backwards)
    picked = [condition for name, condition in _PICKED.items() if name in shape]
    read = [and_(*picked).label("picked")] if picks else []  # else the index alone says it all
    found = _walked(database, held, order, by, read, *bound)
    if isinstance(found, CompoundSelect):
        found = found.order_by(*by)
    seen = found.limit(bindparam("looked", type_=Integer())).subquery()
    newest = _by(shape, Order.ACTIVITY, backwards=False)
    some = _walked(database, held, Order.ACTIVITY, newest, read).limit(_LIMIT).subquery()
    counts = [func.count(), func.count(case((some.c["picked"], 1)))] if picks else [func.count()]
    return Reading(
        keys=(_picked_of(seen).order_by(*by) if picks else found).limit(_LIMIT),
        edge=found.limit(1).offset(bindparam("skipped", type_=Integer())),
        count=select(*counts).select_from(some),
        picks=picks,
    )


def _picked_of(seen: Subquery) -> Select[Any]:
    """The keys end with the ticket's id, as those of every list do."""
    return select(*(column for column in seen.c if column.name != "picked")).where(seen.c["picked"])


def _sort(shape: _Shape, order: Order) -> Sequence[ColumnElement[Any]]:
    """PostgreSQL takes "is nobody's" for no equality, so that the order has to begin with it."""
    columns = _columns(shape, order)
    return [tickets.c.assignee_id, *columns] if "nobody" in shape else columns


def _by(shape: _Shape, order: Order, *, backwards: bool) -> list[UnaryExpression[Any]]:
    return [asc(column.name) if backwards else desc(column.name) for column in _sort(shape, order)]


def _beyond(columns: Sequence[ColumnElement[Any]], *, backwards: bool) -> list[ColumnElement[bool]]:
    here = tuple_(*columns)
    there = tuple_(*(bindparam(f"key{at}", type_=column.type) for at, column in enumerate(columns)))
    return [here > there if backwards else here < there]


def _walked(
    database: str,
    shape: _Shape,
    order: Order,
    by: Sequence[UnaryExpression[Any]],
    read: Sequence[ColumnElement[Any]],
    *bound: _Condition,
) -> Select[Any] | CompoundSelect[Any]:
    """All that the walks come by: of each no more is read than is asked for."""
    one = select(*_sort(shape, order), *read).where(tickets.c.workspace_id == HERE, *bound)
    walks = [one.where(*conditions) for conditions in _walks(shape, order)]
    if len(walks) == 1:
        return walks[0].order_by(*by)
    return union_all(*dialect.walks_on(database, walks, by))


def page(
    tx: Tx, filters: Filters, *, key: Sequence[Any] | None, backwards: bool, limit: int
) -> tuple[list[UUID], Sequence[Any] | None]:
    """`limit` tickets beyond `key`, always in the list's own order.

    Also the key of the last ticket that was looked at, when there may be more that fit beyond it.
    """
    shape = _shape(filters)
    reading = _reading(dialect.name_of(tx), shape, filters.order, beyond=key is not None, backwards=backwards)
    kept = len(ORDERS[filters.order]) - len(_columns(shape, filters.order))
    values = _values(filters) | {f"key{at}": value for at, value in enumerate(key[kept:] if key else ())}
    looked = {"looked": LOOKED_THROUGH} if reading.picks else {}
    ids = [row[-1] for row in tx.rows(reading.keys, limit=limit, **looked, **values)]
    found = ids[::-1] if backwards else ids
    if not reading.picks or len(found) == limit:
        return found, None
    last = tx.run(reading.edge, skipped=LOOKED_THROUGH - 1, **values).first()
    rank = [values["rank"]] * kept
    return found, [*rank, *(getattr(last, c.name) for c in _columns(shape, filters.order))] if last else None


def count(tx: Tx, filters: Filters) -> int | None:
    """Up to COUNT_LIMIT + 1; None when so many would have to be looked through."""
    reading = _reading(dialect.name_of(tx), _shape(filters), filters.order)
    [(looked, *picked)] = tx.rows(reading.count, limit=COUNT_LIMIT + 1, **_values(filters))
    if not reading.picks:
        return int(looked)
    return int(picked[0]) if looked <= COUNT_LIMIT else None


@cache
def _ahead(database: str, shape: _Shape, order: Order) -> Executable | None:
    reading = _reading(database, shape, order, beyond=True, backwards=True)
    return None if reading.picks else select(func.count()).select_from(reading.keys.subquery())


def ahead(tx: Tx, filters: Filters, key: Sequence[Any]) -> int | None:
    """How many stand before this place, up to COUNT_LIMIT + 1; None where they had to be picked out."""
    shape = _shape(filters)
    query = _ahead(dialect.name_of(tx), shape, filters.order)
    if query is None:
        return None
    kept = len(ORDERS[filters.order]) - len(_columns(shape, filters.order))
    values = _values(filters) | {f"key{at}": value for at, value in enumerate(key[kept:])}
    with dialect.walking_in_order(tx):
        counted: int = tx.run(query, limit=COUNT_LIMIT + 1, **values).scalar_one()
    return counted


def ids(tx: Tx, filters: Filters, *, limit: int) -> list[UUID]:
    """The first of the list, in its own order: up to `limit`, among as many that are looked through."""
    reading = _reading(dialect.name_of(tx), _shape(filters), filters.order)
    looked = {"looked": limit} if reading.picks else {}
    return [row.ticket_id for row in tx.run(reading.keys, limit=limit, **looked, **_values(filters))]


def among(tx: Tx, filters: Filters, ticket_ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
    """Those of the tickets that the filters let through.

    They are looked at here: for a condition beside the ids SQLite would walk that condition's index.
    """
    if filters.tag:
        ticket_ids = tagged.among(tx, filters.tag, ticket_ids)
    if filters.mentioned:
        ticket_ids = mentioned.among(tx, filters.mentioned, ticket_ids)
    found = store.by_ids(tx, ticket_ids)
    return {ticket_id: row for ticket_id, row in found.items() if _lets_through(filters, row)}


def _lets_through(filters: Filters, row: TicketRow) -> bool:
    """What `_CONDITIONS` say; of tags and mentions `among` has asked."""
    active = row.status in ACTIVE_STATUSES
    passed = {
        "active": active,
        "status": row.status == _values(filters)["status"],
        "snoozed": row.snoozed_until is not None,
        "waiting": row.waiting_since is not None,
        "priority": row.priority is filters.priority,
        "nobody": row.assignee_id is None,
        "assignee": row.assignee_id == filters.assignee,
    }
    return all(passed[name] for name in _shape(filters) - {"tag", "mentioned"})


def by_number(tx: Tx, filters: Filters, number: int) -> list[TicketRow]:
    """The ticket with this number, when the filters let it through."""
    query = _narrow(store.ROWS, _shape(filters)).where(tickets.c.number == number)
    return [store.ticket_row(row) for row in tx.run(query, **_values(filters))]


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
    for which, row in tx.objects(_RECENT_AND_URGENT, _of_list, limit=limit):
        lists[which].append(row)
    return lists


def _of_list(row: Sequence[Any]) -> tuple[int, TicketRow]:
    which, *ticket = row
    return which, store.ticket_row(ticket)


_COUNTED: dict[str, tuple[_Condition, ...]] = {
    **{status.value: (store.has_status(status),) for status in Status},
    "unanswered": (_ACTIVE, _WAITING),
}


def _how_many(*conditions: _Condition) -> ColumnElement[int]:
    some = select(tickets.c.ticket_id).where(tickets.c.workspace_id == HERE, *conditions)
    return select(func.count()).select_from(some.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()


_COUNTS = select(*(_how_many(*conditions).label(name) for name, conditions in _COUNTED.items()))


def counts(tx: Tx) -> dict[str, int]:
    """How many tickets have each status, and in how many a customer waits: one statement, each capped."""
    return dict(zip(_COUNTED, tx.rows(_COUNTS)[0], strict=True))
