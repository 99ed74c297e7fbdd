"""`parlour backup`, `restore` and `move`: everything, from one place to another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from parlour import logs
from parlour.cli.base import Refused, err, settings_now
from parlour.db.new_file import NewFile
from parlour.db.sqlite.file import Ownership, is_there, sentences
from parlour.settings import Settings, postgresql_url

# What works on both databases is imported where it is used: SQLite does without PostgreSQL's half.

AS_OWNER = "PostgreSQL: the role that owns the tables. Its password may stand in ~/.pgpass instead."
OwnerUrl = Annotated[str, typer.Option(metavar="URL", help=AS_OWNER)]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make. It must not exist yet.")],
    owner_url: OwnerUrl = "",
) -> None:
    """Copy everything into FILE, as it is at this moment; servers go on meanwhile.

    FILE appears when it is whole and was read once more. Keep it as safe as the database: it holds all that
    people wrote. It restores into SQLite and into PostgreSQL, whichever it came from.
    """
    from parlour.db.backup import archive, read
    from parlour.files.blocking import BlockingStore

    NewFile(file, archive.KIND).refuse_an_impossible_place()
    settings = settings_now()
    if settings.is_postgresql:
        source = read.of_postgresql(as_owner(settings, owner_url))
    else:
        source = read.of_sqlite(the_file(settings, owner_url))
    with BlockingStore(settings.files_url) as store, source as snapshot, _progress() as tell:
        rows, packed = archive.write(file, snapshot, store, tell)
    size = file.stat().st_size
    typer.echo(
        f"{file} holds {rows:,} rows and {packed.count:,} files in {size:,} bytes. It was read once more."
    )
    if packed.missing:
        err.print(f"{packed.missing:,} files that messages name are not in {settings.files_url} any more.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `parlour backup` made.")],
    owner_url: OwnerUrl = "",
) -> None:
    """Fill an empty database and the files from FILE: all, compared, or nothing. No server may run meanwhile.

    A backup of an older Parlour is brought to the newest schema. What was broken off is started again.
    """
    from parlour.db.backup import archive, load
    from parlour.files.blocking import BlockingStore

    settings = settings_now()
    with (
        BlockingStore(settings.files_url) as store,
        archive.Archive(file, store) as source,
        _progress() as tell,
    ):
        if settings.is_postgresql:
            url, role = as_owner(settings, owner_url), settings.database_url if owner_url else None
            counts = load.into_postgresql(url, source, tell, for_role=role)
        else:
            counts = load.into_sqlite(the_file(settings, owner_url), source, tell)
    _tell(counts)
    typer.echo("Everything arrived: counts and checksums agree. Servers may start.")


def move(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="sqlite:///PATH of the old database.")],
    target: Annotated[
        str,
        typer.Option("--to", metavar="URL", help="postgresql://… of an empty one, as the role that owns it."),
    ],
) -> None:
    """Copy everything from SQLite to PostgreSQL, all of it or nothing. No server may run meanwhile."""
    from parlour.db.backup import load, read

    logs.configure("text")
    if not source.startswith("sqlite:///"):
        raise Refused("--from must begin with sqlite:///, for example sqlite:////var/lib/parlour/parlour.db.")
    path = Path(source.removeprefix("sqlite:///")).resolve()
    url = postgresql_url("--to", target)
    if not is_there(path):
        raise Refused(f"There is no database at {path}.")
    with sentences(path):
        owned = Ownership(path)  # for as long as it takes, no server opens it
    try:
        with read.of_sqlite(path) as snapshot, _progress() as tell:
            counts = load.into_postgresql(url, snapshot, tell)
    finally:
        owned.release()
    _tell(counts)
    typer.echo("Everything arrived: counts and checksums agree. The old database is as it was.")
    typer.echo("Now set PARLOUR_DATABASE_URL and run parlour migrate --owner-url, which lets the servers in.")


def as_owner(settings: Settings, owner_url: str) -> str:
    return postgresql_url("--owner-url", owner_url) if owner_url else settings.database_url


def the_file(settings: Settings, owner_url: str) -> Path:
    if owner_url:
        raise Refused("--owner-url is for PostgreSQL, and PARLOUR_DATABASE_URL names no such database.")
    return settings.sqlite_path


def _tell(counts: dict[str, int]) -> None:
    for name, count in counts.items():
        typer.echo(f"{name:<18} {count:>10,}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each table; where nobody watches a terminal, a line for each."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=done)
            if done == total and total and not err.is_terminal:
                err.print(f"{name}: {total:,}")

        yield tell
