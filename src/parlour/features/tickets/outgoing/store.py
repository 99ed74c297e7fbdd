"""SQL of the mails that go out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, and_, bindparam, delete, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import outgoing_mails, tickets
from parlour.db.schema.base import UtcDateTime
from parlour.db.shortcut import Answered
from parlour.features.tickets.outgoing.models import Delivery, Extent, Mail, Outcome
from parlour.kernel import clock

_ABOUT = and_(
    tickets.c.workspace_id == outgoing_mails.c.workspace_id, tickets.c.ticket_id == outgoing_mails.c.ticket_id
)
_LINES = (
    select(
        outgoing_mails.c.mail_id,
        outgoing_mails.c.ticket_id,
        tickets.c.number,
        tickets.c.subject,
        tickets.c.chat_room_id.label("room_id"),
        outgoing_mails.c.kind,
        outgoing_mails.c.recipient,
        outgoing_mails.c.after_seq,
        outgoing_mails.c.upto_seq,
        outgoing_mails.c.outcome,
        outgoing_mails.c.said,
        outgoing_mails.c.queued_at,
        outgoing_mails.c.changed_at,
    )
    .join(tickets, _ABOUT)
    .where(outgoing_mails.c.workspace_id == HERE)
)
_NEWEST = _LINES.order_by(outgoing_mails.c.mail_id.desc()).limit(bindparam("limit", type_=Integer()))
_HERE = outgoing_mails.c.workspace_id == HERE
_THIS = _HERE & (outgoing_mails.c.mail_id == bindparam("mail"))
_SETTLED = update(outgoing_mails).where(_THIS)
_ROOM = select(tickets.c.chat_room_id).where(_ABOUT).scalar_subquery()
_SENT = (
    update(outgoing_mails)
    .where(
        _HERE,
        dialect.one_of(outgoing_mails.c.mail_id, "mails"),
        outgoing_mails.c.outcome != Outcome.BOUNCED.value,
    )
    .values(outcome=Outcome.SENT.value, said="", changed_at=bindparam("now", type_=UtcDateTime()))
    .returning(_ROOM, outgoing_mails.c.after_seq, outgoing_mails.c.upto_seq)
)
_LOCKED = _LINES.where(outgoing_mails.c.mail_id == bindparam("mail")).with_for_update(of=outgoing_mails)
_OF_TICKET = _HERE & (outgoing_mails.c.ticket_id == bindparam("ticket"))
_DELIVERIES = select(
    outgoing_mails.c.after_seq,
    outgoing_mails.c.upto_seq,
    outgoing_mails.c.outcome,
    outgoing_mails.c.recipient,
    outgoing_mails.c.said,
).where(
    _OF_TICKET,
    outgoing_mails.c.upto_seq > bindparam("after", type_=BigInteger()),
    outgoing_mails.c.after_seq < bindparam("upto", type_=BigInteger()),
)
_OVERTAKEN = delete(outgoing_mails).where(
    _OF_TICKET,
    outgoing_mails.c.mail_id != bindparam("mail"),
    outgoing_mails.c.recipient == bindparam("to"),
    outgoing_mails.c.outcome == Outcome.WAITING.value,
    outgoing_mails.c.upto_seq > bindparam("after", type_=BigInteger()),
    outgoing_mails.c.upto_seq <= bindparam("upto", type_=BigInteger()),
)


_QUEUED = (
    select(outgoing_mails.c.mail_id)
    .where(
        _OF_TICKET,
        outgoing_mails.c.upto_seq == 0,
        outgoing_mails.c.kind == bindparam("which"),
        outgoing_mails.c.recipient == bindparam("to"),
        outgoing_mails.c.queued_at > bindparam("since", type_=outgoing_mails.c.queued_at.type),
    )
    .limit(1)
)


def was_queued(tx: Tx, kind: str, ticket_id: UUID, to: str, *, since: datetime) -> bool:
    return tx.first(_QUEUED, ticket=ticket_id, which=kind, to=to, since=since) is not None


def _mail(row: Any) -> Mail:
    facts = list(row)
    facts[9] = Outcome(row[9])
    return Mail(*facts)


@cache
def _keeping(database: str) -> Any:
    query = dialect.insert_on(database, outgoing_mails)
    keys = [outgoing_mails.c.workspace_id, outgoing_mails.c.mail_id]
    told = {name: query.excluded[name] for name in ("recipient", "after_seq", "upto_seq")}
    return query.on_conflict_do_update(index_elements=keys, set_=told)


def keep(
    tx: Tx, mail_id: UUID, *, ticket_id: UUID, kind: str, recipient: str, after_seq: int, upto_seq: int
) -> None:
    """A mail that waits; of one that is known already, whom it tells of what."""
    now = clock.now()
    facts = {"recipient": recipient, "after_seq": after_seq, "upto_seq": upto_seq}
    fresh = {
        "workspace_id": tx.workspace_id,
        "mail_id": mail_id,
        "ticket_id": ticket_id,
        "kind": kind,
        "outcome": Outcome.WAITING.value,
        "said": "",
        "queued_at": now,
        "changed_at": now,
    }
    tx.put(_keeping(dialect.name_of(tx)), [fresh | facts])


def overtake(
    tx: Tx, mail_id: UUID, *, ticket_id: UUID, recipient: str, after_seq: int, upto_seq: int
) -> None:
    """What others were to tell the same recipient, this mail does."""
    tx.change_soon(_OVERTAKEN, mail=mail_id, ticket=ticket_id, to=recipient, after=after_seq, upto=upto_seq)


def lock(tx: Tx, mail_id: UUID) -> Mail | None:
    row = tx.first(_LOCKED, mail=mail_id)
    return _mail(row) if row else None


def settle(tx: Tx, mail_id: UUID, **facts: Any) -> None:
    tx.change_soon(_SETTLED, mail=mail_id, changed_at=clock.now(), **facts)


def asking_sent(tx: Tx, mail_ids: Sequence[UUID]) -> Callable[[], list[Extent]]:
    """They have gone out, but for those that are back: a near server may be quicker than our own commit.

    What comes back says of what those told.
    """
    return tx.asking(_SENT, _extents, mails=list(mail_ids), now=clock.now())


def _extents(sent: Answered) -> list[Extent]:
    return [Extent(*row) for row in sent.rows]


def drop(tx: Tx, mail_id: UUID) -> None:
    tx.run(delete(outgoing_mails).where(_THIS), mail=mail_id)


def drop_waiting(tx: Tx) -> None:
    tx.run(delete(outgoing_mails).where(_HERE, outgoing_mails.c.outcome == Outcome.WAITING.value))


def newest(tx: Tx, *, outcome: Outcome | None, before: UUID | None, limit: int) -> list[Mail]:
    query = _NEWEST
    if outcome:
        query = query.where(outgoing_mails.c.outcome == outcome.value)
    if before:
        query = query.where(outgoing_mails.c.mail_id < before)
    return [_mail(row) for row in tx.run(query, limit=limit)]


def deliveries(tx: Tx, ticket_id: UUID, *, after: int, upto: int) -> list[tuple[int, int, Delivery]]:
    """Those that tell of a message behind `after` and up to `upto`, each with where it begins and ends."""
    rows = tx.rows(_DELIVERIES, ticket=ticket_id, after=after, upto=upto)
    return [
        (first, last, Delivery(Outcome(outcome), recipient, said))
        for first, last, outcome, recipient, said in rows
    ]
