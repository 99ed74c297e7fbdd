"""The one composition root: settings → database, bus, features → ASGI application."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from parlour.db.database import Database
from parlour.db.migrate import is_current
from parlour.db.sqlite import SqliteDatabase
from parlour.features.accounts import service as accounts
from parlour.features.accounts.mails import Mails as AccountMails
from parlour.features.conversation.sockets import SocketAccess
from parlour.features.desk import agent
from parlour.features.desk.routes import routes as desk_routes
from parlour.features.portal import visitor
from parlour.features.portal.routes import routes as portal_routes
from parlour.features.tickets import access
from parlour.features.tickets.bulk_job import BulkJobs
from parlour.features.tickets.mails import Mails
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError
from parlour.kernel.events import JobQueued
from parlour.mail.send import mailer_for
from parlour.realtime.bus import MemoryBus
from parlour.realtime.protocol import Timings
from parlour.realtime.socket import Realtime
from parlour.settings import Settings
from parlour.web.assets import Assets
from parlour.web.errors import Errors
from parlour.web.headers import SecurityHeaders
from parlour.web.limits import Limits
from parlour.web.observe import Metrics, Observe
from parlour.web.render import Renderer
from parlour.web.site import Site, db
from parlour.worker import Worker

SOCKET = "/realtime"
BODY_LIMIT = 512 * 1024
"""Bytes. The longest description, every character of it percent-encoded, is half of this."""


def make_database(settings: Settings, *, exclusive: bool = True) -> Database:
    return SqliteDatabase(settings.sqlite_path, exclusive=exclusive)


def make_worker(settings: Settings, database: Database, renderer: Renderer) -> Worker:
    mailer = mailer_for(settings)
    mails = Mails(database, renderer, mailer, settings).handlers
    account_mails = AccountMails(database, renderer, mailer, settings).handlers
    handlers = {**mails, **account_mails, **BulkJobs(database).handlers}
    return Worker(database, handlers, chores=[accounts.sweep_sessions, access.sweep])


class Parlour:
    """Everything that runs in one process, and the order in which it starts and stops."""

    def __init__(self, settings: Settings, timings: Timings | None = None) -> None:
        self.settings = settings
        self.db = make_database(settings)
        assets = Assets()
        renderer = Renderer(assets.url)
        self.site = Site(settings, self.db, assets, renderer, Limits())
        self.bus = MemoryBus()
        self.realtime = Realtime(
            SocketAccess(self.db), self.bus, base_origin=settings.origin, timings=timings
        )
        self.worker = make_worker(settings, self.db, renderer)
        self.db.on_commit(self.bus.publish)
        self.bus.subscribe(lambda event: self.worker.wake() if isinstance(event, JobQueued) else None)
        self.metrics = Metrics()
        self.metrics.watch("parlour_sockets", "Open WebSockets", lambda: self.realtime.connections)
        self.metrics.watch("parlour_room_listeners", "Subscriptions", lambda: self.realtime.listeners)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.db.open()
        await self.bus.start()
        await self.realtime.start()
        working = asyncio.create_task(self.worker.run(), name="worker")
        gc.collect()
        gc.freeze()  # what lives as long as the process is never looked at again
        try:
            yield
        finally:
            await self.worker.stop()
            await working
            await self.realtime.stop()
            await self.bus.stop()
            await self.db.close()


class Application:
    """The ASGI application. What stands around the pages also covers their failures."""

    def __init__(self, parlour: Parlour, pages: Starlette) -> None:
        self.parlour = parlour
        self.pages = pages
        headed = SecurityHeaders(pages, secure=parlour.settings.secure)
        self._outermost = Observe(headed, metrics=parlour.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == SOCKET:
            scope["app"] = self.pages
            await self.parlour.realtime(scope, receive, send)  # past the router: 5 kB less for each socket
            return
        await self._outermost(scope, receive, send)


async def alive(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether this process can do its work: the database answers and has the schema that it needs."""
    try:
        current = await db(request).read(Actor.system(), is_current)
    except Exception:
        return PlainTextResponse("the database does not answer\n", 503)
    if not current:
        return PlainTextResponse("the database needs `parlour migrate`\n", 503)
    return PlainTextResponse("ok\n")


def create_app(settings: Settings, timings: Timings | None = None) -> Application:
    parlour = Parlour(settings, timings)
    errors = Errors({"/support/": visitor.boundary, "/workspace/": agent.boundary})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parlour.running():
            yield

    pages = Starlette(
        routes=[
            *desk_routes,
            *portal_routes,
            WebSocketRoute(SOCKET, parlour.realtime.endpoint),
            Route("/static/{digest}/{name}", parlour.site.assets.serve),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", parlour.metrics.serve),
        ],
        exception_handlers={
            DomainError: errors.domain,
            HTTPException: errors.http,
            Exception: errors.unforeseen,
        },
        lifespan=lifespan,
        max_body_size=BODY_LIMIT,
    )
    pages.state.site = parlour.site
    return Application(parlour, pages)
