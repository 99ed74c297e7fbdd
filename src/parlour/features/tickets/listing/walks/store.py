"""SQL of how lists are read: by the fewest walks along indexes that hold their filters and order."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Subquery,
    TextClause,
    UnaryExpression,
    and_,
    asc,
    bindparam,
    desc,
    func,
    select,
    text,
    tuple_,
    union_all,
)

from parlour.db import dialect
from parlour.db.database import HERE
from parlour.db.schema import ACTIVE, SNOOZED, tickets
from parlour.features.tickets import store
from parlour.features.tickets.listing.mentioned import store as mentioned
from parlour.features.tickets.listing.tagged import store as tagged
from parlour.features.tickets.listing.tagged.store import Reading
from parlour.features.tickets.models import Filters, Order, Stage, Status, Whose
from parlour.features.tickets.rows.store import Listed, Reads

ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.ACTIVITY: (tickets.c.last_message_at, tickets.c.ticket_id),
    Order.CREATED: (tickets.c.created_at, tickets.c.ticket_id),
    Order.PRIORITY: (tickets.c.priority_rank, tickets.c.last_message_at, tickets.c.ticket_id),
}
# In the words of the indexes, as text: only so does the planner see that they fit.
ACTIVE_ONES = text(f"tickets.{ACTIVE}")
WAITING_ONES = text("(tickets.waiting_since IS NULL) = false")
_SNOOZED = text(SNOOZED.format("tickets."))

Condition = ColumnElement[bool] | TextClause
_STATUSES: dict[str, Condition] = {f"status {status}": store.has_status(status) for status in Status}
# What a list is narrowed by. Its shape says which of them, and the status; other values come with each run.
_CONDITIONS: dict[str, Condition] = {
    **_STATUSES,
    "active": ACTIVE_ONES,
    "waiting": WAITING_ONES,
    "snoozed": _SNOOZED,
    "tag": tagged.HAS,
    "mentioned": mentioned.HAS,
    "priority": tickets.c.priority_rank == bindparam("rank"),
    "nobody": tickets.c.assignee_id.is_(None),
    "assignee": tickets.c.assignee_id == bindparam("assignee"),
}
Shape = frozenset[str]

_LEADS: dict[Order, tuple[tuple[str, ...], ...]] = {
    Order.ACTIVITY: (
        (),
        ("active",),
        ("active", "waiting"),
        ("active", "waiting", "status", "priority"),
        ("snoozed",),
        ("snoozed", "priority"),
        ("assignee",),
        ("active", "assignee"),
        ("status", "priority"),
        ("assignee", "status", "priority"),
    ),
    Order.CREATED: (
        (),
        ("active", "waiting", "status", "priority"),
        ("snoozed", "priority"),
        ("status", "priority"),
        ("assignee", "status", "priority"),
    ),
    Order.PRIORITY: (
        ("active", "waiting", "status"),
        ("snoozed",),
        ("status",),
        ("assignee", "status"),
    ),
}
"""What the indexes begin with that go on in this order, beside the workspace."""
ACTIVE_STATUSES = (Status.NEW, Status.OPEN, Status.PENDING)
LIMIT = bindparam("limit", type_=Integer())
_CHOICES: dict[str, Sequence[Condition]] = {
    "status": list(map(store.has_status, Status)),
    "active status": list(map(store.has_status, ACTIVE_STATUSES)),
    "priority": [tickets.c.priority_rank == rank for rank in store.RANKS.values()],
}


def shape_of(filters: Filters) -> Shape:
    """Whoever waits has a ticket that is active, what was put aside is pending: the indexes say so too."""
    asked = (
        ("active", filters.status is Stage.ACTIVE or filters.waiting),
        (f"status {_status_of(filters)}", filters.status not in (None, Stage.ACTIVE)),
        ("snoozed", filters.status is Stage.SNOOZED),
        ("waiting", filters.waiting),
        ("tag", filters.tag),
        ("mentioned", filters.mentioned),
        ("priority", filters.priority),
        ("nobody", filters.assignee is Whose.NOBODY),
        ("assignee", isinstance(filters.assignee, UUID)),
    )
    return frozenset(name for name, given in asked if given)


def values_of(filters: Filters) -> dict[str, Any]:
    return {
        "rank": store.RANKS[filters.priority] if filters.priority else None,
        **{name: getattr(filters, name) for name in ("assignee", "tag", "mentioned")},
    }


def _status_of(filters: Filters) -> Status | Stage | None:
    return Status.PENDING if filters.status is Stage.SNOOZED else filters.status


def narrowed(query: Select[Any], shape: Shape) -> Select[Any]:
    return query.where(*(condition for name, condition in _CONDITIONS.items() if name in shape))


def indexed(filters: Filters) -> bool:
    """Whether indexes hold the filters and the order together, so that only what is shown is read.

    Else the tickets that wait, or were put aside, are picked out of those that an index holds, LOOKED_THROUGH
    at a time.
    """
    shape = shape_of(filters)
    held = shape == {"tag"} or "mentioned" in shape or bool(_walks(shape, filters.order))
    return held and not filters.q.strip()


def columns_of(shape: Shape, order: Order) -> tuple[ColumnElement[Any], ...]:
    """Among tickets of one rank the rest of the order is all there is."""
    columns = ORDERS[order]
    if shape & {"tag", "mentioned"}:
        return columns
    return columns[1:] if order is Order.PRIORITY and "priority" in shape else columns


def _kind(name: str) -> str:
    """Of the statuses each has a name of its own in a shape."""
    return "status" if name in _STATUSES else name


def _choices(name: str, shape: Shape) -> Sequence[Condition]:
    """What a column of an index is to be, each in a walk of its own."""
    named = [condition for each, condition in _CONDITIONS.items() if each in shape and _kind(each) == name]
    if named:
        return named
    if name == "assignee":
        return [_CONDITIONS["nobody"]]
    return _CHOICES["active status" if name == "status" and "active" in shape else name]


def _serves(lead: tuple[str, ...], shape: Shape) -> bool:
    """Whether nothing else is between the tickets of this shape in an index that begins so."""
    whose = shape & {"nobody", "assignee"}
    if ("assignee" in lead) != bool(whose) or not shape >= {"active", "waiting", "snoozed"} & set(lead):
        return False
    held = {
        *lead,
        *whose,
        *({"active"} if "status" in lead else ()),
        *({"status"} if "snoozed" in lead else ()),
    }
    return held >= set(map(_kind, shape))


@cache
def _walks(shape: Shape, order: Order) -> Sequence[tuple[Condition, ...]]:
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
def reading(
    database: str, shape: Shape, order: Order, *, beyond: bool = False, backwards: bool = False
) -> Reading:
    for name, of in (("mentioned", mentioned.reading), ("tag", tagged.reading)):
        if name in shape:
            names = [column.name for column in ORDERS[order]]
            others = [_CONDITIONS[other] for other in _CONDITIONS if other in shape - {name}]
            return of(names, others, beyond=beyond, backwards=backwards)
    picks = not _walks(shape, order)
    # What is picked is active, or pending: then the walks are those of all that are.
    held = shape.difference(_PICKED) if picks else shape
    bound = _beyond(columns_of(shape, order), backwards=backwards) if beyond else []
    by = _by(shape, order, backwards=backwards)
    picked = [condition for name, condition in _PICKED.items() if name in shape]
    read = [and_(*picked).label("picked")] if picks else []  # else the index alone says it all
    found = _walked(database, held, order, by, read, *bound)
    if isinstance(found, CompoundSelect):
        found = found.order_by(*by)
    seen = found.limit(bindparam("looked", type_=Integer())).subquery()
    newest = _by(shape, Order.ACTIVITY, backwards=False)
    some = _walked(database, held, Order.ACTIVITY, newest, []).limit(LIMIT).subquery()
    all_of_them = _walked(database, held, Order.ACTIVITY, newest, read).limit(LIMIT).subquery()
    return Reading(
        keys=(_picked_of(seen).order_by(*by) if picks else found).limit(LIMIT),
        edge=found.limit(1).offset(bindparam("skipped", type_=Integer())),
        count=tagged.counting(some, all_of_them, all_of_them.c["picked"])
        if picks
        else select(func.count()).select_from(some),
        picks=picks,
    )


@cache
def straight(
    reads: Reads[Listed], shape: Shape, order: Order, *, beyond: bool = False, backwards: bool = False
) -> Select[Any] | None:
    """The page itself, where one walk is all it takes: else its keys come first, and it by them."""
    walks = () if shape & {"tag", "mentioned"} else _walks(shape, order)
    if len(walks) != 1:
        return None
    bound = _beyond(columns_of(shape, order), backwards=backwards) if beyond else []
    towards = asc if backwards else desc
    query = reads.query.where(*bound, *walks[0])
    return query.order_by(*(towards(column) for column in _sort(shape, order))).limit(LIMIT)


def _picked_of(seen: Subquery) -> Select[Any]:
    """The keys end with the ticket's id, as those of every list do."""
    return select(*(column for column in seen.c if column.name != "picked")).where(seen.c["picked"])


