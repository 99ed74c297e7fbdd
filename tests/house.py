"""A whole Parlour for a test: a real database, the real application, browsers that keep their cookies."""

import atexit
import math
import re
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from argon2 import PasswordHasher

from bench.fill import fill, fill_postgresql
from parlour.app import Application, create_app
from parlour.db.database import Database, P, R, Tx, Unit
from parlour.db.factory import make_database
from parlour.db.sqlite import SqliteDatabase
from parlour.features.accounts import service as accounts
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor, Role
from parlour.realtime.protocol import Timings
from parlour.settings import Settings
from tests import postgres_server

ORIGIN = "http://parlour.test"
PASSWORD = "correct horse battery"
PASSWORD_HASH = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1).hash(PASSWORD)
"""Says itself how little work checking it is: guessing at Ada's account costs the tests nothing."""


def settings_for(folder: Path, **more: str) -> Settings:
    """On the database that this run is about: a file in the folder, or one of PostgreSQL's for the folder."""
    environment = {
        "PARLOUR_DATA_DIR": str(folder),
        "PARLOUR_BASE_URL": ORIGIN,
        "PARLOUR_SECRET_KEY": "k" * 40,
    }
    if postgres_server.ON_POSTGRESQL:
        server = postgres_server.server()
        environment["PARLOUR_DATABASE_URL"] = server.url(server.of_folder(folder))
    return Settings.from_environment(environment | more)


