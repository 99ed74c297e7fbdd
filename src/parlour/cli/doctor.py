"""`parlour doctor`: what is in force, what is wrong, and what to do about it."""

import asyncio
import logging
import os
import re
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
import structlog

from parlour import __version__
from parlour.cli import doctor_address, doctor_files
from parlour.cli.findings import AS_THE_SERVER, Finding, State
from parlour.db import backlog, inspection
from parlour.db.database import Database, DatabaseUnusable, Standing
from parlour.db.factory import make_database
from parlour.db.migrate import lacking, standing
from parlour.db.sqlite.file import is_there
from parlour.features.mailroom.fetching import service as fetching
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import Unreachable
from parlour.mail.send import SmtpMailer
from parlour.settings import NAMES, BadSetting, Settings

PATIENCE = 10.0
"""Seconds for each thing that is asked. What takes longer is no use to a page either."""
LOOKED_FOR_DAMAGE = 5.0
LITTLE_SPACE = 1024**3
"""Bytes. Below this an operator wants to know; a tenth of it is an alarm."""
SKEW = timedelta(seconds=2)
AHEAD = timedelta(minutes=1)
LATE = 300.0
"""Seconds that a job may be overdue."""

_PASSWORDS = re.compile(r"([?&][^=&]*password=)[^&]*", re.IGNORECASE)
"""Drivers take them behind the question mark, too."""

MARKS: dict[State, str] = {
    "ok": click.style("ok   ", fg="green"),
    "note": click.style("note ", fg="yellow"),
    "wrong": click.style("wrong", fg="red", bold=True),
}


@click.command
def doctor() -> None:
    """Look at settings, database, clock, disk, mail, files and bus, and say in sentences what is wrong.

    Changes nothing and may run beside a server. Ends with 1 when something is wrong.
    """
    logging.disable()  # what is wrong is said in sentences of its own
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    click.echo(f"Parlour {__version__}\n")
    wrong = asyncio.run(_tell())
    click.echo(f"\n{wrong} to mend." if wrong else "\nNothing is wrong.")
    raise SystemExit(1 if wrong else 0)


async def _tell() -> int:
    """Print what is found as it is found; how much of it is wrong."""
    wrong = 0
    async for finding in _findings(os.environ):
        wrong += finding.state == "wrong"
        click.echo(f"{MARKS[finding.state]} {finding.about}: {finding.says}")
        if finding.remedy:
            click.echo(f"      {finding.remedy}")
    return wrong


