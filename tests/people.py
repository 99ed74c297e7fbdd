"""A small town around one ticket: every kind of visitor that a page can meet, every form it can send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from starlette.routing import Route, WebSocketRoute

from parlour.db.database import Tx
from parlour.features.accounts import service as accounts
from parlour.features.chat import service as chat
from parlour.features.tickets import access
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Ticket
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, PASSWORD, Browser, House, open_house

VISITORS = {
    "nobody": "no cookies at all",
    "customer": "may open the ticket",
    "neighbour": "may open another ticket of the same workspace",
    "stranger": "may open a ticket of another workspace",
    "agent": "an agent of the workspace",
    "viewer": "a viewer of the workspace",
    "outsider": "an owner of another workspace",
    "ended": "an agent of the workspace, with the cookie of a session that has ended",
}

_addresses = count(1)


@dataclass
class Town:
    house: House
    ticket: Ticket
    neighbours: Ticket
    elsewhere: Ticket
    people: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)

    async def come(self, kind: str) -> Browser:
        """That visitor in a fresh browser at an address of its own, so that no limit counts two of them."""
        number = next(_addresses)
        browser = self.house.browser(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        keys = {"customer": self.ticket, "neighbour": self.neighbours, "stranger": self.elsewhere}
        if kind in keys:
            browser.cookies.set("parlour_visitor", await self.admit(keys[kind]))
        elif kind in self.people:
            browser.cookies.set("parlour_session", await self.session(kind))
        elif kind == "ended":
            token = await self.session("agent")
            await self.house.db.write(Actor.visitor(), accounts.sign_out, token, [])
            browser.cookies.set("parlour_session", token)
        return browser

    async def session(self, kind: str) -> str:
        token: str = await self.house.db.write(
            Actor.system(), accounts.start_session, self.people[kind], None
        )
        return token

    async def admit(self, ticket: Ticket) -> str:
        """A visitor secret that opens the ticket."""
        system = Actor.system(ticket.workspace_id)
        secret: str = await self.house.db.write(system, access.admit_opener, ticket, None)
        return secret

    def path(self, route: str) -> str:
        """The address of a route, about the ticket that all this is about."""
        assets = self.house.app.parlour.site.assets
        values = {
            "slug": self.house.workspace.slug,
            "workspace_id": self.house.workspace.workspace_id,
            "ticket_id": self.ticket.ticket_id,
            "digest": assets.digest,
            "name": "app.css",
        }
        return route.format(**values)

    async def form(self, route: str) -> dict[str, str]:
        """What a page would post there, ready to be taken."""
        now = await self.house.as_system(tickets.ticket, self.ticket.ticket_id)
        last = route.rsplit("/", 1)[1]
        forms = {
            "login": {"email": "login@acme.example", "password": PASSWORD, "next": "/"},
            "logout": {"leave": "now"},
            "new": {
                "subject": "The parcel is late",
                "description": "Since Monday.",
                "email": f"{uuid4().hex}@example.com",
                "client_id": str(uuid4()),
            },
            "chat": {"content": "Hello?", "client_id": str(uuid4())},
            "access": {"email": f"{uuid4().hex}@example.com"},
            "revoke": {"end": "now"},
            "status": {
                "status": "pending" if now.status != "pending" else "open",
                "version": str(now.version),
            },
            "priority": {
                "priority": "high" if now.priority != "high" else "low",
                "version": str(now.version),
            },
            "assignee": {
                "assignee": "" if now.assignee_id else str(self.house.ada),
                "version": str(now.version),
            },
        }
        return forms[last]

    async def stored(self) -> tuple[object, ...]:
        """Everything that a form could have changed: the tickets, and the end of the conversation."""

        def look(tx: Tx) -> tuple[object, ...]:
            known = [tickets.ticket(tx, one.ticket_id) for one in (self.ticket, self.neighbours)]
            room = chat.history(tx, self.ticket.chat_room_id, limit=1).room
            return *known, room, tickets.counts(tx)

        seen: tuple[object, ...] = await self.house.as_system(look)
        return seen


async def _open(house: House, workspace: Workspace, email: str) -> Ticket:
    draft = Draft("The parcel is late", "It should have been here on Monday.", email, uuid4())
    ticket: Ticket = await house.db.write(Actor.visitor(workspace.workspace_id), tickets.open_ticket, draft)
    return ticket


@asynccontextmanager
async def open_town(folder: Path) -> AsyncIterator[Town]:
    async with open_house(folder) as house:
        town = Town(
            house,
            await _open(house, house.workspace, "maria@example.com"),
            await _open(house, house.workspace, "noor@example.com"),
            await _open(house, house.other, "sam@example.com"),
        )
        town.people = {
            "agent": await house.add_agent("ben@acme.example", Role.AGENT),
            "viewer": await house.add_agent("viv@acme.example", Role.VIEWER),
            "outsider": await house.add_agent("olga@other.example", Role.OWNER, house.other),
        }
        await house.add_agent("login@acme.example", Role.AGENT)
        yield town


# ------------------------------------------------------------------------------------- what the app offers


def http_routes(house: House) -> set[tuple[str, str]]:
    """Every (method, path) that the application answers; HEAD goes with GET."""
    return {
        (method, route.path)
        for route in house.app.pages.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def socket_routes(house: House) -> set[str]:
    return {route.path for route in house.app.pages.routes if isinstance(route, WebSocketRoute)}


async def knock(house: House, browser: Browser, address: str, origin: str | None = ORIGIN) -> str:
    """What a WebSocket's handshake comes to: `hello`, the close code, or the HTTP status that denied it."""
    parts = urlsplit(address)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    headers = [(b"host", urlsplit(ORIGIN).netloc.encode()), (b"cookie", cookies.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    answers: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    asked: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    asked.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": headers,
        "client": ("10.0.0.1", 40000),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    talking = asyncio.create_task(house.app(scope, asked.get, answers.put))  # type: ignore[arg-type]
    while True:
        answer = await asyncio.wait_for(answers.get(), 5)
        if answer["type"] != "websocket.accept":
            break
    asked.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await talking
    return {
        "websocket.send": "hello",
        "websocket.close": str(answer.get("code")),
        "websocket.http.response.start": str(answer.get("status")),
    }[str(answer["type"])]
