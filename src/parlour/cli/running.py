"""What `parlour serve`, `demo` and `worker` do once their options are understood.

Apart from the commands, because it needs the whole application: the others start in half the time without it.
"""

import asyncio
import signal
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from parlour.app import create_app, make_bus, make_fetcher, make_intake, make_post, make_worker
from parlour.cli.base import prepared
from parlour.cli.refused import Refused
from parlour.db.database import Database
from parlour.db.factory import make_database
from parlour.mail.post import Post
from parlour.mail.send import FolderMailer
from parlour.server import make_server
from parlour.server.small import answering, worker_app
from parlour.server.waiting import when_there
from parlour.server.workers import Workers
from parlour.settings import Settings
from parlour.web.assets import Assets
from parlour.web.metrics import Metrics
from parlour.web.render import Renderer


def serve(settings: Settings, listener: socket.socket, workers: int) -> None:
    listen(settings, listener, lambda db: when_there(db.prepare, listener), workers)


def listen(
    settings: Settings,
    listener: socket.socket,
    prepare: Callable[[Database], Awaitable[None]],
    workers: int = 1,
) -> None:
    """Prepare the database, then serve until somebody ends it. Raises Refused when that cannot begin."""
    asyncio.run(prepared(make_database(settings), prepare))
    make_bus(settings)  # a URL that cannot be used is refused here, once, and not by every process
    host, port = listener.getsockname()[:2]

    def serve_here(shared: Path | None = None) -> bool:
        server = make_server(create_app(settings, shared=shared), settings, host, port)
        server.run(sockets=[listener])
        return server.started

    def serve_together() -> bool:
        with tempfile.TemporaryDirectory(prefix="parlour-numbers-") as shared:
            return Workers(workers, lambda: serve_here(Path(shared)), listener).run()

    if not (serve_here() if workers == 1 else serve_together()):
        raise Refused("Parlour could not start; the lines above say why.")


def kinds_of_jobs(settings: Settings) -> list[str]:
    """What a server's worker does, by name."""
    db = make_database(settings)
    mailer = FolderMailer(settings.mail_folder, settings.mail_from)  # which sends nothing here
    post = Post(db, Renderer(Assets().url), mailer, settings)
    return sorted(make_worker(settings, db, post, make_intake(settings)).kinds)


async def work(settings: Settings, listener: socket.socket | None) -> None:
    """Do the jobs until somebody ends it; `listener` answers /metrics."""
    db = make_database(settings)
    await db.open()
    try:
        await when_there(db.prepare, listener)
        post, own_servers = make_post(settings, db, Renderer(Assets().url))
        intake = make_intake(settings)
        jobs = make_worker(settings, db, post, intake)
        fetcher = make_fetcher(settings, db, intake, own_servers.reach)
        bus = make_bus(settings)
        db.on_commit(bus.publish)
        bus.subscribe(jobs.hear)
        await bus.start()
        stopped = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        running = asyncio.create_task(jobs.run())
        fetching = asyncio.create_task(fetcher.run())
        metrics = Metrics(db)
        metrics.watch("parlour_bus_connected", "1 while news come at once", lambda: int(bus.connected))
        async with answering(listener, worker_app(metrics)):
            await stopped.wait()
        fetcher.stop()
        await fetching
        await jobs.stop()
        await running
        await post.close()
        await bus.stop()
    finally:
        await db.close()
