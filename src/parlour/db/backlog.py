"""The outbox as its operator sees it: what waits, since when, what was given up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.moments import moment
from parlour.db.schema import outbox, outgoing_mails
from parlour.kernel import clock

COUNTED = 10_000
"""Jobs of a lane, and dead ones, that are looked at to count them: beyond that the number says enough."""

LATELY = timedelta(days=1)
MAIL_OUTCOMES = ("waiting", "sent", "deferred", "refused", "bounced")
"""What becomes of a mail about a ticket, as features/tickets/outgoing calls it."""

_OPEN = and_(outbox.c.finished_at.is_(None), outbox.c.dead_at.is_(None))
_DEAD = outbox.c.dead_at.is_not(None)
_DUE_AT = func.coalesce(outbox.c.due_at, outbox.c.run_at)


class Backlog(Struct, frozen=True):
    """How the jobs of one kind stand. `oldest` is the seconds since the one that waits longest was due."""

    lane: str
    kind: str
    waiting: int
    oldest: float
    dead: int


class StoredJob(Struct, frozen=True):
    """A job that waits or is dead. `recipient` is whom it is for, where that is known."""

    job_id: UUID
    workspace_id: UUID | None
    lane: str
    kind: str
    recipient: str
    attempts: int
    due_at: datetime
    run_at: datetime
    dead_at: datetime | None
    held: bool
    error: str


class Listed(Struct, frozen=True):
    """The first jobs of a list, and how many more it has, up to `COUNTED`."""

    jobs: Sequence[StoredJob]
    more: int


def census(tx: Tx) -> list[Backlog]:
    """Of each kind that has any: the jobs that should run or have run already, and the dead.

    Looks at no more than `COUNTED` jobs of each lane, those that run next, and as many dead ones.
    """
    found: dict[tuple[str, str], Backlog] = {}
    for lane in Lane:
        for kind, waiting, since, now in tx.execute(_waiting(tx, lane)):
            oldest = max(0.0, (now - since).total_seconds())
            found[lane, kind] = Backlog(lane, kind, waiting, oldest, 0)
    newest = select(outbox.c.lane, outbox.c.kind).where(_DEAD).order_by(outbox.c.dead_at.desc())
    dead = newest.limit(COUNTED).subquery()
    for lane, kind, count in tx.execute(select(*dead.c, func.count()).group_by(*dead.c)):
        waits = found.get((lane, kind), Backlog(lane, kind, 0, 0.0, 0))
        found[lane, kind] = Backlog(lane, kind, waits.waiting, waits.oldest, count)
    return [found[key] for key in sorted(found)]


def _waiting(tx: Tx, lane: Lane) -> Select[*tuple[Any, ...]]:
    now = moment(tx.connection)
    next_ones = (
        select(outbox.c.kind, _DUE_AT.label("due_at"), _counts(tx).label("counts"))
        .where(outbox.c.lane == lane, _OPEN)
        .order_by(outbox.c.run_at)
        .limit(COUNTED)
        .subquery()
    )
    query = select(next_ones.c.kind, func.count(), func.min(next_ones.c.due_at), now)
    return query.where(next_ones.c.counts).group_by(next_ones.c.kind)


def _counts(tx: Tx) -> ColumnElement[bool]:
    """Not a job that was stored for later, before its time."""
    return or_(outbox.c.attempts > 0, moment(tx.connection) >= _DUE_AT)


def mailed_lately(tx: Tx) -> dict[str, int]:
    """The mails about tickets whose state changed in the last day, by that state, up to `COUNTED` of each."""
    since = clock.now() - LATELY
    return {outcome: _count_mails(tx, outcome, since) for outcome in MAIL_OUTCOMES}


def _count_mails(tx: Tx, outcome: str, since: datetime) -> int:
    lately = outgoing_mails.c.outcome == outcome, outgoing_mails.c.changed_at > since
    some = select(outgoing_mails.c.mail_id).where(*lately).limit(COUNTED).subquery()
    found: int = tx.execute(select(func.count()).select_from(some)).scalar_one()
    return found


def waiting_jobs(tx: Tx, *, limit: int) -> Listed:
    """The jobs that should run or have run already, those that run next first."""
    return _listed(tx, and_(_OPEN, _counts(tx)), outbox.c.run_at, limit)


def dead_jobs(tx: Tx, *, limit: int) -> Listed:
    """The newest dead jobs of every workspace."""
    return _listed(tx, _DEAD, outbox.c.dead_at.desc(), limit)


def _listed(tx: Tx, these: ColumnElement[bool], order: ColumnElement[Any], limit: int) -> Listed:
    rest = select(outbox.c.job_id).where(these).order_by(order).offset(limit).limit(COUNTED).subquery()
    more = tx.execute(select(func.count()).select_from(rest)).scalar_one()
    held = func.coalesce(outbox.c.locked_until > moment(tx.connection), False)
    query = (
        select(
            outbox.c.job_id,
            outbox.c.workspace_id,
            outbox.c.lane,
            outbox.c.kind,
            outbox.c.payload,
            outbox.c.attempts,
            _DUE_AT,
            outbox.c.run_at,
            outbox.c.dead_at,
            held,
            outbox.c.error,
        )
        .where(these)
        .order_by(order, outbox.c.job_id)
        .limit(limit)
    )
    jobs = [
        StoredJob(
            job_id=row[0],
            workspace_id=row[1],
            lane=row[2],
            kind=row[3],
            recipient=str(row[4].get("email", "")),
            attempts=row[5],
            due_at=row[6],
            run_at=row[7],
            dead_at=row[8],
            held=bool(row[9]),
            error=row[10] or "",
        )
        for row in tx.execute(query)
    ]
    return Listed(jobs, more)
