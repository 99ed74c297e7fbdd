"""The one composition root: settings → database, bus, features → ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from parlour.db import idempotency, search, windows
from parlour.db.database import Database, Standing
from parlour.db.factory import make_database
from parlour.db.migrate import standing
from parlour.features.accounts import service as accounts
from parlour.features.accounts.events import service as events
from parlour.features.accounts.mails import AccountMails
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.api import routes as api
from parlour.features.api.followers import Followers
from parlour.features.api.happened import told_of
from parlour.features.api.v2 import routes as zendesk
from parlour.features.api.v2.errors import failed
from parlour.features.chat.scans import ScanJobs
from parlour.features.conversation.sockets import SocketAccess
from parlour.features.conversation.uploads import Arriving
from parlour.features.desk import agent
from parlour.features.desk.routes import routes as desk_routes
from parlour.features.events import service as happenings
from parlour.features.files import service as files
from parlour.features.files.jobs import FileJobs
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.fetcher import Fetcher
from parlour.features.mailroom.fetching.opening import Opener
from parlour.features.mailroom.fetching.telling import MailboxMails
from parlour.features.mailroom.jobs import MailroomJobs
from parlour.features.mailroom.leaving.service import OwnServers
from parlour.features.mailroom.listening import SmtpDoor
from parlour.features.mailroom.signing.service import DomainKeys
from parlour.features.portal import visitor
from parlour.features.portal.routes import routes as portal_routes
from parlour.features.tickets.access import service as access
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.bulk.job import BulkJobs
from parlour.features.tickets.enclosures import Encloser
from parlour.features.tickets.handover import HandoverJobs
from parlour.features.tickets.mails import TicketMails
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.mailing.service import NotificationMails
from parlour.features.tickets.notifications.service import NotificationJobs
from parlour.features.tickets.retention import service as retention
from parlour.features.tickets.retention.service import RetentionJobs
from parlour.features.tickets.snooze.service import SnoozeJobs
from parlour.features.tickets.tags.service import TagJobs
from parlour.features.webhooks import delivering
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.jobs import WebhookJobs
from parlour.features.webhooks.posting import Sender
from parlour.files.intake import Intake
from parlour.files.scan import Scanner
from parlour.files.store import FileStore
from parlour.kernel.errors import DomainError, StandbyAway, StorageFull
from parlour.mail.post import Post
from parlour.mail.send import mailer_for
from parlour.outbound.addresses import Reach
from parlour.realtime.bus import Bus, MemoryBus
from parlour.realtime.protocol import Timings
from parlour.realtime.socket import Realtime
from parlour.settings import BadSetting, Settings
from parlour.web.assets import Assets
from parlour.web.body_limit import BodyLimit
from parlour.web.errors import Errors
from parlour.web.forms import FILES_LIMIT
from parlour.web.headers import SecurityHeaders
from parlour.web.hosts import KnownHosts
from parlour.web.limits import Limits
from parlour.web.metrics import Metrics
from parlour.web.observe import Observe
from parlour.web.problems import problem
from parlour.web.render import Renderer
from parlour.web.site import Site, db
from parlour.web.ways import Ways
from parlour.worker import Chore, Worker

SOCKET = "/realtime"
PROGRAMS = {f"{api.HOME}/": problem, f"{zendesk.HOME}/": failed, "/api/": problem}
"""What tells a program of an error, by what the address begins with: the first that fits."""
READY_SECONDS = 1.5
"""Whoever asks whether a node is ready waits for seconds at most, and so does every other node's turn."""


def make_bus(settings: Settings) -> Bus:
    """Redis when there is one, else PostgreSQL, else this process alone. Raises BadSetting.

    Imported here, because a house of one process needs neither library in its memory.
    """
    if settings.redis_url:
        from parlour.realtime.redis import RedisBus

        try:
            return RedisBus(settings.redis_url)
        except ValueError:
            raise BadSetting("PARLOUR_REDIS_URL", "is no URL of Redis", "redis://localhost:6379/0") from None
    if settings.is_postgresql:
        from parlour.realtime.postgres import PostgresBus

        return PostgresBus(settings.database_url)
    return MemoryBus()


def make_limits(settings: Settings, database: Database) -> Limits:
    """Counted in Redis when there is one, else in PostgreSQL, else by this process alone."""
    if settings.redis_url:
        from parlour.web.redis_windows import RedisWindows

        return Limits(RedisWindows(settings.redis_url))
    if settings.is_postgresql:
        from parlour.db.postgres import PostgresDatabase
        from parlour.web.postgres_windows import PostgresWindows

        assert isinstance(database, PostgresDatabase)
        return Limits(PostgresWindows(database))
    return Limits()


