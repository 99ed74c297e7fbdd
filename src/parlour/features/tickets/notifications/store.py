"""SQL of notifications. Of new tickets that are nobody's no rows are kept: an index holds them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, case, delete, func, select, text, tuple_, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.moments import moment
from parlour.db.schema import (
    MAILED_NEW,
    NEW_OF_NOBODY,
    UtcDateTime,
    members,
    notifications,
    tickets,
    users,
)
from parlour.db.shortcut import Answered
from parlour.db.unread import mark_in
from parlour.features.tickets.notifications.models import Bell, Kind, Line, Place
from parlour.kernel import clock
from parlour.kernel.access import Role

COUNTED = 100
"""Where the count beside the bell ends: it shows 99+."""
NEWS_SHOWN = 50
"""So many of the newest tickets that are nobody's stand under a bell; a view has all of them."""

_LIMIT = bindparam("limit", type_=Integer())
_OWN = (notifications.c.workspace_id == HERE) & (notifications.c.user_id == bindparam("person"))
_UNREAD = notifications.c.read_at.is_(None)
_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_MOMENT = bindparam("moment", type_=UtcDateTime())
_SINCE = bindparam("since", type_=UtcDateTime())
_MEMBER = (members.c.workspace_id == HERE) & (members.c.user_id == bindparam("person"))


class Hearer(NamedTuple):
    """A member who may be told."""

    user_id: UUID
    email: str
    role: Role
    told: int
    bell_read_at: datetime | None


def is_new_to(hearer: Hearer, line: Line) -> bool:
    """Whether it came after all that the member has marked as read."""
    return line.at > _since(hearer.bell_read_at)


_HEARERS = (
    select(members.c.user_id, users.c.email, members.c.role, members.c.told, members.c.bell_read_at)
    .join(users, users.c.user_id == members.c.user_id)
    .where(
        members.c.workspace_id == HERE,
        users.c.disabled_at.is_(None),
        dialect.one_of(members.c.user_id, "these"),
    )
)


def hearers(tx: Tx, user_ids: Collection[UUID]) -> list[Hearer]:
    """Those of them who belong here and are not disabled."""
    found = tx.rows(_HEARERS, these=list(user_ids))
    return [Hearer(user_id, email, Role(role), *bell) for user_id, email, role, *bell in found]


def tell(
    tx: Tx,
    kind: Kind,
    hearer: Hearer,
    ticket_ids: Sequence[UUID],
    *,
    by_name: str,
    mail_after: timedelta | None,
) -> bool:
    """A line for each ticket, or one more on the line that was not read yet.

    `mail_after` is when an unread line goes by mail, None for never; a line that waits for its mail keeps its
    moment, and one that has gone by mail goes no second time. Says whether a line began.
    """
    said: dict[str, Any] = {
        "workspace_id": tx.workspace_id,
        "user_id": hearer.user_id,
        "kind": kind.value,
        "times": 1,
        "by_name": by_name,
        "told_at": clock.now(),
        "mail_at": None if mail_after is None else moment(tx.connection, mail_after),
    }
    query = dialect.insert(tx, notifications)
    query = query.values([{**said, "ticket_id": ticket_id} for ticket_id in ticket_ids])
    unread = _UNREAD & (notifications.c.told_at > _since(hearer.bell_read_at))
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "user_id", "ticket_id", "kind"],
        set_={
            "times": case((unread, notifications.c.times + 1), else_=1),
            "mail_at": case((unread, notifications.c.mail_at), else_=query.excluded.mail_at),
            "by_name": query.excluded.by_name,
            "told_at": query.excluded.told_at,
            "read_at": None,
        },
    )
    told = tx.execute(query.returning(notifications.c.times))
    return 1 in told.scalars().all()


def _since(read_at: datetime | None) -> datetime:
    return read_at or _BEGINNING