def _in_force(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each setting with the value that holds, without what it hides, and whether anybody set it."""
    for name in NAMES:
        value = getattr(settings, name.removeprefix("PARLOUR_").lower(), environ.get(name))
        if isinstance(value, tuple):
            value = ", ".join(map(str, value))
        default = "" if environ.get(name, "").strip() else " (by default)"
        yield Finding(name, "ok", f"{_shown(value or 'none')}{default}")


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return "(hidden)"
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return "(hidden)"
    shown = str(value)
    if parts.password is not None:
        where = parts.netloc.rpartition("@")[2]
        shown = urlunsplit(parts._replace(netloc=f"{parts.username}:(hidden)@{where}"))
    return _PASSWORDS.sub(r"\1(hidden)", shown)


async def _findings(environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        path = Settings.sqlite_file(environ)
        if path is not None and not is_there(path):
            yield Finding(
                "database",
                "wrong",
                f"there is none at {path}.",
                "Set PARLOUR_DATA_DIR to what the server runs with, or start the first server there.",
            )
            return
        settings = Settings.from_environment(environ)
    except BadSetting as error:
        yield Finding("settings", "wrong", str(error))
        return
    except DatabaseUnusable as error:
        yield Finding("database", "wrong", str(error), AS_THE_SERVER)
        return
    for one in (*_in_force(settings, environ), *_settings(settings), *_folder(settings)):
        yield one
    async for one in _database(settings):
        yield one
    yield await _patiently("mail", _mail(settings))
    yield await _patiently("files", doctor_files.store(settings.files_url))
    if settings.clamd:
        yield await _patiently("virus scanner", doctor_files.scanner(settings.clamd, settings.file_limit))
    yield await _patiently("bus", _bus(settings))
    yield await _patiently("address", doctor_address.address(settings))


async def _patiently(about: str, looking: Awaitable[Finding]) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            return await looking
    except TimeoutError:
        return Finding(about, "wrong", f"no answer came in {PATIENCE:.0f} seconds.")


# ------------------------------------------------------------------------------------------ the machine


def _settings(settings: Settings) -> Iterator[Finding]:
    host = urlsplit(settings.base_url).hostname or ""
    if settings.secure and not settings.trusted_proxies:
        yield Finding(
            "settings",
            "note",
            "PARLOUR_TRUSTED_PROXIES is not set: behind a proxy all visitors share its address and limits.",
            "Set it to the proxy's address, for example PARLOUR_TRUSTED_PROXIES=127.0.0.1.",
        )
    if not settings.secure and host not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            "settings",
            "wrong",
            f"PARLOUR_BASE_URL is {settings.base_url}: passwords and private links travel unencrypted.",
            "Put a proxy with TLS in front and begin it with https://.",
        )
    else:
        yield Finding("settings", "ok", f"links begin with {settings.base_url}.")


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        for path in (folder, folder / "secret_key", *_database_files(settings)):
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                says = f"other users of this machine can read {path}."
                yield Finding("data folder", "wrong", says, f"chmod go= {path}")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        says = f"{error.filename or folder} cannot be looked at: {error.strerror}."
        yield Finding("data folder", "wrong", says, AS_THE_SERVER)
        return
    says = f"{folder}, {free / 1024**3:,.1f} GiB free."
    if free >= LITTLE_SPACE:
        yield Finding("data folder", "ok", says)
    else:
        state: State = "note" if free > LITTLE_SPACE / 10 else "wrong"
        yield Finding("data folder", state, says, "Make room: on a full disk nothing can be stored.")


def _database_files(settings: Settings) -> list[Path]:
    if settings.is_postgresql:
        return []
    return [Path(f"{settings.sqlite_path}{end}") for end in ("", "-wal", "-shm")]


# ------------------------------------------------------------------------------------------ the database


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    db = make_database(settings, exclusive=False)
    try:
        async with asyncio.timeout(PATIENCE):
            await db.open()
    except (DatabaseUnusable, TimeoutError) as error:
        yield Finding("database", "wrong", str(error) or f"no answer came in {PATIENCE:.0f} seconds.")
        return
    try:
        checks: list[Callable[[Database, Settings], Awaitable[list[Finding]]]] = [
            *(_schema, _clock, _jobs, _mailboxes, _mails, doctor_files.space)
        ]
        checks.insert(1, _durability_of_postgresql if settings.is_postgresql else _durability_of_sqlite)
        for check in checks:
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await check(db, settings)
            except (Unreachable, TimeoutError) as error:
                yield _away(error)
                return
            except Exception as error:
                why = str(getattr(error, "orig", error)).partition("\n")[0] or type(error).__name__
                found = [Finding("database", "wrong", f"it answers with an error: {why}.")]
            for one in found:
                yield one
    finally:
        await db.close()


def _away(error: Unreachable | TimeoutError) -> Finding:
    """Said once: nothing else can be asked of a database that is not there."""
    cause = getattr(error.__cause__, "orig", error.__cause__)
    said = str(cause or "").strip().partition("\n")[0]
    says = f"it does not answer: {said}." if said else f"no answer came in {PATIENCE:.0f} seconds."
    return Finding("database", "wrong", says, "Does PostgreSQL run, and is PARLOUR_DATABASE_URL right?")


async def _schema(db: Database, settings: Settings) -> list[Finding]:
    kind = "PostgreSQL" if settings.is_postgresql else f"SQLite, {settings.sqlite_path}"
    match await db.read(Actor.system(), standing):
        case Standing.CURRENT:
            if lost := await db.read(Actor.system(), lambda tx: lacking(tx.connection)):
                says = f"{kind}; it says that it has this version's schema, but {lost[0]} is not there."
                return [Finding("database", "wrong", says, "Restore a backup.")]
            return [Finding("database", "ok", f"{kind}, with this version's schema.")]
        case Standing.NEWER:
            says = f"{kind}; a newer version has migrated it, with which this one can work."
            return [Finding("database", "note", says, "Install that version here too.")]
        case Standing.TOO_NEW:
            says = f"{kind}; a newer version has migrated it, with which this one cannot work."
            return [Finding("database", "wrong", says, "Install that version here too.")]
    how = (
        "parlour migrate --owner-url URL"
        if settings.is_postgresql
        else "restart the server, which migrates it"
    )
    return [
        Finding("database", "wrong", f"{kind}; its schema is older than this version.", f"To mend: {how}.")
    ]


async def _durability_of_sqlite(db: Database, settings: Settings) -> list[Finding]:
    kind = inspection.file_system_of(settings.sqlite_path)
    if kind in inspection.NETWORK_FILE_SYSTEMS:
        says = f"the file lies on {kind}, where locks and syncs cannot be relied on."
        return [Finding("durability", "wrong", says, "Move the data folder to a disk of this machine.")]
    found = await db.scan(Actor.system(), inspection.damage, seconds=LOOKED_FOR_DAMAGE)
    if found:
        says = f"the file is damaged: {found}."
        return [Finding("durability", "wrong", says, "Stop the server and restore the newest backup.")]
    return [Finding("durability", "ok", f"every commit is synced; no damage found on {kind or 'the disk'}.")]


async def _durability_of_postgresql(db: Database, _: Settings) -> list[Finding]:
    found: list[Finding] = []
    for name, may_be_kept in (await db.read(Actor.system(), inspection.unsafe_settings)).items():
        says, remedy = f"{name} is off: ", f"ALTER SYSTEM SET {name} = on; then reload PostgreSQL."
        if may_be_kept:
            says += "words that were acknowledged are as safe as a standby or the storage keeps them."
            remedy = f"Where no provider sees to it (docs/postgresql.md): {remedy}"
        else:
            says += "words that were acknowledged can be lost."
        found.append(Finding("durability", "note" if may_be_kept else "wrong", says, remedy))
    rights = await db.read(Actor.system(), inspection.rights)
    if rights.superuser or rights.passes_policies or rights.owns_tables:
        says = "the servers' role passes row-level security, so the database does not keep tenants apart."
        remedy = "Use a role of its own: parlour migrate --owner-url URL makes it (docs/postgresql.md)."
        found.append(Finding("durability", "wrong", says, remedy))
    return found or [Finding("durability", "ok", "every commit is synced, and row-level security holds.")]


async def _clock(db: Database, settings: Settings) -> list[Finding]:
    remedy = "Let NTP set the clocks, for example with systemd-timesyncd or chrony."
    if settings.is_postgresql:
        skew = abs(await db.read(Actor.system(), inspection.server_time) - clock.now())
        if skew > SKEW:
            says = f"this machine and the database are {skew.total_seconds():,.0f} seconds apart."
            return [Finding("clock", "wrong", says, remedy)]
    newest = await db.read(Actor.system(), inspection.newest_time)
    if newest and newest - clock.now() > AHEAD:
        says = f"the newest thing stored is of {newest:%Y-%m-%d %H:%M} UTC, which is still to come."
        return [Finding("clock", "wrong", says, remedy)]
    return [Finding("clock", "ok", f"{clock.now():%Y-%m-%d %H:%M:%S} UTC.")]


async def _jobs(db: Database, _: Settings) -> list[Finding]:
    found: list[Finding] = []
    for each in await db.scan(Actor.system(), backlog.census):
        if each.dead:
            says = f"{each.dead:,} of {each.kind} were given up."
            found.append(Finding("jobs", "wrong", says, "See parlour jobs dead, then parlour jobs retry."))
        if each.oldest > LATE:
            says = f"{each.waiting:,} of {each.kind} wait, the oldest for {each.oldest / 60:,.0f} minutes."
            remedy = "See parlour jobs waiting. Is the server or a worker running?"
            found.append(Finding("jobs", "wrong", says, remedy))
    return found or [Finding("jobs", "ok", "none was given up, and none is late.")]


async def _mails(db: Database, _: Settings) -> list[Finding]:
    lately = await db.scan(Actor.system(), backlog.mailed_lately)
    refused, bounced = lately["refused"], lately["bounced"]
    if not (refused or bounced):
        return []
    says = f"in the last day {refused:,} mails about tickets were refused, and {bounced:,} came back."
    return [Finding("mails", "note", says, "The page Mail at the desk says which, and why.")]


async def _mailboxes(db: Database, _: Settings) -> list[Finding]:
    found: list[Finding] = []
    for _workspace, each in await db.scan(Actor.system(), fetching.silent):
        why = each.error or "No server or worker looks into it."
        says = f"nothing was fetched from {each.url} since {each.looked_at:%Y-%m-%d %H:%M} UTC. {why}"
        found.append(
            Finding("mailbox", "wrong", says, "See parlour mailbox list, then parlour mailbox test.")
        )
    return found


# ------------------------------------------------------------------------------------------ the outside


async def _mail(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        folder = settings.mail_folder
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            return Finding("mail", "wrong", f"{folder}, where mails become files, takes none.")
        says = f"PARLOUR_SMTP_URL is not set: mails become files in {folder} and reach nobody."
        return Finding("mail", "note", says)
    server = urlsplit(settings.smtp_url).hostname
    try:
        await SmtpMailer(settings.smtp_url, settings.mail_from).look_in()
    except Exception as error:
        return Finding(
            "mail", "wrong", f"{server} does not let us send: {str(error) or type(error).__name__}."
        )
    return Finding("mail", "ok", f"{server} lets us in; mails come from {settings.mail_from}.")


async def _bus(settings: Settings) -> Finding:
    from parlour.app import make_bus

    bus = make_bus(settings)
    if not settings.redis_url and not settings.is_postgresql:
        return Finding("bus", "ok", "one process needs none.")
    name = "Redis" if settings.redis_url else "PostgreSQL's LISTEN"
    await bus.start()
    try:
        if bus.connected:
            return Finding("bus", "ok", f"{name} carries news between the nodes.")
    finally:
        await bus.stop()
    says = f"{name} cannot be used: messages between nodes come by way of the database, a second or two late."
    return Finding("bus", "wrong", says, "Is PARLOUR_REDIS_URL right, or does a pooling proxy stand between?")
