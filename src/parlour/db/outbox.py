"""Durable jobs: what must happen after a commit, stored by that same commit (`Tx.enqueue`).

A job runs at least once. Whoever claims it holds a lease until `locked_until`; when that process
dies, the lease runs out and the job is claimed again. `attempts` counts claims, so that a job which
kills its process comes to an end too, and it names the claim: only the newest one may put a job
back or bury it. `moments` says whose clock it goes by.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Update,
    and_,
    bindparam,
    case,
    delete,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.moments import given, moment, now_of, then_of
from parlour.db.schema import outbox
from parlour.db.schema.base import UtcDateTime
from parlour.db.shortcut import Answered
from parlour.kernel import clock
from parlour.kernel.errors import NotFound
from parlour.kernel.events import JobQueued

ERROR_LIMIT = 500
"""Characters kept of why a job failed: a sentence or two of the other side's, not its whole page."""
ABSORBED = 500

_OPEN = and_(outbox.c.finished_at.is_(None), outbox.c.dead_at.is_(None))
_DEAD = outbox.c.dead_at.is_not(None)


class Undeliverable(Exception):
    """No later attempt can succeed: the job is dead at once. The text is kept for people to read."""


class Postponed(Exception):
    """The other side cannot take it now, for reasons of its own; ours is to try again later."""


class Waiting(Postponed):
    """`Postponed`, of what nobody could be told that it was given up: it is tried until it succeeds."""


@dataclass(frozen=True, slots=True)
class Job:
    """One claim of a stored job. The payload may hold secrets and stays out of its repr."""

    job_id: UUID
    workspace_id: UUID | None
    kind: str
    payload: dict[str, Any] = field(repr=False)
    attempts: int
    lane: Lane


class Ended(Enum):
    """How a run of a job ended."""

    FINISHED = "finished"
    PUT_BACK = "put back"
    GIVEN_UP = "given up"


def next_due(tx: Tx) -> dict[Lane, timedelta]:
    """How long until the first job of each lane that nobody holds may run; a lane without any is missing."""
    return _asking_next_due(tx)()


def _asking_next_due(tx: Tx) -> Callable[[], dict[Lane, timedelta]]:
    return tx.asking(_first_ones(tx.connection.dialect.name), _waits, **given(tx.connection))


def _waits(found: Answered) -> dict[Lane, timedelta]:
    return {Lane(lane): run_at - now for lane, run_at, now in found.rows}


@cache
def _first_ones(engine: str) -> CompoundSelect[Any]:
    now = now_of(engine)
    firsts = (
        select(outbox.c.lane, outbox.c.run_at, type_coerce(now, UtcDateTime()).label("now"))
        .where(outbox.c.lane == lane, *_waiting(now))
        .order_by(outbox.c.run_at)
        .limit(literal_column("1"))
        for lane in Lane
    )
    return union_all(*(select(first.subquery()) for first in firsts))


def take(
    tx: Tx, wanted: Mapping[Lane, int], *, lease: timedelta, running: Collection[UUID]
) -> Callable[[], tuple[list[Job], dict[Lane, timedelta]]]:
    """`claim` up to so many of each of these lanes; what comes back says, once it is stored, what was claimed
    and what is `next_due` besides.
    """
    taken = [_claiming(tx, lane, lease=lease, limit=most, running=running) for lane, most in wanted.items()]
    due = _asking_next_due(tx)
    return lambda: ([job for claimed in taken for job in claimed()], due())


def claim(tx: Tx, lane: Lane, *, lease: timedelta, limit: int, running: Collection[UUID] = ()) -> list[Job]:
    """Take up to `limit` due jobs of the lane, oldest first, and hold them for `lease`.

    Not those that are `running` here, though their lease may have run out while the database was away.
    """
    return _claiming(tx, lane, lease=lease, limit=limit, running=running)()


def _claiming(
    tx: Tx, lane: Lane, *, lease: timedelta, limit: int, running: Collection[UUID]
) -> Callable[[], list[Job]]:
    def jobs(taken: Answered) -> list[Job]:
        rows = sorted(taken.rows, key=lambda row: (row[5], row[0]))
        return [Job(row[0], row[1], row[2], row[3], row[4], lane) for row in rows]

    values = {"of_lane": lane, "most": limit, "running": list(running), **given(tx.connection, lease)}
    return tx.asking(_taken(tx.connection.dialect.name), jobs, **values)


