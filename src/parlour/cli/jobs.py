"""`parlour jobs`: what was given up, and another try."""

from typing import Annotated
from uuid import UUID

import typer

from parlour.cli.base import once
from parlour.db import backlog, outbox
from parlour.kernel.access import Actor

jobs_app = typer.Typer(
    help="Background jobs that were given up, such as a refused mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@jobs_app.command("dead")
def dead_jobs() -> None:
    """List the jobs that were given up, with what stopped them."""
    found = once(lambda db: db.scan(Actor.system(), backlog.dead_jobs, limit=100))
    for job in found:
        typer.echo(f"{job.job_id}  {job.dead_at:%Y-%m-%d %H:%M}  {job.kind}  {job.error}")
    typer.echo(f"{len(found)} given up." if found else "No job was given up.", err=True)


@jobs_app.command("retry")
def retry_job(
    job_id: Annotated[UUID, typer.Argument(metavar="JOB", help="As `parlour jobs dead` prints it.")],
) -> None:
    """Let a job that was given up run again, with all its attempts."""
    once(lambda db: db.write(Actor.system(), outbox.revive, job_id))
    typer.echo("It runs with the next round of the server or the worker.")