def make_sender(settings: Settings) -> Sender:
    return Sender(Reach(settings.webhooks_private))


def make_worker(settings: Settings, database: Database, post: Post, intake: Intake) -> Worker:
    encloser = Encloser(database, intake.store, settings.mail_files_limit)
    ticket_mails = TicketMails(database, post, encloser)
    handlers = {
        **ticket_mails.handlers,
        **AccountMails(database, post).handlers,
        **BulkJobs(database).handlers,
        **FileJobs(database, intake).handlers,
        **ScanJobs(database, intake, settings.data_dir).handlers,
        **HandoverJobs(database).handlers,
        **MailboxMails(database, post).handlers,
        **MailroomJobs(database, intake, settings).handlers,
        **NotificationJobs(database).handlers,
        **NotificationMails(database, post).handlers,
        **RetentionJobs(database).handlers,
        **SnoozeJobs(database).handlers,
        **TagJobs(database).handlers,
    }
    keys = second_factor.keyring(settings.secret_keys)
    hook_keys = webhooks.keyring(settings.secret_keys)
    told = told_of(settings.base_url)
    handlers |= WebhookJobs(database, make_sender(settings), told, hook_keys, post).handlers
    chores: list[Chore] = [
        accounts.sweep_sessions,
        events.sweep,
        access.sweep,
        files.sweep,
        bulk.sweep,
        notifications.sweep,
        idempotency.sweep,
        retention.wake,
        happenings.sweep,
        webhooks.sweep,
        second_factor.resealing(keys),
        delivering.resealing(hook_keys),
        search.take_in,
    ]
    if settings.is_postgresql:
        chores.append(windows.sweep)
    return Worker(database, handlers, followers=ticket_mails.followers, chores=chores)


def make_intake(settings: Settings) -> Intake:
    """Raises BadSetting."""
    try:
        store = FileStore.at(settings.files_url)
    except ValueError as error:
        raise BadSetting("PARLOUR_FILES_URL", f"cannot be used: {error}", "s3://bucket/prefix") from error
    return Intake(store, Scanner(settings.clamd), settings.file_limit, settings.files_quota)


def make_post(settings: Settings, database: Database, renderer: Renderer) -> tuple[Post, OwnServers]:
    """What mails leave by: the house's own road, and the servers of the mailboxes that have one."""
    signing = DomainKeys(database, settings.secret_keys)
    reach = Reach(settings.mailboxes_private)
    opener = Opener(database, fetching.keyring(settings.secret_keys), reach, settings.oauth)
    own_servers = OwnServers(database, settings.secret_keys, reach, opener, signing)
    return Post(database, renderer, mailer_for(settings, signing), settings, own_servers), own_servers


def make_fetcher(settings: Settings, database: Database, intake: Intake, reach: Reach) -> Fetcher:
    return Fetcher(database, intake.store, settings.secret_keys, reach, clients=settings.oauth)


