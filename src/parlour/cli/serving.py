"""`parlour serve`, `demo` and `worker`: what runs until it is told to stop."""

import asyncio
import socket
import tempfile

import click

from parlour.cli.base import settings_now
from parlour.cli.refused import Refused
from parlour.db.database import Database
from parlour.kernel import garbage
from parlour.settings import Settings

REAL_THINGS = ("PARLOUR_DATABASE_URL", "PARLOUR_REDIS_URL", "PARLOUR_SMTP_URL")
"""What the demo keeps away from, whatever the environment says: its people are made up."""
UNREAD_MILLISECONDS = 30_000


PORTS = click.IntRange(0, 65535)

at_port = click.option(
    "--port", type=PORTS, default=8000, show_default=True, metavar="PORT", help="The port to listen on."
)


@click.command
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="HOST", help="The address to listen on."
)
@at_port
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Web processes; SQLite takes one.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve the portals and the desk, live rooms, and background jobs such as mail.

    Speaks plain HTTP: put a proxy with TLS in front and set PARLOUR_BASE_URL to the public address. On SQLite
    the database is made, and brought to the newest schema, first; on PostgreSQL `parlour migrate` does that.
    SIGTERM ends it in order within ten seconds. All settings come from the environment (PARLOUR_…);
    `parlour doctor` prints them and says what is wrong.
    """
    with _bound(host, port) as listener:
        settings = settings_now(PARLOUR_BASE_URL=_base_url(host, listener))
        if workers > 1 and not settings.is_postgresql:
            raise Refused("SQLite is written by one process: use --workers 1.")
        with garbage.importing():
            from parlour.cli import running
        running.serve(settings, listener, workers)


def _base_url(host: str, listener: socket.socket) -> str:
    """What links start with when nobody has said so: right for trying things out on this machine."""
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


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


@click.command
@at_port
def demo(port: int) -> None:
    """Serve a workspace full of believable tickets, to look around in."""
    with garbage.importing():
        from parlour.cli import running
        from parlour.demo import fill

    host = "127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="parlour-demo-") as folder, _bound(host, port) as listener:
        base_url = _base_url(host, listener)
        settings = settings_now(PARLOUR_DATA_DIR=folder, PARLOUR_BASE_URL=base_url, leaving_out=REAL_THINGS)

        async def prepare(db: Database) -> None:
            await db.prepare()
            await fill(db)
            _welcome(settings, kept=str(settings.data_dir) != folder)

        running.listen(settings, listener, prepare)


def _welcome(settings: Settings, *, kept: bool) -> None:
    from parlour.demo import COLLEAGUE, EMAIL, PASSWORD, SLUG

    after = "are kept" if kept else "are gone"
    click.echo(f"""
  {click.style("Parlour", bold=True)} is showing its demo workspace.

  As a customer   {settings.base_url}/support/{SLUG}
  As an agent     {settings.base_url}/auth/login
                  {EMAIL} / {PASSWORD}
  As a colleague  {COLLEAGUE} / {PASSWORD}, in a private window
  Mails           {settings.mail_folder}

  {click.style(f"Ctrl C stops it; afterwards the data {after}.", dim=True)}
""")


@click.command
@click.option(
    "--metrics-port",
    type=PORTS,
    default=0,
    show_default=True,
    metavar="PORT",
    help="Answer /metrics on this port of 127.0.0.1; 0 for none.",
)
def worker(metrics_port: int) -> None:
    """Run background jobs apart from the web processes."""
    with garbage.importing():
        from parlour.cli import running
    settings = settings_now()
    if not metrics_port:
        asyncio.run(running.work(settings, None))
        return
    with _bound("127.0.0.1", metrics_port) as listener:
        asyncio.run(running.work(settings, listener))
