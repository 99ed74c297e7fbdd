"""SQL of tags."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import tags, ticket_tags, tickets
from parlour.features.tickets.models import Colour, Tag, Ticket
from parlour.features.tickets.store import RANKS
from parlour.kernel import clock

_TAG = (tags.c.tag_id, tags.c.name, tags.c.colour)
_IN_USE = (tags.c.workspace_id == HERE) & tags.c.deleted_at.is_(None)
_ALL = select(*_TAG).where(_IN_USE).order_by(tags.c.key).limit(bindparam("limit", type_=Integer()))
_THIS = _IN_USE & (tags.c.tag_id == bindparam("this_tag"))
_OF = (
    select(ticket_tags.c.ticket_id, *_TAG)
    .join(tags, (tags.c.workspace_id == ticket_tags.c.workspace_id) & (tags.c.tag_id == ticket_tags.c.tag_id))
    .where(ticket_tags.c.workspace_id == HERE, dialect.one_of(ticket_tags.c.ticket_id, "these"), _IN_USE)
    .order_by(tags.c.key)
)
_ON = (
    (ticket_tags.c.workspace_id == HERE)
    & dialect.one_of(ticket_tags.c.ticket_id, "these")
    & (ticket_tags.c.tag_id == bindparam("this_tag"))
)


def _tag(row: Any) -> Tag:
    return Tag(row[0], row[1], Colour(row[2]))


def every(tx: Tx, *, limit: int) -> list[Tag]:
    """By name, whatever its case."""
    return tx.objects(_ALL, _tag, limit=limit)


def tag(tx: Tx, tag_id: UUID) -> Tag | None:
    row = tx.run(select(*_TAG).where(_THIS), this_tag=tag_id).first()
    return _tag(row) if row else None


def lock(tx: Tx, tag_id: UUID) -> Tag | None:
    """`tag`, which nobody else changes before this transaction has ended."""
    row = tx.run(select(*_TAG).where(_THIS).with_for_update(), this_tag=tag_id).first()
    return _tag(row) if row else None


def by_key(tx: Tx, key: str) -> Tag | None:
    row = tx.run(select(*_TAG).where(_IN_USE, tags.c.key == key)).first()
    return _tag(row) if row else None


def of_tickets(tx: Tx, ticket_ids: Sequence[UUID]) -> dict[UUID, tuple[Tag, ...]]:
    """Those that have any, each with its tags by name."""
    found: dict[UUID, tuple[Tag, ...]] = {}
    for ticket_id, tag in tx.objects(_OF, _on_ticket, these=list(ticket_ids)):
        found[ticket_id] = *found.get(ticket_id, ()), tag
    return found


def _on_ticket(row: Sequence[Any]) -> tuple[UUID, Tag]:
    return row[0], _tag(row[1:])


def insert_tag(tx: Tx, tag: Tag, *, key: str) -> None:
    values = {"tag_id": tag.tag_id, "name": tag.name, "key": key, "colour": tag.colour.value}
    tx.execute(insert(tags).values(workspace_id=tx.workspace_id, created_at=clock.now(), **values))


def update_tag(tx: Tx, tag: Tag, *, key: str) -> None:
    query = update(tags).where(_THIS).values(name=tag.name, key=key, colour=tag.colour.value)
    tx.run(query, this_tag=tag.tag_id)


def hide_tag(tx: Tx, tag_id: UUID, at: datetime) -> None:
    """Nobody sees it any more, and its name is free."""
    tx.run(update(tags).where(_THIS).values(deleted_at=at, key=str(tag_id)), this_tag=tag_id)


def put_on(tx: Tx, locked: Sequence[Ticket], tag_id: UUID) -> None:
    """On tickets that do not have it yet."""
    if not locked:
        return
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "ticket_id": ticket.ticket_id,
            "tag_id": tag_id,
            "last_message_at": ticket.last_message_at,
            "created_at": ticket.created_at,
            "priority_rank": RANKS[ticket.priority],
        }
        for ticket in locked
    ]
    tx.execute(dialect.insert(tx, ticket_tags).on_conflict_do_nothing(), rows)
    first = [ticket.ticket_id for ticket in locked if not ticket.tagged]
    if first:
        here = (tickets.c.workspace_id == HERE) & dialect.one_of(tickets.c.ticket_id, "these")
        tx.run(update(tickets).where(here).values(tagged=True), these=first)


def take_off(tx: Tx, ticket_ids: Sequence[UUID], tag_id: UUID) -> None:
    if ticket_ids:
        tx.run(delete(ticket_tags).where(_ON), these=list(ticket_ids), this_tag=tag_id)


def take_off_some(tx: Tx, tag_id: UUID, *, limit: int) -> list[UUID]:
    """Take the tag off its next tickets: those."""
    its = (ticket_tags.c.workspace_id == tx.workspace_id) & (ticket_tags.c.tag_id == tag_id)
    first = select(ticket_tags.c.ticket_id).where(its).order_by(ticket_tags.c.last_message_at).limit(limit)
    gone = list(tx.execute(first).scalars())
    tx.execute(delete(ticket_tags).where(its, ticket_tags.c.ticket_id.in_(gone)))
    return gone


def delete_tag(tx: Tx, tag_id: UUID) -> None:
    """One that is on no ticket any more."""
    tx.execute(delete(tags).where(tags.c.workspace_id == tx.workspace_id, tags.c.tag_id == tag_id))


def how_many(tx: Tx) -> int:
    """No more come until this transaction has ended."""
    dialect.lock(tx, "tags", tx.workspace_id.hex)
    counted: int = tx.run(select(func.count()).select_from(tags).where(_IN_USE)).scalar_one()
    return counted