@cache
def _taken(engine: str) -> ReturningUpdate[Any]:
    now, lane = now_of(engine), outbox.c.lane == bindparam("of_lane", type_=outbox.c.lane.type)
    others = not_(dialect.one_of(outbox.c.job_id, "running"))
    due = and_(lane, *_waiting(now), outbox.c.run_at <= now, others)
    most: BindParameter[int] = bindparam("most", type_=Integer())
    first = select(outbox.c.job_id).where(due).order_by(outbox.c.run_at).limit(most)
    # A CTE is read once; as a subquery PostgreSQL may read it again and again, and take more than `limit`.
    chosen = first.with_for_update(skip_locked=True).cte("chosen")
    return (
        update(outbox)
        # `due` once more: a row that another node took while this statement waited for it is not ours.
        .where(outbox.c.job_id.in_(select(chosen.c.job_id)), due)
        .values(locked_until=then_of(engine), attempts=outbox.c.attempts + 1)
        .returning(
            outbox.c.job_id,
            outbox.c.workspace_id,
            outbox.c.kind,
            outbox.c.payload,
            outbox.c.attempts,
            outbox.c.run_at,
        )
    )


def is_open(tx: Tx, kind: str) -> bool:
    """Whether such a job of the workspace waits or runs."""
    query = select(outbox.c.job_id).where(outbox.c.workspace_id == tx.workspace_id, outbox.c.kind == kind)
    return tx.execute(query.where(_OPEN).limit(1)).first() is not None


def renew(tx: Tx, jobs: Sequence[Job], *, lease: timedelta) -> set[UUID]:
    """Hold these claims for another `lease`. Returns the jobs that still are the claimer's."""
    held = or_(*(and_(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts) for job in jobs))
    running = outbox.c.locked_until.is_not(None)  # not one that was put back a moment ago
    query = update(outbox).where(held, _OPEN, running).values(locked_until=moment(tx.connection, lease))
    return set(tx.execute(query.returning(outbox.c.job_id)).scalars())


def finish(tx: Tx, *jobs: Job) -> None:
    """Done, whoever holds the claims now. The payloads go at once, because a finished job has no more use for
    the secrets in it.
    """
    done = [job.job_id for job in jobs]
    tx.change_soon(_finished(tx.connection.dialect.name), done=done, **given(tx.connection))


@cache
def _finished(engine: str) -> Update:
    return (
        update(outbox)
        .where(dialect.one_of(outbox.c.job_id, "done"))
        .values(finished_at=now_of(engine), dead_at=None, locked_until=None, error=None, payload={})
    )


class Overtaken(Postponed):
    """Somebody else has claimed the job since: this run of it is no longer the one that counts."""


def hold(tx: Tx, job: Job) -> None:
    """Keep the claim the newest until this transaction has ended. Raises Overtaken when it no longer is."""
    mine = and_(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts, _OPEN)
    if tx.execute(select(outbox.c.job_id).where(mine).with_for_update()).first() is None:
        raise Overtaken("The job was taken over.")


def hurry(tx: Tx, job_id: UUID) -> bool:
    """Let a job that waits for its moment run at once; one that runs goes on. False when it has ended."""
    now = moment(tx.connection)
    waits = and_(*_waiting(now), outbox.c.run_at > now)
    query = (
        update(outbox)
        .where(outbox.c.job_id == job_id, _OPEN)
        .values(run_at=case((waits, now), else_=outbox.c.run_at))
        .returning(outbox.c.kind)
    )
    kind = tx.execute(query).scalar_one_or_none()
    if kind is not None:
        tx.events.append(JobQueued(kind))
    return kind is not None


def absorb(tx: Tx, job: Job) -> None:
    """Have done, with this job, what others of its kind and workspace wait for that were stored before.

    As far as they are among the next ABSORBED of their lane.
    """
    now = moment(tx.connection)
    due = select(outbox.c.job_id).where(outbox.c.lane == job.lane, *_waiting(now), outbox.c.run_at <= now)
    next_ones = outbox.c.job_id.in_(due.order_by(outbox.c.run_at).limit(ABSORBED))
    alike = (outbox.c.kind == job.kind, outbox.c.workspace_id == job.workspace_id)
    others = select(outbox.c.job_id).where(next_ones, *alike).with_for_update(skip_locked=True).cte("others")
    tx.execute(
        update(outbox)
        .where(outbox.c.job_id.in_(select(others.c.job_id)))
        .values(finished_at=moment(tx.connection), error=None, payload={})
    )


def remember(tx: Tx, job: Job, **facts: Any) -> None:
    """Add facts to the payload: whoever claims this job after its run broke off finds them there."""
    tx.execute(_held(job).values(payload={**job.payload, **facts}))