class Parlour:
    """Everything that runs in one process, and the order in which it starts and stops."""

    def __init__(
        self, settings: Settings, timings: Timings | None = None, shared: Path | None = None
    ) -> None:
        """`shared` is where those that serve the same address leave their numbers for each other."""
        self.settings = settings
        self.leaving = False
        self.db = make_database(settings)
        assets = Assets()
        renderer = Renderer(assets.url, file_limit=settings.file_limit, files_most=FILES_LIMIT)
        self.site = Site(settings, self.db, assets, renderer, make_limits(settings, self.db), {})
        self.bus = make_bus(settings)
        self.realtime = Realtime(
            SocketAccess(self.db), self.bus, base_origin=settings.origin, timings=timings
        )
        self.files = make_intake(settings)
        self.smtp = (
            SmtpDoor(Arrivals(self.db, self.files.store), settings.smtp_listen, settings.mail_host)
            if settings.smtp_listen
            else None
        )
        self.post, self.own_servers = make_post(settings, self.db, renderer)
        post = self.post
        self.worker = make_worker(settings, self.db, post, self.files)
        self.fetcher = make_fetcher(settings, self.db, self.files, self.own_servers.reach)
        self.db.on_commit(self.bus.publish)
        self.followers = Followers()
        self.bus.subscribe(self.followers.hear)
        self.bus.subscribe(self.worker.hear)
        self.metrics = Metrics(self.db, shared)
        self.metrics.watch(
            "parlour_bus_connected", "1 while news come at once", lambda: int(self.bus.connected)
        )
        self.metrics.watch("parlour_sockets", "Open WebSockets", lambda: self.realtime.connections)
        self.metrics.watch(
            "parlour_mail_refusing", "1 while the mail server refuses us", lambda: int(post.refusing)
        )
        self.metrics.watch("parlour_room_listeners", "Subscriptions", lambda: self.realtime.listeners)
        self.metrics.watch(
            "parlour_api_waiting", "Programs that wait for news", lambda: self.followers.waiting
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.db.open()
        await self.bus.start()
        await self.realtime.start()
        if self.smtp:
            await self.smtp.start()
        working = asyncio.create_task(self.worker.run(), name="worker")
        fetching = asyncio.create_task(self.fetcher.run(), name="fetcher")
        sharing = asyncio.create_task(self.metrics.share(), name="metrics")
        try:
            yield
        finally:
            if self.smtp:
                await self.smtp.stop()
            sharing.cancel()
            self.fetcher.stop()
            await fetching
            await self.worker.stop()
            await working
            await self.post.close()
            await self.realtime.stop()
            await self.bus.stop()
            await self.site.limits.close()
            await self.db.close()


class Application:
    """The ASGI application. What stands around the pages also covers their failures."""

    def __init__(self, parlour: Parlour, pages: Starlette) -> None:
        self.parlour = parlour
        self.pages = pages
        self._hosts = KnownHosts(pages, base_url=parlour.settings.base_url, programs=PROGRAMS)
        headed = SecurityHeaders(self._hosts, secure=parlour.settings.secure)
        self._outermost = Observe(headed, metrics=parlour.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == SOCKET and self._hosts.know(scope):
            scope["app"] = self.pages
            await self.parlour.realtime(scope, receive, send)  # past the router: 5 kB less for each socket
            return
        await self._outermost(scope, receive, send)


LEAVING = "this process is about to end\n"


async def alive(request: Request) -> Response:
    """A process that is about to end says so, in time for a proxy that asks to send nobody here any more."""
    if request.app.state.parlour.leaving:
        return PlainTextResponse(LEAVING, 503)
    return PlainTextResponse("ok\n")


STANDBY_AWAY = "a commit waits for a standby that does not answer: nothing can be stored\n"
NOT_READY = {
    Standing.OLDER: "the database needs `parlour migrate`\n",
    Standing.TOO_NEW: "a newer Parlour has migrated the database, and this one is too old for it: upgrade\n",
}


async def ready(request: Request) -> Response:
    """Whether this process can do its work: the database takes a write and has the schema that it needs.

    It can on the schema of the next release, while that is rolled out, and without its bus: messages then
    come by way of the database.
    """
    if request.app.state.parlour.leaving:
        return PlainTextResponse(LEAVING, 503)
    try:
        async with asyncio.timeout(READY_SECONDS):
            found = await db(request).probe(standing)
    except StorageFull:
        return PlainTextResponse("the disk is full: nothing can be stored\n", 503)
    except StandbyAway:
        return PlainTextResponse(STANDBY_AWAY, 503)
    except Exception:
        return PlainTextResponse("the database does not answer, or takes no writes\n", 503)
    if found in NOT_READY:
        return PlainTextResponse(NOT_READY[found], 503)
    if found is Standing.NEWER:
        return PlainTextResponse("ok, but a newer Parlour has migrated the database: upgrade this one too\n")
    if not request.app.state.parlour.bus.connected:
        return PlainTextResponse("ok, but the bus is away: messages take a second or two\n")
    return PlainTextResponse("ok\n")


def create_app(settings: Settings, timings: Timings | None = None, shared: Path | None = None) -> Application:
    parlour = Parlour(settings, timings, shared)
    errors = Errors({"/support/": visitor.boundary, "/workspace/": agent.boundary}, PROGRAMS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parlour.running():
            yield

    pages = Starlette(
        routes=[
            api.mounted(),
            zendesk.mounted(),
            *portal_routes,
            *desk_routes,
            WebSocketRoute(SOCKET, parlour.realtime.endpoint),
            Route("/static/{digest}/{name}", parlour.site.assets.serve),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", parlour.metrics.serve),
            Route("/metrics/", parlour.metrics.serve),
        ],
        exception_handlers={
            DomainError: errors.domain,
            HTTPException: errors.http,
            ClientDisconnect: errors.gone,
            Exception: errors.unforeseen,
        },
        middleware=[Middleware(BodyLimit)],
    )
    pages.router = Ways(pages.routes, lifespan=lifespan)
    pages.state.site = parlour.site
    pages.state.parlour = parlour
    pages.state.post = parlour.post
    pages.state.files = parlour.files
    pages.state.followers = parlour.followers
    pages.state.sender = make_sender(settings)
    pages.state.own_servers = parlour.own_servers
    pages.state.arriving = Arriving()
    return Application(parlour, pages)
