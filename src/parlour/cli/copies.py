"""`parlour backup`, `restore` and `move`: everything, from one place to another."""

from pathlib import Path

import click

from parlour import logs
from parlour.cli.base import settings_now
from parlour.cli.progress import Progress
from parlour.cli.refused import Refused
from parlour.db.new_file import NewFile
from parlour.db.sqlite.file import Ownership, is_there, sentences
from parlour.settings import Settings, postgresql_url

# What works on both databases is imported where it is used: SQLite does without PostgreSQL's half.

by_owner = click.option(
    "--owner-url",
    metavar="URL",
    help="PostgreSQL: the role that owns the tables. Its password may stand in ~/.pgpass instead.",
)


@click.command
@click.argument("file", type=Path, help="The file to make. It must not exist yet.")
@by_owner
def backup(file: Path, owner_url: str | None) -> None:
    """Copy everything into FILE, as it is at this moment; servers go on meanwhile.

    FILE appears when it is whole and was read once more. Where the store has lost files that messages name it
    holds all the rest, and the command ends with 1. Keep it as safe as the database: it holds all that
    people wrote. It restores into SQLite and into PostgreSQL, whichever it came from.
    """
    from parlour.db.backup import archive, read
    from parlour.files.blocking import BlockingStore

    place = NewFile(file, archive.KIND)
    place.refuse_an_impossible_place()
    settings = settings_now()
    if settings.is_postgresql:
        source = read.of_postgresql(as_owner(settings, owner_url))
    else:
        source = read.of_sqlite(the_file(settings, owner_url))
    with BlockingStore(settings.files_url) as store, source as snapshot, Progress() as tell:
        rows, packed = archive.write(file, snapshot, store, tell)
    size = file.stat().st_size
    click.echo(
        f"{file} holds {rows:,} rows and {packed.count:,} files in {size:,} bytes. It was read once more."
    )
    for left in place.left_beside():
        click.echo(left, err=True)
    if packed.missing:
        lost = f"{packed.missing:,} files that messages name are not in {settings.files_url}, or not whole."
        click.echo(f"{lost} Is it the right place, and is its disk there?", err=True)
        raise SystemExit(1)


@click.command
@click.argument("file", type=Path, help="What `parlour backup` made.")
@by_owner
def restore(file: Path, owner_url: str | None) -> None:
    """Fill an empty database and the files from FILE: all, compared, or nothing. No server may run meanwhile.

    A backup of an older Parlour is brought to the newest schema. What was broken off is started again.
    """
    from parlour.db.backup import archive, load
    from parlour.files.blocking import BlockingStore

    settings = settings_now()
    with (
        BlockingStore(settings.files_url) as store,
        archive.Archive(file, store) as source,
        Progress() as tell,
    ):
        if settings.is_postgresql:
            url, role = as_owner(settings, owner_url), settings.database_url if owner_url else None
            counts = load.into_postgresql(url, source, tell, for_role=role)
        else:
            counts = load.into_sqlite(the_file(settings, owner_url), source, tell)
    _tell(counts)
    click.echo("Everything arrived: counts and checksums agree. Servers may start.")


@click.command
@click.option("--from", "source", required=True, metavar="URL", help="sqlite:///PATH of the old database.")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="postgresql://… of an empty one, as the role that owns it.",
)
def move(source: str, target: str) -> None:
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
        with read.of_sqlite(path) as snapshot, Progress() as tell:
            counts = load.into_postgresql(url, snapshot, tell)
    finally:
        owned.release()
    _tell(counts)
    click.echo("Everything arrived: counts and checksums agree. The old database is as it was.")
    click.echo("Now set PARLOUR_DATABASE_URL and run parlour migrate --owner-url, which lets the servers in.")


def as_owner(settings: Settings, owner_url: str | None) -> str:
    return postgresql_url("--owner-url", owner_url) if owner_url else settings.database_url


def the_file(settings: Settings, owner_url: str | None) -> Path:
    if owner_url:
        raise Refused("--owner-url is for PostgreSQL, and PARLOUR_DATABASE_URL names no such database.")
    return settings.sqlite_path


def _tell(counts: dict[str, int]) -> None:
    for name, count in counts.items():
        click.echo(f"{name:<18} {count:>10,}")
