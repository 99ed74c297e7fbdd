"""Durable jobs: what must happen after a commit, stored by that same commit (`Tx.enqueue`).

A job runs at least once. Whoever claims it holds a lease until `locked_until`; when that process
dies, the lease runs out and the job is claimed again. `attempts` counts claims, so that a job which
kills its process comes to an end too, and it names the claim: only the newest one may put a job
back or bury it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from parlour.db.database import Tx
from parlour.db.schema import outbox
from parlour.kernel import clock
from parlour.kernel.errors import NotFound
from parlour.kernel.events import JobQueued

ERROR_LIMIT = 500
"""Characters kept of why a job failed: a sentence or two of the other side's, not its whole page."""

_OPEN = and_(outbox.c.finished_at.is_(None), outbox.c.dead_at.is_(None))


class Undeliverable(Exception):
    """No later attempt can succeed: the job is dead at once. The text is kept for people to read."""


class Postponed(Exception):
    """The other side cannot take it now, for reasons of its own; ours is to try again later."""


@dataclass(frozen=True, slots=True)
class Job:
    """One claim of a stored job. The payload may hold secrets and stays out of its repr."""

    job_id: UUID
    workspace_id: UUID | None
    kind: str
    payload: dict[str, Any] = field(repr=False)
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadJob:
    job_id: UUID
    workspace_id: UUID | None
    kind: str
    attempts: int
    dead_at: datetime
    error: str


def next_due(tx: Tx, *, now: datetime) -> datetime | None:
    """When the first job that nobody holds may run, or None when there is no such job."""
    query = select(outbox.c.run_at).where(_OPEN, _unheld(now)).order_by(outbox.c.run_at).limit(1)
    due: datetime | None = tx.execute(query).scalar()
    return due


def claim(
    tx: Tx, *, now: datetime, lease: timedelta, limit: int, running: Collection[UUID] = ()
) -> list[Job]:
    """Take up to `limit` due jobs, oldest first, and hold them until `now + lease`.

    Not those that are `running` here, though their lease may have run out while the database was away.
    """
    due = and_(_OPEN, outbox.c.run_at <= now, _unheld(now))
    if running:
        due = and_(due, outbox.c.job_id.not_in(running))
    first = select(outbox.c.job_id).where(due).order_by(outbox.c.run_at).limit(limit)
    # A CTE is read once; as a subquery PostgreSQL may read it again and again, and take more than `limit`.
    chosen = first.with_for_update(skip_locked=True).cte("chosen")
    taken = (
        update(outbox)
        # `due` once more: a row that another node took while this statement waited for it is not ours.
        .where(outbox.c.job_id.in_(select(chosen.c.job_id)), due)
        .values(locked_until=now + lease, attempts=outbox.c.attempts + 1)
        .returning(
            outbox.c.job_id,
            outbox.c.workspace_id,
            outbox.c.kind,
            outbox.c.payload,
            outbox.c.attempts,
            outbox.c.run_at,
        )
    )
    rows = sorted(tx.execute(taken), key=lambda row: (row.run_at, row.job_id))
    return [Job(row.job_id, row.workspace_id, row.kind, row.payload, row.attempts) for row in rows]


def renew(tx: Tx, jobs: Sequence[Job], *, until: datetime) -> set[UUID]:
    """Hold these claims until `until`. Returns the jobs that still are the claimer's."""
    held = or_(*(and_(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts) for job in jobs))
    running = outbox.c.locked_until.is_not(None)  # not one that was put back a moment ago
    query = update(outbox).where(held, _OPEN, running).values(locked_until=until).returning(outbox.c.job_id)
    return set(tx.execute(query).scalars())


def finish(tx: Tx, job: Job) -> None:
    """Done. The payload goes at once, because a finished job has no more use for the secrets in it."""
    tx.execute(
        update(outbox)
        .where(outbox.c.job_id == job.job_id)
        .values(finished_at=clock.now(), dead_at=None, locked_until=None, error=None, payload={})
    )


class Overtaken(Postponed):
    """Somebody else has claimed the job since: this run of it is no longer the one that counts."""


def hold(tx: Tx, job: Job) -> None:
    """Keep the claim the newest until this transaction has ended. Raises Overtaken when it no longer is."""
    mine = and_(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts, _OPEN)
    if tx.execute(select(outbox.c.job_id).where(mine).with_for_update()).first() is None:
        raise Overtaken("The job was taken over.")


def remember(tx: Tx, job: Job, **facts: Any) -> None:
    """Add facts to the payload: whoever claims this job after its run broke off finds them there."""
    tx.execute(_held(job).values(payload={**job.payload, **facts}))


def retry(tx: Tx, job: Job, *, run_at: datetime, error: str) -> None:
    """Put the job back until `run_at`."""
    tx.execute(_held(job).values(run_at=run_at, locked_until=None, error=error[:ERROR_LIMIT]))


def bury(tx: Tx, job: Job, *, error: str) -> None:
    """Give the job up until a person revives it; it keeps its payload for that."""
    tx.execute(_held(job).values(dead_at=clock.now(), locked_until=None, error=error[:ERROR_LIMIT]))


def dead_jobs(tx: Tx, *, limit: int) -> list[DeadJob]:
    """The newest dead jobs of every workspace. Reads the whole table: run it with `scan`."""
    query = (
        select(
            outbox.c.job_id,
            outbox.c.workspace_id,
            outbox.c.kind,
            outbox.c.attempts,
            outbox.c.dead_at,
            outbox.c.error,
        )
        .where(outbox.c.dead_at.is_not(None))
        .order_by(outbox.c.dead_at.desc(), outbox.c.job_id.desc())
        .limit(limit)
    )
    return [DeadJob(*row) for row in tx.execute(query)]


def revive(tx: Tx, job_id: UUID) -> None:
    """Let a dead job run again now, with all its attempts. Raises NotFound when no such job is dead."""
    query = (
        update(outbox)
        .where(outbox.c.job_id == job_id, outbox.c.dead_at.is_not(None))
        .values(dead_at=None, attempts=0, run_at=clock.now(), locked_until=None)
        .returning(outbox.c.kind)
    )
    kind = tx.execute(query).scalar()
    if kind is None:
        raise NotFound
    tx.events.append(JobQueued(kind))


def sweep(tx: Tx, *, before: datetime, limit: int) -> int:
    """Remove up to `limit` jobs that finished before `before`; says how many went. Dead jobs stay."""
    old = (
        select(outbox.c.job_id)
        # Ids begin with their time of birth: this bounds the search by the primary key.
        .where(outbox.c.job_id < _first_id_at(before), outbox.c.finished_at < before)
        .order_by(outbox.c.job_id)
        .limit(limit)
    )
    return tx.execute(delete(outbox).where(outbox.c.job_id.in_(old))).rowcount


def _unheld(now: datetime) -> ColumnElement[bool]:
    return or_(outbox.c.locked_until.is_(None), outbox.c.locked_until <= now)


def _held(job: Job) -> Any:
    return update(outbox).where(outbox.c.job_id == job.job_id, outbox.c.attempts == job.attempts, _OPEN)


def _first_id_at(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def drop_waiting(tx: Tx) -> int:
    """Forget the jobs of the workspace that have not run yet: for a past that was only made up.

    Returns how many.
    """
    return tx.execute(delete(outbox).where(_OPEN, outbox.c.workspace_id == tx.workspace_id)).rowcount
