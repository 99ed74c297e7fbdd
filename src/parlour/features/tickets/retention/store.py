"""SQL of what is closed, and what is erased, because its time has come."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.erasure import Erasure
from parlour.db.schema import mail_threads, mails, tickets
from parlour.features.tickets.store import RANKS
from parlour.kernel import clock

_IDS = select(tickets.c.ticket_id).where(tickets.c.workspace_id == HERE)
_KEPT = tickets.alias("kept")
_ORDER = (tickets.c.last_message_at, tickets.c.ticket_id)


def _idle(before: datetime, limit: int) -> Iterator[Select[tuple[UUID]]]:
    """Walks of indexes: those that agents still have, and of each priority those that are resolved."""
    untouched = tickets.c.last_message_at < before, tickets.c.waiting_since.is_(None)
    at_work = tickets.c.status.in_(["new", "open", "pending"]), tickets.c.snoozed_until.is_(None)
    yield _IDS.where(*at_work, *untouched).order_by(*_ORDER).limit(limit)
    for rank in RANKS.values():
        resolved = tickets.c.status == "resolved", tickets.c.priority_rank == rank
        yield _IDS.where(*resolved, *untouched).order_by(*_ORDER).limit(limit)


def idle(tx: Tx, before: datetime, *, limit: int) -> list[UUID]:
    """Tickets that are not closed, in which nobody waits for an agent and nothing was said since."""
    found: list[UUID] = []
    for walk in _idle(before, limit):
        found += tx.run(walk.limit(limit - len(found))).scalars()
        if len(found) >= limit:
            break
    return found


def how_many_idle(tx: Tx, before: datetime, *, limit: int) -> int:
    return sum(_count(tx, walk) for walk in _idle(before, limit))


def _count(tx: Tx, walk: Select[tuple[UUID]]) -> int:
    return int(tx.run(select(func.count()).select_from(walk.subquery())).scalar_one())


def _old(before: datetime) -> Select[tuple[UUID]]:
    not_yet = or_(tickets.c.erased_at.is_(None), tickets.c.erased_at < tickets.c.last_message_at)
    return _IDS.where(tickets.c.status == "closed", not_yet, tickets.c.last_message_at < before)


def _expired(before: datetime) -> Select[tuple[UUID]]:
    return _old(before).where(_is_over(before)).order_by(*_ORDER)


def _is_over(before: datetime) -> ColumnElement[bool]:
    """What was merged into another ticket is read there: its time comes with that of the other."""
    over = _KEPT.c.status == "closed", _KEPT.c.last_message_at < before
    last = or_(_KEPT.c.merged_into.is_(None), _KEPT.c.erased_at.is_not(None))
    kept = select(_KEPT.c.ticket_id).where(_KEPT.c.workspace_id == HERE, *over, last)
    return or_(
        tickets.c.merged_into.is_(None), kept.where(_KEPT.c.ticket_id == tickets.c.merged_into).exists()
    )


def expired(tx: Tx, before: datetime, *, limit: int) -> list[UUID]:
    """Closed tickets in which nothing was said since, and whose words are still there."""
    return list(tx.run(_expired(before).limit(limit)).scalars())


def how_many_expired(tx: Tx, before: datetime, *, limit: int) -> int:
    """With those whose time comes as soon as what they were merged into is erased, however far that is."""
    many = _count(tx, _expired(before).limit(limit))
    gone = list(tx.run(_expired(before).where(tickets.c.merged_into.is_not(None)).limit(limit)).scalars())
    follow = _old(before).where(dialect.one_of(tickets.c.merged_into, "gone")).limit(limit)
    while gone and many < limit:
        gone = list(tx.run(follow, gone=gone).scalars())
        many += len(gone)
    return min(many, limit)


def erase(tx: Tx, ticket_id: UUID) -> None:
    """What was said in it, its files, and the mails that it came by."""

    @contextmanager
    def here() -> Iterator[Connection]:
        yield tx.connection

    erasure = Erasure(here, tx.workspace_id, email="", instead="", tell=lambda _what, _many: None)
    erasure.erase_words(ticket_id)
    erasure.erase_mails(mails.c.ticket_id == ticket_id)
    of_ticket = mail_threads.c.workspace_id == tx.workspace_id, mail_threads.c.ticket_id == ticket_id
    tx.execute(delete(mail_threads).where(*of_ticket))


def settle(tx: Tx, ticket_ids: Sequence[UUID], instead: str, at: datetime) -> None:
    """Nothing of them is to be erased any more, but for what is said after that moment."""
    these = tickets.c.workspace_id == tx.workspace_id, dialect.one_of(tickets.c.ticket_id, "these")
    values: dict[str, Any] = {"subject": instead, "description": instead, "typed_name": None, "erased_at": at}
    values |= {"version": tickets.c.version + 1, "updated_at": clock.now()}
    tx.run(update(tickets).where(*these).values(values), these=list(ticket_ids))
