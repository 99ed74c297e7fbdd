"""`parlour jobs`: what waits, what was given up, and another try."""

from uuid import UUID

import click

from parlour.cli.base import once, settings_now
from parlour.cli.refused import Refused
from parlour.db import backlog, outbox
from parlour.db.backlog import Listed, StoredJob
from parlour.db.database import Database
from parlour.kernel.access import Actor
from parlour.kernel.text import one_line

LISTED = 100
REVIVED_AT_ONCE = 500


@click.command
def waiting_jobs() -> None:
    """List the jobs that should have run: since when, how they stand, for whom, and the last error."""
    found = once(lambda db: db.scan(Actor.system(), backlog.waiting_jobs, limit=LISTED))
    for job in found.jobs:
        click.echo(_line(job, f"since {job.due_at:%Y-%m-%d %H:%M}", _stands(job)))
    _tell(found, "waiting", "No job waits.")


@click.command
def dead_jobs() -> None:
    """List the jobs that were given up, with whom they were for and what stopped them."""
    found = once(lambda db: db.scan(Actor.system(), backlog.dead_jobs, limit=LISTED))
    for job in found.jobs:
        click.echo(_line(job, f"{job.dead_at:%Y-%m-%d %H:%M}"))
    _tell(found, "given up", "No job was given up.")


@click.command
@click.argument(
    "job_id", metavar="[JOB]", type=click.UUID, required=False, help="As `parlour jobs dead` prints it."
)
@click.option("--all", "every", is_flag=True, help="All that were given up.")
@click.option(
    "--kind", metavar="KIND", help="With --all: only those of this kind, such as mail.confirmation."
)
def retry_jobs(job_id: UUID | None, every: bool, kind: str | None) -> None:
    """Let what was given up run again, with all its attempts."""
    if every == (job_id is not None):
        raise Refused("Name one job, as `parlour jobs dead` prints it, or say --all.")
    if kind and not every:
        raise Refused("--kind goes with --all.")
    if job_id is not None:
        once(lambda db: db.write(Actor.system(), outbox.revive, job_id))
        click.echo("It runs with the next round of the server or the worker.")
        return
    revived = once(lambda db: _revive_all(db, kind))
    if kind and not revived:
        _refuse_an_unknown(kind)
    click.echo(f"{revived:,} run again, with the next rounds of the server or the worker.")


def _refuse_an_unknown(kind: str) -> None:
    """Raises Refused. What an older release had left is known to none, but was there."""
    from parlour.cli.running import kinds_of_jobs

    known = kinds_of_jobs(settings_now())
    if kind not in known:
        raise Refused(f"There are no jobs of the kind {one_line(kind)!r}. The kinds are {', '.join(known)}.")


async def _revive_all(db: Database, kind: str | None) -> int:
    """In steps, so that nobody else waits for long."""
    revived, step = 0, REVIVED_AT_ONCE
    while step == REVIVED_AT_ONCE:
        step = await db.write(Actor.system(), outbox.revive_some, kind=kind, limit=REVIVED_AT_ONCE)
        revived += step
    return revived


def _stands(job: StoredJob) -> str:
    if job.held:
        return f"running, try {job.attempts}"
    return f"tried {job.attempts}×, next {job.run_at:%H:%M:%S}" if job.attempts else "not tried yet"


def _line(job: StoredJob, *facts: str) -> str:
    """One line, whatever a mail server has said."""
    parts = [str(job.job_id), *facts, f"{job.lane}/{job.kind}", job.recipient or "-", one_line(job.error)]
    return "  ".join(parts).rstrip()


def _tell(found: Listed, what: str, none: str) -> None:
    click.echo(f"{len(found.jobs)} {what}." if found.jobs else none, err=True)
    if found.more:
        click.echo(f"{found.more:,} more are not listed.", err=True)