_OF_NEWS = (
    select(members.c.user_id)
    .where(members.c.workspace_id == HERE, text(f"({MAILED_NEW})"))
    .order_by(members.c.user_id)
    .limit(bindparam("limit", type_=Integer()))
)
_MORE_OF_NEWS = _OF_NEWS.where(members.c.user_id > bindparam("after", type_=members.c.user_id.type))


def asking_news(tx: Tx) -> Callable[[], bool]:
    """Whether anybody chose to hear of new tickets by mail."""
    return tx.asking(_OF_NEWS, _anybody, limit=1)


def _anybody(found: Answered) -> bool:
    return bool(found.rows)


def wanting_news(tx: Tx, *, after: UUID | None, limit: int) -> list[UUID]:
    """Members who chose to hear of new tickets by mail, by their ids."""
    found = tx.rows(_MORE_OF_NEWS, after=after, limit=limit) if after else tx.rows(_OF_NEWS, limit=limit)
    return [user_id for (user_id,) in found]


_WITHDRAWN = (
    delete(notifications)
    .where(
        notifications.c.workspace_id == HERE,
        dialect.one_of(notifications.c.ticket_id, "these"),
        notifications.c.kind.in_([Kind.ASSIGNED.value, Kind.ANSWERED.value, Kind.RETURNED.value]),
        notifications.c.user_id.is_distinct_from(bindparam("holder", type_=notifications.c.user_id.type)),
        _UNREAD,
    )
    .returning(notifications.c.user_id)
)


def withdraw(tx: Tx, ticket_ids: Sequence[UUID], holder: UUID | None) -> set[UUID]:
    """Whom unread lines told of these tickets as theirs, who hold them no longer: it is gone."""
    return {user_id for (user_id,) in tx.rows(_WITHDRAWN, these=list(ticket_ids), holder=holder)}


_READ = (
    update(notifications)
    .where(_OWN, notifications.c.ticket_id == bindparam("ticket"), _UNREAD)
    .values(read_at=_MOMENT, mail_at=None)
    .returning(notifications.c.kind)
)


def reading_ticket(tx: Tx, user_id: UUID, ticket_id: UUID) -> Callable[[], bool]:
    """Asks for it; what comes back says whether there was anything to read."""
    return tx.asking(
        _READ, lambda found: bool(found.rows), person=user_id, ticket=ticket_id, moment=clock.now()
    )


_READ_ALL = (
    update(members)
    .where(
        _MEMBER, func.coalesce(members.c.bell_read_at, _BEGINNING) < bindparam("moment", type_=UtcDateTime())
    )
    .values(bell_read_at=bindparam("moment", type_=UtcDateTime()))
)


def read_all(tx: Tx, user_id: UUID, upto: datetime) -> bool:
    """One row, however many lines there are: it only goes forward."""
    return tx.run(_READ_ALL, person=user_id, moment=upto).rowcount == 1


def choose(tx: Tx, user_id: UUID, told: int) -> None:
    tx.run(update(members).where(_MEMBER).values(told=bindparam("bits")), person=user_id, bits=told)


# ------------------------------------------------------------------------------------------- the list

_PLACE = (notifications.c.told_at, notifications.c.ticket_id, notifications.c.kind)
_OLDER = bindparam("at", type_=UtcDateTime()), bindparam("ticket", type_=notifications.c.ticket_id.type)
_LINES = (
    select(
        notifications.c.kind,
        notifications.c.ticket_id,
        notifications.c.times,
        notifications.c.by_name,
        notifications.c.told_at,
        notifications.c.read_at,
    )
    .where(_OWN, notifications.c.told_at > _SINCE)
    .order_by(*(column.desc() for column in _PLACE))
    .limit(_LIMIT)
)
_OLDER_LINES = _LINES.where(tuple_(*_PLACE) < tuple_(*_OLDER, bindparam("kind")))