def retry(tx: Tx, job: Job, *, after: timedelta, error: str, afresh: bool = False) -> bool:
    """Put the job back for so long; `afresh`, with all its attempts. Whether it was still this claim's."""
    run_at, now = moment(tx.connection, after), moment(tx.connection)
    put_back = _held(job).values(run_at=run_at, put_at=now, locked_until=None, error=error[:ERROR_LIMIT])
    return tx.execute(put_back.values(attempts=0) if afresh else put_back).rowcount > 0


def bury(tx: Tx, job: Job, *, error: str) -> bool:
    """Give the job up until a person revives it; it keeps its payload for that. Whether it was still this
    claim's.
    """
    dead_at = moment(tx.connection)
    buried = _held(job).values(dead_at=dead_at, locked_until=None, error=error[:ERROR_LIMIT])
    return tx.execute(buried).rowcount > 0


def revive(tx: Tx, job_id: UUID) -> None:
    """Let a dead job run again now, with all its attempts. Raises NotFound when no such job is dead."""
    if not revive_one(tx, job_id):
        raise NotFound


def revive_one(tx: Tx, job_id: UUID) -> bool:
    """`revive` for who has another way if no such job is dead."""
    return bool(_run_again(tx, [job_id], attempts=0))


def revive_some(tx: Tx, *, kind: str | None, limit: int) -> int:
    """Revive up to `limit` dead jobs, those first that died first; of all kinds, or of one. Says how many."""
    dead = select(outbox.c.job_id).where(_DEAD).order_by(outbox.c.dead_at).limit(limit)
    if kind is not None:
        dead = dead.where(outbox.c.kind == kind)
    return len(_run_again(tx, tx.execute(dead).scalars().all(), attempts=0))


def take_back(tx: Tx, job_ids: Sequence[UUID]) -> set[UUID]:
    """Let those of these that are dead run again, with the attempts that they have left. Says which."""
    return _run_again(tx, job_ids)


def _run_again(tx: Tx, job_ids: Sequence[UUID], **afresh: int) -> set[UUID]:
    now = moment(tx.connection)
    query = (
        update(outbox)
        .where(outbox.c.job_id.in_(job_ids), _DEAD)
        .values(dead_at=None, run_at=now, due_at=now, put_at=now, locked_until=None, **afresh)
        .returning(outbox.c.job_id, outbox.c.kind)
    )
    kinds = {row[0]: row[1] for row in tx.execute(query)}
    tx.events.extend(JobQueued(kind) for kind in set(kinds.values()))
    return set(kinds)


def sweep(tx: Tx, *, older_than: timedelta, limit: int) -> int:
    """Remove up to `limit` jobs that have been finished for so long; says how many went. Dead jobs stay."""
    old = outbox.c.finished_at < moment(tx.connection, -older_than)
    return dialect.delete_some(tx, outbox, old, outbox.c.finished_at, limit=limit)


def newest(tx: Tx, *, before: datetime) -> datetime | None:
    """When the newest job of those that are kept and were stored before that moment was, each by the clock of
    the machine that stored it.
    """
    stored = outbox.c.job_id
    older = select(stored).where(stored < clock.id_at(before)).order_by(stored.desc()).limit(1)
    found = tx.execute(older).scalar()
    return clock.moment_of(found) if found else None


def take_over(tx: Tx) -> None:
    """SQLite, in the one process that owns the file: what a process before it held, or timed, is this one's.

    Nobody else is alive who could hold a job. One that was put away by a clock which was ahead of ours waits
    from now on for as long as it was to wait.
    """
    held = update(outbox).where(_OPEN, outbox.c.locked_until.is_not(None))
    tx.execute(held.values(locked_until=None))
    now = clock.steady()
    ahead = select(outbox.c.job_id, outbox.c.run_at, outbox.c.put_at).where(_OPEN, outbox.c.put_at > now)
    for job_id, run_at, put_at in tx.execute(ahead).all():
        again = {"run_at": now + (run_at - put_at), "put_at": now, "due_at": now}
        tx.execute(update(outbox).where(outbox.c.job_id == job_id).values(again))


def _waiting(now: ColumnElement[object]) -> tuple[ColumnElement[bool], ...]:
    """Neither ended nor held by anybody."""
    return _OPEN, or_(outbox.c.locked_until.is_(None), outbox.c.locked_until <= now)


def _held(job: Job) -> Any:
    return update(outbox).where(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts, _OPEN)


def drop_waiting(tx: Tx) -> int:
    """Forget the jobs of the workspace that have not run yet: for a past that was only made up.

    Returns how many.
    """
    return tx.execute(delete(outbox).where(_OPEN, outbox.c.workspace_id == tx.workspace_id)).rowcount
