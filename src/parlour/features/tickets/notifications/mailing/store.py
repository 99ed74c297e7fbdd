"""SQL of what goes by mail."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, bindparam, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.moments import moment
from parlour.db.schema import UtcDateTime, members, notifications
from parlour.features.tickets.notifications.models import Kind, Line

_OWN = (notifications.c.workspace_id == HERE) & (notifications.c.user_id == bindparam("person"))
_UNREAD = notifications.c.read_at.is_(None)
_LINE = (
    notifications.c.kind,
    notifications.c.ticket_id,
    notifications.c.times,
    notifications.c.by_name,
    notifications.c.told_at,
)


class Waiting(NamedTuple):
    """A line that is to be mailed: whether its time has come, and has been over for long."""

    line: Line
    due: bool
    overdue: bool


def _line(kind: str, ticket_id: UUID, times: int, by_name: str, at: datetime) -> Line:
    return Line(Kind(kind), ticket_id, times, by_name, at, read=False)


def one_at_a_time(tx: Tx, user_id: UUID) -> None:
    """Two jobs for one person would each find the same lines."""
    dialect.lock(tx, "told by mail", str(tx.workspace_id), str(user_id))


def waiting(tx: Tx, user_id: UUID, *, patience: timedelta, limit: int) -> list[Waiting]:
    """The unread lines that wait for their mail, by the clock of jobs; those that waited longest first."""
    now, long_ago = moment(tx.connection), moment(tx.connection, -patience)
    mail_at = notifications.c.mail_at
    query = (
        select(mail_at <= now, mail_at <= long_ago, *_LINE)
        .where(_OWN, _UNREAD, mail_at.is_not(None))
        .order_by(mail_at)
        .limit(bindparam("limit", type_=Integer()))
    )
    found = tx.run(query, person=user_id, limit=limit)
    return [Waiting(_line(*line), bool(due), bool(overdue)) for due, overdue, *line in found]


_THESE = _OWN & dialect.one_of(notifications.c.ticket_id, "these")
_UNREAD_OF = select(*_LINE).where(_THESE, _UNREAD)
_TAKEN = update(notifications).where(_THESE, notifications.c.kind == bindparam("what")).values(mail_at=None)


def unread(tx: Tx, user_id: UUID, ticket_ids: Sequence[UUID]) -> list[Line]:
    """What the person has not read of these tickets, mailed or not."""
    return [_line(*row) for row in tx.run(_UNREAD_OF, person=user_id, these=list(ticket_ids))]


def take(tx: Tx, user_id: UUID, kind: Kind, ticket_ids: Sequence[UUID]) -> None:
    """They wait no longer."""
    tx.run(_TAKEN, person=user_id, these=list(ticket_ids), what=kind.value)


_MEMBER = (members.c.workspace_id == HERE) & (members.c.user_id == bindparam("person"))
_MAILED_AT = select(members.c.bell_mailed_at).where(_MEMBER)
_MAILED_UPTO = update(members).where(_MEMBER).values(bell_mailed_at=bindparam("moment", type_=UtcDateTime()))


def news_mailed_at(tx: Tx, user_id: UUID) -> datetime | None:
    """Up to which new ticket the person has been told by mail."""
    found: datetime | None = tx.run(_MAILED_AT, person=user_id).scalar_one_or_none()
    return found


def set_news_mailed_at(tx: Tx, user_id: UUID, at: datetime) -> None:
    tx.run(_MAILED_UPTO, person=user_id, moment=at)