def lines(tx: Tx, bell: Bell, *, since: datetime, before: Place | None, limit: int) -> list[Line]:
    """What the person was told of, the newest first."""
    query, key = (_OLDER_LINES, before._asdict()) if before else (_LINES, {})
    key = {"at": key["at"], "ticket": key["ticket_id"], "kind": key["kind"]} if key else {}
    seen = _since(bell.read_at)
    return [
        Line(Kind(kind), ticket_id, times, by_name, at, read=read_at is not None or at <= seen)
        for kind, ticket_id, times, by_name, at, read_at in tx.rows(
            query, person=bell.user_id, since=since, limit=limit, **key
        )
    ]


# In the words of the index, as text: only so does the planner see that it fits.
_OF_NOBODY = text(" AND ".join(f"tickets.{part}" for part in NEW_OF_NOBODY.split(" AND ")))
_NEWS_PLACE = (tickets.c.created_at, tickets.c.ticket_id)
_NEWEST = [column.desc() for column in _NEWS_PLACE]


_NEWS = (
    select(*_NEWS_PLACE, tickets.c.chat_room_id)
    .where(tickets.c.workspace_id == HERE, _OF_NOBODY, tickets.c.created_at > _SINCE)
    .order_by(*_NEWEST)
    .limit(NEWS_SHOWN)
    .subquery()
)
_NEWS_LINES = select(
    _NEWS.c.ticket_id,
    _NEWS.c.created_at,
    mark_in(_NEWS.c.chat_room_id, bindparam("reader")).exists(),
).order_by(_NEWS.c.created_at.desc(), _NEWS.c.ticket_id.desc())


def news(tx: Tx, bell: Bell, *, since: datetime) -> list[Line]:
    """New tickets that are nobody's, the newest first: NEWS_SHOWN at most."""
    seen = _since(bell.read_at)
    return [
        Line(Kind.UNASSIGNED, ticket_id, 1, "", at, read=read or at <= seen)
        for ticket_id, at, read in tx.rows(_NEWS_LINES, since=since, reader=str(bell.user_id))
    ]


# ------------------------------------------------------------------------------------------ the count


@cache
def unread_count() -> ColumnElement[int]:
    """How many lines the person has not read, COUNTED at most of either kind: part of a bigger statement,
    which `unread_values` go with.
    """
    since = bindparam("bell_since", type_=UtcDateTime())
    own = (
        select(notifications.c.kind)
        .where(
            notifications.c.workspace_id == HERE,
            notifications.c.user_id == bindparam("bell_person", type_=notifications.c.user_id.type),
            _UNREAD,
            notifications.c.told_at > since,
        )
        .limit(COUNTED)
        .subquery()
    )
    new = (
        select(tickets.c.chat_room_id)
        .where(tickets.c.workspace_id == HERE, _OF_NOBODY, tickets.c.created_at > since)
        .order_by(*_NEWEST)
        .limit(bindparam("bell_news", type_=Integer()))
        .subquery()
    )
    unseen = (
        select(func.count())
        .select_from(new)
        .where(~mark_in(new.c.chat_room_id, bindparam("bell_reader")).exists())
    )
    counted: ColumnElement[int] = (
        select(func.count()).select_from(own).scalar_subquery() + unseen.scalar_subquery()
    )
    return counted


def unread_values(bell: Bell) -> dict[str, Any]:
    return {
        "bell_person": bell.user_id,
        "bell_reader": str(bell.user_id),
        "bell_since": _since(bell.read_at),
        "bell_news": NEWS_SHOWN if bell.news else 0,
    }


# ---------------------------------------------------------------------------------------- what ends


def forget(tx: Tx, user_id: UUID, *, before: datetime, limit: int) -> int:
    """Some of what a person was told of here until then; says how much."""
    own = (notifications.c.workspace_id == tx.workspace_id) & (notifications.c.user_id == user_id)
    old = own & (notifications.c.told_at <= before)
    return dialect.delete_some(tx, notifications, old, notifications.c.told_at, limit=limit)


def delete_old(tx: Tx, *, before: datetime, limit: int) -> int:
    """Across all workspaces, the oldest first; says how many."""
    old = notifications.c.told_at < before
    return dialect.delete_some(tx, notifications, old, notifications.c.told_at, limit=limit)