def _sort(shape: Shape, order: Order) -> Sequence[ColumnElement[Any]]:
    """PostgreSQL takes "is nobody's" for no equality, so that the order has to begin with it."""
    columns = columns_of(shape, order)
    return [tickets.c.assignee_id, *columns] if "nobody" in shape else columns


def _by(shape: Shape, order: Order, *, backwards: bool) -> list[UnaryExpression[Any]]:
    return [asc(column.name) if backwards else desc(column.name) for column in _sort(shape, order)]


def _beyond(columns: Sequence[ColumnElement[Any]], *, backwards: bool) -> list[ColumnElement[bool]]:
    here = tuple_(*columns)
    there = tuple_(*(bindparam(f"key{at}", type_=column.type) for at, column in enumerate(columns)))
    return [here > there if backwards else here < there]


def _walked(
    database: str,
    shape: Shape,
    order: Order,
    by: Sequence[UnaryExpression[Any]],
    read: Sequence[ColumnElement[Any]],
    *bound: Condition,
) -> Select[Any] | CompoundSelect[Any]:
    """All that the walks come by: of each no more is read than is asked for."""
    one = select(*_sort(shape, order), *read).where(tickets.c.workspace_id == HERE, *bound)
    walks = [one.where(*conditions) for conditions in _walks(shape, order)]
    if len(walks) == 1:
        return walks[0].order_by(*by)
    return union_all(*dialect.walks_on(database, walks, by))
