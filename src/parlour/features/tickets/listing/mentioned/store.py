"""SQL of the list of tickets whose notes mention a person, found by that person's newest mentions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
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
    true,
    tuple_,
)

from parlour.db.database import HERE, Tx
from parlour.db.schema import mentions, tickets
from parlour.features.tickets.listing.tagged.store import Reading

_LIMIT = bindparam("limit", type_=Integer())
LOOKED_AT = 200
"""So many of a person's newest mentions make the list, however many there are."""

Condition = ColumnElement[bool] | TextClause


def _newest(person: str) -> Subquery:
    """The tickets of the newest mentions; their ids are UUIDv7."""
    whose = bindparam(person, type_=mentions.c.user_id.type)
    newest = (
        select(mentions.c.ticket_id)
        .where(mentions.c.workspace_id == HERE, mentions.c.user_id == whose)
        .order_by(mentions.c.message_id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    return select(newest.c.ticket_id).distinct().subquery()


_NEWEST = _newest("mentioned")
_AMONG = select(_NEWEST.c.ticket_id)
HAS = tickets.c.ticket_id.in_(_AMONG)
"""Whether one of them mentions the person in a ticket."""


def _seen(conditions: Sequence[Condition], columns: Sequence[ColumnElement[Any]], person: str) -> Subquery:
    """These tickets, and whether they fit. As a value, not to narrow by: for a condition beside the ids
    SQLite would walk that condition's index.
    """
    found = _newest(person)
    is_it = (tickets.c.workspace_id == HERE) & (tickets.c.ticket_id == found.c.ticket_id)
    fits = case((and_(true(), *conditions), 1), else_=0).label("fits")
    return select(*columns, fits).select_from(found.join(tickets, is_it)).limit(LOOKED_AT).subquery()


_OLDER = (
    select(mentions.c.message_id)
    .where(
        mentions.c.workspace_id == HERE,
        mentions.c.user_id == bindparam("mentioned", type_=mentions.c.user_id.type),
    )
    .order_by(mentions.c.message_id.desc())
    .offset(LOOKED_AT)
    .limit(1)
)


def are_older(tx: Tx, person: UUID) -> bool:
    """Whether the person was mentioned more often than the list tells."""
    return bool(tx.rows(_OLDER, mentioned=person))


def reading(
    order: Sequence[str], conditions: Sequence[Condition], *, beyond: bool, backwards: bool
) -> Reading:
    """`order`: the columns that the list is sorted by."""
    columns = [tickets.c[name] for name in order]
    seen = _seen(conditions, columns, "mentioned")
    here = tuple_(*(seen.c[name] for name in order))
    keys = select(*(seen.c[name] for name in order)).where(seen.c["fits"] == 1)
    if beyond:
        there = tuple_(*(bindparam(f"key{at}", type_=column.type) for at, column in enumerate(columns)))
        keys = keys.where(here > there if backwards else here < there)
    towards = asc if backwards else desc
    keys = keys.order_by(*(towards(seen.c[name]) for name in order)).limit(_LIMIT)
    return Reading(keys, keys, _count(conditions, "mentioned"), picks=False)


def _count(conditions: Sequence[Condition], person: str) -> Select[Any]:
    seen = _seen(conditions, [tickets.c.ticket_id], person)
    return select(func.coalesce(func.sum(seen.c["fits"]), 0))


def how_many(conditions: Sequence[Condition], person: str) -> ColumnElement[int]:
    """Part of a bigger statement; `person` is what the one mentioned is called by in it."""
    counted: ColumnElement[int] = _count(conditions, person).scalar_subquery()
    return counted


def among(tx: Tx, person: UUID, ticket_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the tickets that mention the person."""
    found = set(tx.run(_AMONG, mentioned=person).scalars())
    return [ticket_id for ticket_id in ticket_ids if ticket_id in found]
