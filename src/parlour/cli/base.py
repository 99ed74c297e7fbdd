"""What the commands share: their settings, and an opened database."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from parlour import logs
from parlour.cli.lent import give_back
from parlour.cli.refused import Refused
from parlour.db.database import Database, Standing
from parlour.db.factory import make_database
from parlour.db.migrate import standing
from parlour.db.sqlite.file import DataFolderInUse, is_there
from parlour.kernel.access import Actor
from parlour.settings import Settings

T = TypeVar("T")

at_workspace = click.option("--workspace", required=True, metavar="SLUG", help="The slug of the workspace.")


def settings_now(*, leaving_out: Collection[str] = (), **defaults: str) -> Settings:
    said = {name: value for name, value in os.environ.items() if name not in leaving_out}
    settings = Settings.from_environment({**defaults, **said})
    logs.configure(settings.log_format)
    if command := click.get_current_context(silent=True):
        command.call_on_close(partial(give_back, settings.data_dir))
    return settings


async def prepared(db: Database, prepare: Callable[[Database], Awaitable[T]]) -> T:
    await db.open()
    try:
        return await prepare(db)
    finally:
        await db.close()


def once(run: Callable[[Database], Awaitable[T]], *, makes: bool = False) -> T:
    """A short command. It may run beside a server, whose database it leaves as it is.

    Raises Refused when there is no database yet. One that `makes` things may be the first, but only where
    somebody said where: in whatever folder it happens to be started, it would report success for nothing.
    """
    first = _first_at(makes=makes)

    async def work() -> T:
        db = await _alone_or_beside(settings_now())
        if first:
            click.echo(f"There was no database at {first}: it is made now.", err=True)
        try:
            return await run(db)
        finally:
            await db.close()

    return asyncio.run(work())


def _first_at(*, makes: bool) -> Path | None:
    """Where this is the first command of all; None where there is a database. Raises Refused."""
    path = Settings.sqlite_file(os.environ)
    if path is None or is_there(path):
        return None
    if not any(os.environ.get(name, "").strip() for name in ("PARLOUR_DATA_DIR", "PARLOUR_DATABASE_URL")):
        raise Refused(
            f"There is no database at {path}, and neither PARLOUR_DATA_DIR nor PARLOUR_DATABASE_URL says "
            "where it is: set the one that the server runs with."
        )
    if not makes:
        raise Refused(f"There is no database at {path}: set PARLOUR_DATA_DIR to what the server runs with.")
    return path


async def _alone_or_beside(settings: Settings) -> Database:
    """The database, opened: alone it is migrated first; beside a server its schema must fit."""
    db = make_database(settings)
    try:
        await db.open()
        await db.prepare()
        return db
    except DataFolderInUse:
        db = make_database(settings, exclusive=False)
        await db.open()
        if await db.read(Actor.system(), standing) in (Standing.CURRENT, Standing.NEWER):
            return db
        await db.close()
        raise Refused(
            "The server that is running has another version; restart it with this one first."
        ) from None
