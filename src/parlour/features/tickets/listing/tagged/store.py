"""SQL of the lists of one tag: its tickets in the list's order, of them those that fit the other filters."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Executable,
    FromClause,
    Integer,
    Select,
    Subquery,
    TextClause,
    and_,
    asc,
    bindparam,
    case,
    desc,
    func,
    select,
    tuple_,
)

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import ticket_tags, tickets
from parlour.features.tickets.models import COUNT_LIMIT

_LIMIT = bindparam("limit", type_=Integer())
_LOOKED = bindparam("looked", type_=Integer())
_ITS = (ticket_tags.c.workspace_id == HERE) & (ticket_tags.c.tag_id == bindparam("tag"))
HAS = (
    select(ticket_tags.c.tag_id)
    .where(_ITS, ticket_tags.c.ticket_id == tickets.c.ticket_id)
    .correlate(tickets)
    .exists()
)
"""Whether a ticket has the tag."""
_AMONG = select(ticket_tags.c.ticket_id).where(_ITS, dialect.one_of(ticket_tags.c.ticket_id, "these"))


class Reading(Struct, frozen=True):
    """How a list is read. `picks`: of what is looked through only some belong to it.

    `edge` is then the key of the last ticket that a page looks at.
    """

    keys: Select[Any] | CompoundSelect[Any]
    edge: Select[Any] | CompoundSelect[Any]
    count: Executable
    picks: bool


def reading(
    order: Sequence[str],
    conditions: Sequence[ColumnElement[bool] | TextClause],
    *,
    beyond: bool,
    backwards: bool,
) -> Reading:
    """`order`: the columns that the list is sorted by."""
    columns = [ticket_tags.c[name] for name in order]
    towards = asc if backwards else desc
    walk = select(*columns).where(_ITS).order_by(*(towards(column) for column in columns))
    if beyond:
        here = tuple_(*columns)
        there = tuple_(*(bindparam(f"key{at}", type_=column.type) for at, column in enumerate(columns)))
        walk = walk.where(here > there if backwards else here < there)
    edge = walk.limit(1).offset(bindparam("skipped", type_=Integer()))
    newest = [desc(ticket_tags.c.last_message_at), desc(ticket_tags.c.ticket_id)]
    some = select(ticket_tags.c.ticket_id).where(_ITS).order_by(*newest).limit(_LIMIT).subquery()
    if not conditions:
        return Reading(walk.limit(_LIMIT), edge, select(func.count()).select_from(some), picks=False)
    seen = walk.limit(_LOOKED).subquery()
    fit = and_(*conditions)
    keys = select(*seen.c).join(tickets, _is(seen.c.ticket_id)).where(fit)
    return Reading(
        keys=keys.order_by(*(towards(seen.c[name]) for name in order)).limit(_LIMIT),
        edge=edge,
        count=counting(some, some.join(tickets, _is(some.c.ticket_id)), fit),
        picks=True,
    )


def counting(held: Subquery, seen: FromClause, fit: ColumnElement[bool]) -> Select[Any]:
    """How many are held, and of those the ones that fit, unless there are more than anybody counts: then no
    ticket is looked at.
    """
    looked = select(func.count()).select_from(held).scalar_subquery()
    picked = select(func.count(case((fit, 1)))).select_from(seen).scalar_subquery()
    return select(looked, case((looked <= COUNT_LIMIT, picked)))


def _is(ticket_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return (tickets.c.workspace_id == HERE) & (tickets.c.ticket_id == ticket_id)


def among(tx: Tx, tag_id: UUID, ticket_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the tickets that have the tag."""
    return list(tx.run(_AMONG, tag=tag_id, these=list(ticket_ids)).scalars())
