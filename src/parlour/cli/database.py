"""`parlour migrate` and `move`: the database as a whole."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from parlour import logs
from parlour.app import make_database
from parlour.cli.base import Refused, err, prepared, settings_now
from parlour.db.database import Standing
from parlour.db.sqlite import SqliteDatabase
from parlour.settings import Settings, postgresql_url


def migrate(
    owner_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="PostgreSQL: the role that owns the tables. The one in PARLOUR_DATABASE_URL is then made, "
            "if it is missing, and let in.",
        ),
    ] = "",
) -> None:
    """Bring the database to the newest schema."""
    settings = settings_now()
    if owner_url:
        before = _migrate_as_owner(settings, owner_url)
    else:
        before = asyncio.run(prepared(make_database(settings), lambda db: db.migrate()))
    if before is Standing.NEWER:
        typer.echo(
            "A newer Parlour has migrated the database. This one works on it, and has changed nothing."
        )
    else:
        typer.echo("The database has the newest schema.")


def _migrate_as_owner(settings: Settings, owner_url: str) -> Standing:
    if not settings.is_postgresql:
        raise Refused("--owner-url is for PostgreSQL, and PARLOUR_DATABASE_URL names no such database.")
    from parlour.db.postgres import migrate_with

    return migrate_with(postgresql_url("--owner-url", owner_url), for_role=settings.database_url)


def move(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="sqlite:///PATH of the old database.")],
    target: Annotated[
        str,
        typer.Option("--to", metavar="URL", help="postgresql://… of an empty one, as the role that owns it."),
    ],
) -> None:
    """Copy everything from SQLite to PostgreSQL, all of it or nothing. No server may run meanwhile."""
    logs.configure("text")
    if not source.startswith("sqlite:///"):
        raise Refused("--from must begin with sqlite:///, for example sqlite:////var/lib/parlour/parlour.db.")
    path = Path(source.removeprefix("sqlite:///")).absolute()
    if not path.is_file():
        raise Refused(f"There is no database at {path}.")
    counts = asyncio.run(_move(path, postgresql_url("--to", target)))
    for name, count in counts.items():
        typer.echo(f"{name:<18} {count:>10,}")
    typer.echo(
        "Everything arrived: the counts and checksums of both sides agree. The old database is as it was."
    )
    typer.echo("Now set PARLOUR_DATABASE_URL and run parlour migrate --owner-url, which lets the servers in.")


async def _move(path: Path, target: str) -> dict[str, int]:
    from parlour.db.move import move

    held = SqliteDatabase(path)  # for as long as it takes, no server opens it
    await held.open()
    try:
        with _progress() as tell:
            return await asyncio.to_thread(move, path, target, tell)
    finally:
        await held.close()


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each table; where nobody watches a terminal, a line for each."""
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=done)
            if done == total and not err.is_terminal:
                err.print(f"{name}: {total:,} rows")

        yield tell
