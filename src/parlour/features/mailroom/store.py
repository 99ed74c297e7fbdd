"""SQL of the ledger of mails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import UtcDateTime, mailboxes, mails, tickets
from parlour.features.mailroom.models import Arrival, Mail, Outcome
from parlour.kernel import clock

_NUMBERED = and_(tickets.c.workspace_id == mails.c.workspace_id, tickets.c.ticket_id == mails.c.ticket_id)
_AT = and_(mailboxes.c.workspace_id == mails.c.workspace_id, mailboxes.c.mailbox_id == mails.c.mailbox_id)
_LINES = (
    select(
        mails.c.mail_id,
        mails.c.mailbox_id,
        mailboxes.c.address,
        mails.c.storage_key,
        mails.c.size,
        mails.c.whole_size,
        mails.c.sender,
        mails.c.subject,
        mails.c.outcome,
        mails.c.reason,
        mails.c.verified,
        mails.c.ticket_id,
        tickets.c.number,
        mails.c.tries,
        mails.c.received_at,
    )
    .join(mailboxes, _AT)
    .outerjoin(tickets, _NUMBERED)
    .where(mails.c.workspace_id == HERE)
)
_NEWEST = _LINES.order_by(mails.c.mail_id.desc()).limit(bindparam("limit", type_=Integer()))
_THIS = (mails.c.workspace_id == HERE) & (mails.c.mail_id == bindparam("mail"))
_LINE = _LINES.where(mails.c.mail_id == bindparam("mail"))
_LOCKED = select(mails.c.outcome).where(_THIS).with_for_update()
_SAID = [Outcome.OPENED.value, Outcome.ADDED.value]
_STANDS = [*_SAID, Outcome.BOUNCE.value]
"""What has had its effect; what was held back may be let through yet."""
_TAKEN = (
    select(mails.c.ticket_id, mails.c.sender, mails.c.storage_key)
    .where(
        mails.c.workspace_id == HERE,
        mails.c.client_id == bindparam("client"),
        mails.c.outcome.in_(_STANDS),
        mails.c.ticket_id.is_not(None),
    )
    .limit(1)
)
_SAID_BY = (
    select(mails.c.mail_id)
    .where(
        mails.c.workspace_id == HERE,
        mails.c.client_id == bindparam("client"),
        mails.c.ticket_id == bindparam("ticket"),
        mails.c.outcome.in_(_SAID),
    )
    .limit(1)
)
_RECENT = (
    select(mails.c.mail_id)
    .where(
        mails.c.workspace_id == HERE,
        mails.c.sender == bindparam("sender"),
        mails.c.received_at > bindparam("since", type_=UtcDateTime()),
    )
    .limit(bindparam("limit", type_=Integer()))
)
_RECENTLY_OPENED = _RECENT.where(mails.c.outcome == Outcome.OPENED.value)
_BY_MESSAGE_ID = (
    select(mails.c.ticket_id)
    .where(
        mails.c.workspace_id == HERE,
        mails.c.message_id.in_(bindparam("ids", expanding=True)),
        mails.c.ticket_id.is_not(None),
    )
    .order_by(mails.c.mail_id.desc())
    .limit(1)
)


def _mail(row: Any) -> Mail:
    return Mail(**{**row._mapping, "outcome": Outcome(row.outcome)})  # noqa: SLF001 its public way to a dict


def insert_mail(tx: Tx, arrival: Arrival) -> None:
    values = {
        "mail_id": arrival.mail_id,
        "mailbox_id": arrival.mailbox_id,
        "storage_key": arrival.storage_key,
        "size": arrival.size,
        "whole_size": arrival.whole_size,
    }
    tx.execute(insert(mails).values(workspace_id=tx.workspace_id, received_at=clock.now(), **values))


def mail(tx: Tx, mail_id: UUID) -> Mail | None:
    row = tx.run(_LINE, mail=mail_id).first()
    return _mail(row) if row else None


def lock(tx: Tx, mail_id: UUID) -> Outcome | None:
    """What has become of it, which nobody else changes before this transaction has ended."""
    row = tx.run(_LOCKED, mail=mail_id).first()
    return Outcome(row[0]) if row else None


def newest(tx: Tx, *, outcome: Outcome | None, before: UUID | None, limit: int) -> list[Mail]:
    query, asked = _NEWEST, {"limit": limit}
    if outcome:
        query = query.where(mails.c.outcome == outcome.value)
    if before:
        query = query.where(mails.c.mail_id < before)
    return [_mail(row) for row in tx.run(query, **asked)]


def taken(tx: Tx, client_id: UUID) -> tuple[UUID, str] | None:
    """The ticket in which this very mail stands, or was noted, already, and its sender there; of one that
    was erased nobody knows whose it was.
    """
    row = tx.run(_TAKEN, client=client_id).first()
    return (row.ticket_id, row.sender if row.storage_key else "") if row else None


def said_by(tx: Tx, ticket_id: UUID, client_id: UUID) -> UUID | None:
    """The mail that became a message of the ticket."""
    return tx.run(_SAID_BY, ticket=ticket_id, client=client_id).scalar_one_or_none()


def ticket_of(tx: Tx, message_ids: Sequence[str]) -> UUID | None:
    """The ticket of the newest mail that has one of these Message-IDs."""
    found = tx.execute(_BY_MESSAGE_ID, {"ids": list(message_ids), "workspace": tx.workspace_id})
    return found.scalar_one_or_none()


def recent_of(tx: Tx, sender: str, *, since: datetime, limit: int, opened: bool = False) -> int:
    """How many mails of this sender came after that moment, or opened a ticket; up to `limit`."""
    query = _RECENTLY_OPENED if opened else _RECENT
    return len(tx.run(query, sender=sender, since=since, limit=limit).all())


def settle(tx: Tx, mail_id: UUID, **facts: Any) -> None:
    tx.run(update(mails).where(_THIS).values(**facts), mail=mail_id)