@cache
def _models() -> Path:
    """Where this process keeps what is copied for every test."""
    folder = Path(tempfile.mkdtemp(prefix="parlour-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


async def _prepare(settings: Settings, db: Database) -> None:
    """The newest schema with nothing in it; on SQLite a copy of a file."""
    if not settings.is_postgresql and not settings.sqlite_path.exists():
        blank = _models() / "blank.db"
        if not blank.exists():
            await SqliteDatabase(blank).migrate()
        _copy_file(blank, settings.sqlite_path)
    await db.prepare()


def _copy_file(model: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, path)
    path.chmod(0o600)


@asynccontextmanager
async def open_database(folder: Path) -> AsyncIterator[Database]:
    """The folder's database alone, ready and open."""
    settings = settings_for(folder)
    db = make_database(settings)
    await _prepare(settings, db)
    await db.open()
    try:
        yield db
    finally:
        await db.close()
        if settings.is_postgresql:
            postgres_server.left(settings.database_url)


def comparable(page: str, *typed: str) -> str:
    """The page without what differs at every request, and without what was typed."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "(token)", page)
    text = re.sub(r'data-now="[^"]+"', 'data-now="(moment)"', text)
    for one in typed:
        text = text.replace(one, "(typed)")
    return text


def behind_its_back(settings: Settings, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run SQL as nobody of ours would: past the application, with every right. `?` stands for a value."""
    if settings.is_postgresql:
        name = settings.database_url.rsplit("/", 1)[1]
        with postgres_server.server().admin_connection(name) as admin:
            cursor = admin.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(settings.sqlite_path, timeout=30)) as file, file:
        return file.execute(statement, values).fetchall()


def stock(house: "House", tickets: int) -> None:
    """Many tickets in a moment, in `acme`, some of them Ada's; past the application."""
    settings, here = house.app.parlour.settings, house.workspace.workspace_id
    if settings.is_postgresql:
        name = settings.database_url.rsplit("/", 1)[1]
        with postgres_server.server().admin_connection(name) as admin:
            fill_postgresql(admin, here, [house.ada], tickets)
    else:
        fill(str(settings.sqlite_path), here, [house.ada], tickets)


class Browser(httpx.AsyncClient):
    """Keeps cookies, sends the Origin that a page of ours would send, follows no redirect by itself."""

    def __init__(self, app: Application, *, address: str = "127.0.0.1") -> None:
        super().__init__(
            transport=httpx.ASGITransport(app=app, client=(address, 40000), raise_app_exceptions=False),
            base_url=ORIGIN,
            headers={"origin": ORIGIN},
        )

    async def csrf(self, path: str = "/auth/login") -> str:
        """The token that the page at `path` would send with its forms."""
        page = await self.get(path)
        found = re.search(r'<meta name="csrf" content="([0-9a-f]+)">', page.text)
        assert found, f"{path} answered {page.status_code} and holds no token"
        return found[1]

    async def post(self, url: httpx.URL | str, **request: Any) -> httpx.Response:
        """A field named `files` goes as the file that a page would send."""
        fields = request.get("data")
        if isinstance(fields, dict) and "files" in fields:
            request["data"] = {name: value for name, value in fields.items() if name != "files"}
            request["files"] = {"files": ("parcel.txt", fields["files"].encode())}
        return await super().post(url, **request)

    async def submit(
        self, path: str, fields: dict[str, str], *, page: str | None = None, **more: object
    ) -> httpx.Response:
        """Post a form as the page at `page` (the portal or the sign-in page when left out) would."""
        token = await self.csrf(page or "/auth/login")
        return await self.post(path, data={"csrf": token, **fields}, **more)


@dataclass
class House:
    """A running Parlour with the workspace `acme`, its agents, and a second workspace, `other`."""

    app: Application
    workspace: Workspace
    other: Workspace
    ada: UUID

    @property
    def db(self) -> Database:
        return self.app.parlour.db

    def browser(self, address: str = "127.0.0.1") -> Browser:
        return Browser(self.app, address=address)

    def leave_chores(self) -> None:
        """Until the test is over: what it measures is not theirs."""
        worker = self.app.parlour.worker
        worker._next_sweep, worker._unfinished = math.inf, ()  # noqa: SLF001 the next one is soon after the start
        self.app.parlour.fetcher.stop()

    async def as_system(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a unit as the system in `acme`."""
        return await self.db.write(Actor.system(self.workspace.workspace_id), function, *args, **kwargs)

    async def add_agent(
        self, email: str, role: Role, workspace: Workspace | None = None, name: str = ""
    ) -> UUID:
        place = workspace or self.workspace
        name = name or email.split("@", maxsplit=1)[0].title()
        user_id: UUID = await self.db.write(Actor.system(place.workspace_id), _add, email, role, name)
        return user_id

    async def sign_in(self, email: str = "ada@acme.example", address: str = "127.0.0.1") -> Browser:
        """A browser in which that account has a session. No form is sent, and no password is worked out."""
        browser = self.browser(address)
        known = await self.db.read(Actor.system(), accounts.credentials, email)
        assert known is not None, email
        person = Actor.person(known.user_id)
        token = await self.db.write(person, accounts.start_session, None)
        browser.cookies.set("parlour_session", token, domain=urlsplit(ORIGIN).netloc)
        return browser

    async def open_ticket(self, browser: Browser, **fields: str) -> Ticket:
        """Open a ticket through the portal; the browser may enter it afterwards."""
        form = {
            "subject": "The parcel is late",
            "description": "It should have been here on Monday.",
            "email": "maria@example.com",
            "client_id": str(uuid4()),
            **fields,
        }
        slug = self.workspace.slug
        answer = await browser.submit(f"/support/{slug}/ticket/new", form, page=f"/support/{slug}/ticket/new")
        assert answer.status_code == 303, answer.text
        ticket_id = UUID(answer.headers["location"].rsplit("/", 1)[1])
        ticket: Ticket = await self.as_system(tickets.ticket, ticket_id)
        return ticket


@dataclass(frozen=True)
class Furniture:
    """What every house begins with, and the database that holds it, to be copied."""

    settings: Settings
    acme: Workspace
    other: Workspace
    ada: UUID


_furnished: list[Furniture] = []


async def _furniture() -> Furniture:
    """Made once a process."""
    if not _furnished:
        settings = _past_the_proxy(settings_for(_models() / "house"))
        db = make_database(settings)
        await _prepare(settings, db)
        await db.open()

        def make(tx: Tx, slug: str, name: str) -> Workspace:
            return workspaces.create_workspace(tx, slug, name)

        acme = await db.write(Actor.system(), make, "acme", "Acme Outdoor")
        other = await db.write(Actor.system(), make, "other", "Other Company")
        ada = await db.write(
            Actor.system(acme.workspace_id), _add, "ada@acme.example", Role.OWNER, "Ada Moreau"
        )
        await db.close()
        _furnished.append(Furniture(settings, acme, other, ada))
    return _furnished[0]


def _past_the_proxy(settings: Settings) -> Settings:
    """A proxy would hold on to a database that is to be copied."""
    if not settings.is_postgresql:
        return settings
    name = settings.database_url.rsplit("/", 1)[1]
    return replace(settings, database_url=postgres_server.server().direct_url(name))


def _add(tx: Tx, email: str, role: Role, name: str) -> UUID:
    user_id: UUID = accounts.create_agent(tx, email, name, PASSWORD, PASSWORD_HASH)
    workspaces.add_member(tx, user_id, role)
    return user_id


async def furnish(folder: Path) -> Furniture:
    """Give the folder the database that a house begins with, unless it has one."""
    furniture = await _furniture()
    if furniture.settings.is_postgresql:
        postgres_server.server().of_folder(folder, like=furniture.settings.database_url.rsplit("/", 1)[1])
    elif not (path := settings_for(folder).sqlite_path).exists():
        _copy_file(furniture.settings.sqlite_path, path)
    return furniture


@asynccontextmanager
async def open_house(
    folder: Path, timings: Timings | None = None, **environment: str
) -> AsyncIterator[House]:
    """The application with its lifespan running: writer, worker and rooms. The folder is new or furnished."""
    furniture = await furnish(folder)
    settings = settings_for(folder, **environment)
    app = create_app(settings, timings)
    async with AsyncExitStack() as stack:
        if settings.is_postgresql:
            stack.callback(postgres_server.left, settings.database_url)
        await stack.enter_async_context(app.parlour.running())
        yield House(app, furniture.acme, furniture.other, furniture.ada)
