"""The command line. Bad input gets one clear sentence and exit code 2, never a traceback."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from parlour import demo, logs
from parlour.app import create_app, make_bus, make_database, make_worker
from parlour.db import outbox
from parlour.db.database import Database, DatabaseUnusable, Tx
from parlour.db.migrate import SchemaTooNew, is_current
from parlour.db.sqlite import DataFolderInUse, SqliteDatabase
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import MIN_LENGTH, hash_password
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.events import JobQueued
from parlour.server import Workers, make_server
from parlour.settings import BadSetting, Settings, postgresql_url
from parlour.web.assets import Assets
from parlour.web.render import Renderer

app = typer.Typer(
    name="parlour",
    help="A self-hosted support desk with a live chat room for every ticket.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
workspace_app = typer.Typer(
    help="Workspaces: a team, a product, a company.", no_args_is_help=True, rich_markup_mode=None
)
agent_app = typer.Typer(help="The people who answer tickets.", no_args_is_help=True, rich_markup_mode=None)
jobs_app = typer.Typer(
    help="Background jobs that were given up, such as a refused mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(workspace_app, name="workspace")
app.add_typer(agent_app, name="agent")
app.add_typer(jobs_app, name="jobs")

err = Console(stderr=True, highlight=False, soft_wrap=True)
T = TypeVar("T")
REAL_THINGS = ("PARLOUR_DATABASE_URL", "PARLOUR_REDIS_URL", "PARLOUR_SMTP_URL")
"""What the demo keeps away from, whatever the environment says: its people are made up."""
UNREAD_MILLISECONDS = 30_000

PROBLEMS = {
    "slug": "A slug is 1 to 48 small letters, digits and hyphens, with no hyphen at either end.",
    "name": "The name needs 1 to 80 characters.",
    "email": "That is not an email address.",
}
PASSWORDS = {
    "short": f"The password needs at least {MIN_LENGTH} characters.",
    "long": "The password is too long.",
    "common": "This password is among the first that get tried: choose another.",
    "email": "The password must not be the email address.",
}


class Refused(Exception):
    """One sentence for the person at the keyboard."""


def settings_now(*, leaving_out: Collection[str] = (), **defaults: str) -> Settings:
    said = {name: value for name, value in os.environ.items() if name not in leaving_out}
    settings = Settings.from_environment({**defaults, **said})
    logs.configure(settings.log_format)
    return settings


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Web processes; SQLite takes one.")] = 1,
) -> None:
    """Serve. On SQLite the database is brought to the newest schema first."""
    with _bound(host, port) as listener:
        settings = settings_now(PARLOUR_BASE_URL=_base_url(host, listener))
        if workers > 1 and not settings.is_postgresql:
            raise Refused("SQLite is written by one process: use --workers 1.")
        _listen(settings, listener, lambda db: db.prepare(), workers)


def _base_url(host: str, listener: socket.socket) -> str:
    """What links start with when nobody has said so: right for trying things out on this machine."""
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _listen(
    settings: Settings,
    listener: socket.socket,
    prepare: Callable[[Database], Awaitable[None]],
    workers: int = 1,
) -> None:
    asyncio.run(_prepared(make_database(settings), prepare))
    make_bus(settings)  # a URL that cannot be used is refused here, once, and not by every process
    host, port = listener.getsockname()[:2]

    def serve_here() -> bool:
        server = make_server(create_app(settings), settings, host, port)
        server.run(sockets=[listener])
        return server.started

    if not (serve_here() if workers == 1 else Workers(workers, serve_here).run()):
        raise Refused("Parlour could not start; the lines above say why.")


async def _prepared(db: Database, prepare: Callable[[Database], Awaitable[None]]) -> None:
    await db.open()
    try:
        await prepare(db)
    finally:
        await db.close()


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # a peer that takes nothing for so long is gone
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)
        return listener
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise Refused(f"Cannot listen on {host} port {port}: {why}.") from None


@app.command("demo")
def run_demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
) -> None:
    """Serve a workspace full of believable tickets, to look around in."""
    host = "127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="parlour-demo-") as folder, _bound(host, port) as listener:
        base_url = _base_url(host, listener)
        settings = settings_now(PARLOUR_DATA_DIR=folder, PARLOUR_BASE_URL=base_url, leaving_out=REAL_THINGS)

        async def prepare(db: Database) -> None:
            await db.prepare()
            await demo.fill(db)
            _welcome(settings, kept=str(settings.data_dir) != folder)

        _listen(settings, listener, prepare)


def _welcome(settings: Settings, *, kept: bool) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print()
    out.print("  [bold]Parlour[/] is showing its demo workspace.")
    out.print()
    out.print(f"  As a customer   {settings.base_url}/support/{demo.SLUG}")
    out.print(f"  As an agent     {settings.base_url}/auth/login")
    out.print(f"                  {demo.EMAIL} / {demo.PASSWORD}")
    out.print(f"  Mails           {settings.mail_folder}")
    out.print()
    after = "are kept" if kept else "are gone"
    out.print(f"  Ctrl C stops it; afterwards the data {after}.", style="dim")
    out.print()


@app.command()
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
        _migrate_as_owner(settings, owner_url)
    else:
        asyncio.run(_prepared(make_database(settings), lambda db: db.migrate()))
    typer.echo("The database has the newest schema.")


def _migrate_as_owner(settings: Settings, owner_url: str) -> None:
    if not settings.is_postgresql:
        raise Refused("--owner-url is for PostgreSQL, and PARLOUR_DATABASE_URL names no such database.")
    from parlour.db.postgres import migrate_with

    migrate_with(postgresql_url("--owner-url", owner_url), for_role=settings.database_url)


@app.command()
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


@app.command()
def worker() -> None:
    """Run background jobs apart from the web processes."""
    settings = settings_now()
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    db = make_database(settings)
    await db.open()
    try:
        await db.prepare()
        jobs = make_worker(settings, db, Renderer(Assets().url))
        bus = make_bus(settings)
        db.on_commit(bus.publish)
        bus.subscribe(lambda event: jobs.wake() if isinstance(event, JobQueued) else None)
        await bus.start()
        stopped = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        running = asyncio.create_task(jobs.run())
        await stopped.wait()
        await jobs.stop()
        await running
        await bus.stop()
    finally:
        await db.close()


def _once(run: Callable[[Database], Awaitable[T]]) -> T:
    """A short command. It may run beside a server, whose database it leaves as it is."""

    async def work() -> T:
        db = await _alone_or_beside(settings_now())
        try:
            return await run(db)
        finally:
            await db.close()

    return asyncio.run(work())


async def _alone_or_beside(settings: Settings) -> Database:
    """The database, opened: alone it is migrated first; beside a server it must have the right schema."""
    db = make_database(settings)
    try:
        await db.open()
        await db.prepare()
        return db
    except DataFolderInUse:
        db = make_database(settings, exclusive=False)
        await db.open()
        if await db.read(Actor.system(), is_current):
            return db
        await db.close()
        raise Refused(
            "The server that is running has another version; restart it with this one first."
        ) from None


@workspace_app.command("create")
def create_workspace(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="What its portal's address ends in: /support/SLUG.")
    ],
    name: Annotated[str, typer.Option(help="What people call it.")],
) -> None:
    """Make a workspace. The last line printed is its id."""
    made = _once(lambda db: db.write(Actor.system(), workspaces.create_workspace, slug, name))
    typer.echo(f"{made.name} has its portal at /support/{made.slug}.")
    typer.echo(str(made.workspace_id))


@agent_app.command("create")
def create_agent(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address to sign in with.")],
    workspace: Annotated[str, typer.Option(help="The slug of the workspace to join.")],
    role: Annotated[Role, typer.Option(help="What the agent may do there.")],
    name: Annotated[str, typer.Option(help="What customers see; the address's first part if left out.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
) -> None:
    """Make an account for an agent and let it into a workspace."""
    if not password_stdin:
        raise Refused("Give the password on standard input, with --password-stdin.")
    password = sys.stdin.readline().rstrip("\r\n")
    hashed = hash_password(password)
    known = _once(lambda db: db.write(Actor.system(), _join, workspace, email, name, password, hashed, role))
    if known:
        typer.echo(f"{email} had an account already; its password stays as it was.")
    typer.echo(f"{email} may now work at {workspace} as {role.value}.")


@requires(Permission.SYSTEM)
def _join(tx: Tx, slug: str, email: str, name: str, password: str, password_hash: str, role: Role) -> bool:
    """True when the account was there before."""
    workspace = workspaces.workspace_at(tx, slug)
    known = accounts.credentials(tx, email.strip().lower()) is not None
    user_id = accounts.create_agent(tx, email, name, password, password_hash)
    workspaces.add_member(tx.acting_as(Actor.system(workspace.workspace_id)), user_id, role)
    return known


@jobs_app.command("dead")
def dead_jobs() -> None:
    """List the jobs that were given up, with what stopped them."""
    found = _once(lambda db: db.scan(Actor.system(), outbox.dead_jobs, limit=100))
    for job in found:
        typer.echo(f"{job.job_id}  {job.dead_at:%Y-%m-%d %H:%M}  {job.kind}  {job.error}")
    typer.echo(f"{len(found)} given up." if found else "No job was given up.", err=True)


@jobs_app.command("retry")
def retry_job(
    job_id: Annotated[UUID, typer.Argument(metavar="JOB", help="As `parlour jobs dead` prints it.")],
) -> None:
    """Let a job that was given up run again, with all its attempts."""
    _once(lambda db: db.write(Actor.system(), outbox.revive, job_id))
    typer.echo("It runs with the next round of the server or the worker.")


def _sentence(error: Exception) -> str:
    if isinstance(error, Invalid):
        told = {**PROBLEMS, "password": PASSWORDS.get(error.problems.get("password", ""), "")}
        return " ".join(told.get(field, field) for field in error.problems)
    return error.message if isinstance(error, DomainError) else str(error)


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (Refused, BadSetting, SchemaTooNew, DatabaseUnusable, DataFolderInUse, DomainError) as error:
        err.print(_sentence(error), markup=False)
        raise SystemExit(2) from None
