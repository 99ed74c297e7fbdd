"""A small house for the tests of the real-time layer: a real SQLite file, a real server, real sockets."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import uvicorn
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from parlour.kernel import clock
from parlour.kernel.access import Actor, Kind, Role
from parlour.kernel.errors import NotFound, SignedOut
from parlour.kernel.events import MessageSent, RoomRead
from parlour.kernel.messages import Message, Place, Stretch
from parlour.realtime.bus import Bus, MemoryBus
from parlour.realtime.connection import Scope
from parlour.realtime.protocol import Timings
from parlour.realtime.socket import Realtime
from parlour.server.sockets import Socket

PATIENCE = 20.0
"""Seconds after which a frame that should come does not."""

PAGE = 50
"""Messages in one answer."""

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS people (
    secret TEXT PRIMARY KEY, kind TEXT, workspace TEXT, id TEXT, name TEXT, role TEXT
);
CREATE TABLE IF NOT EXISTS rooms (
    workspace TEXT, room TEXT PRIMARY KEY, ticket TEXT, last_seq INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS messages (
    room TEXT, seq INTEGER, message TEXT, content TEXT, sender_type TEXT, sender_id TEXT, sender_name TEXT,
    client TEXT, PRIMARY KEY (room, seq)
);
CREATE TABLE IF NOT EXISTS history (epoch TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS marks (room TEXT, side TEXT, seq INTEGER, PRIMARY KEY (room, side));
"""

Fields = dict[str, Any]


class Records:
    """Who may be where and what was said, in a database file: the `Access` that the layer asks for."""

    def __init__(self, path: Path, bus: Bus | None = None) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(SCHEMA)
        self.db.execute(
            "INSERT INTO history SELECT ? WHERE NOT EXISTS (SELECT * FROM history)", [uuid4().hex]
        )
        self.bus = bus or MemoryBus()
        self.marked: list[int] = []

    # What the layer asks

    async def identify(self, scope: Scope) -> Actor:
        headers = dict(scope["headers"])
        cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        query = parse_qs(scope["query_string"].decode())
        row = self.db.execute(
            "SELECT kind, workspace, id, name, role FROM people WHERE secret = ?",
            [cookies["who"].value if "who" in cookies else ""],
        ).fetchone()
        if row is None:
            raise SignedOut
        kind, workspace, person, name, role = row
        if kind == "agent":
            if query.get("workspace") != [workspace]:
                raise NotFound
            return Actor.agent(UUID(workspace), UUID(person), Role(role), name)
        if query.get("ticket") != [person]:
            raise NotFound
        return Actor.customer(UUID(workspace), UUID(person), name)

    def network_of(self, scope: Scope) -> str:
        return str(scope["client"][0])

    async def check(self, actor: Actor, room_id: UUID) -> None:
        row = self.db.execute("SELECT workspace, ticket FROM rooms WHERE room = ?", [str(room_id)]).fetchone()
        if row is None or UUID(row[0]) != actor.workspace_id:
            raise NotFound
        if actor.kind is Kind.CUSTOMER and UUID(row[1]) != actor.ticket_id:
            raise NotFound

    async def enter(self, actor: Actor, room_id: UUID, place: Place) -> Stretch:
        await self.check(actor, room_id)
        assert actor.workspace_id
        seen = dict(self.db.execute("SELECT side, seq FROM marks WHERE room = ?", [str(room_id)]).fetchall())
        stretch = await self.following(actor.workspace_id, room_id, place)
        at_head = self.db.execute(
            "SELECT message FROM messages WHERE room = ? AND seq = ?", [str(room_id), stretch.head]
        ).fetchone()
        return replace(stretch, head_id=UUID(at_head[0]) if at_head else None, seen=seen)

    async def following(self, workspace_id: UUID, room_id: UUID, place: Place) -> Stretch:
        row = self.db.execute("SELECT last_seq FROM rooms WHERE room = ?", [str(room_id)]).fetchone()
        if row is None:
            raise NotFound
        stretch = Stretch(workspace_id, room_id, self.epoch, head=row[0])
        at_place = self.db.execute(
            "SELECT message FROM messages WHERE room = ? AND seq = ?", [str(room_id), place.seq]
        ).fetchone()
        same = place.message_id is None or at_place == (str(place.message_id),)
        if place.seq > stretch.head or place.epoch not in ("", self.epoch) or not same:
            return replace(stretch, goes_on=False)
        rows = self.db.execute(
            "SELECT seq, message, content, sender_type, sender_id, sender_name, client FROM messages"
            " WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?",
            [str(room_id), place.seq, PAGE],
        )
        said = [
            Message(UUID(message), room_id, seq, *words, UUID(client), clock.now())  # type: ignore[call-arg]
            for seq, message, *words, client in rows
        ]
        return replace(stretch, messages=said)

    @property
    def epoch(self) -> str:
        [epoch] = self.db.execute("SELECT epoch FROM history").fetchone()
        return str(epoch)

    async def begin_epoch(self, instead_of: str) -> None:
        self.db.execute("UPDATE history SET epoch = ? WHERE epoch = ?", [uuid4().hex, instead_of])

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> tuple[str, dict[UUID, int]]:
        places = ",".join("?" * len(rooms))
        query = f"SELECT room, last_seq FROM rooms WHERE room IN ({places})"  # noqa: S608 - only question marks
        rows = self.db.execute(query, [str(room) for _, room in rooms])
        return self.epoch, {UUID(room): seq for room, seq in rows}

    async def mark_read(self, actor: Actor, room_id: UUID, seq: int) -> None:
        side = "customer" if actor.kind is Kind.CUSTOMER else "agent"
        self.marked.append(seq)
        self.db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", [str(room_id), side, seq])
        assert actor.workspace_id
        self.bus.publish([RoomRead(actor.workspace_id, room_id, side, seq)])

    # What a test does

    def go_back(self, room: UUID, head: int, *, renewed: bool) -> None:
        """To an older copy of the room, as a restore does; or as files that were put back by hand."""
        self.db.execute("DELETE FROM messages WHERE room = ? AND seq > ?", [str(room), head])
        self.db.execute("UPDATE rooms SET last_seq = ? WHERE room = ?", [head, str(room)])
        if renewed:
            self.db.execute("UPDATE history SET epoch = ?", [uuid4().hex])

    def room(self, workspace: UUID, ticket: UUID) -> UUID:
        room = clock.new_id()
        self.db.execute(
            "INSERT INTO rooms (workspace, room, ticket) VALUES (?, ?, ?)",
            [str(workspace), str(room), str(ticket)],
        )
        return room

    def person(self, secret: str, kind: str, workspace: UUID, person: UUID, name: str, role: str) -> None:
        self.db.execute(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)",
            [secret, kind, str(workspace), str(person), name, role],
        )

    def store(self, room: UUID, content: str = "hello", sender: Actor | None = None) -> MessageSent:
        """Store a message as of `sender` (a customer unless said), without a word to the bus."""
        workspace = UUID(
            self.db.execute("SELECT workspace FROM rooms WHERE room = ?", [str(room)]).fetchone()[0]
        )
        sender = sender or Actor.customer(workspace, clock.new_id(), "grace@customer.example")
        client, message = clock.new_id(), clock.new_id()
        self.db.execute("BEGIN IMMEDIATE")
        [seq] = self.db.execute(
            "UPDATE rooms SET last_seq = last_seq + 1 WHERE room = ? RETURNING last_seq", [str(room)]
        ).fetchone()
        self.db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [str(room), seq, str(message), content, sender.kind, sender.id, sender.name, str(client)],
        )
        self.db.execute("COMMIT")
        said = Message(message, room, seq, content, sender.kind, sender.id, sender.name, client, clock.now())
        return MessageSent(workspace, said)

    def say(self, room: UUID, content: str = "hello", sender: Actor | None = None) -> MessageSent:
        """Store a message and publish it, as a committed transaction does."""
        event = self.store(room, content, sender)
        self.bus.publish([event])
        return event


class Page:
    """What a browser's page would do with its socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, word: str, **fields: Any) -> None:
        fields = {key: str(value) if isinstance(value, UUID) else value for key, value in fields.items()}
        await self.socket.send(json.dumps({"t": word, **fields}))

    async def receive(self) -> Fields:
        frame: Fields = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        return frame

    async def next(self, word: str, **wanted: Any) -> Fields:
        """The next frame of this kind with these fields; whatever comes before it is let pass."""
        while True:
            frame = await self.receive()
            if frame["t"] == word and wanted.items() <= frame.items():
                return frame

    async def enter(self, room: UUID, after: int = 0) -> Fields:
        """Subscribe and wait until it is live. Returns the `subscribed` frame."""
        await self.send("subscribe", room=room, after=after)
        subscribed = await self.next("subscribed", room=str(room))
        await self.next("presence", room=str(room))
        return subscribed

    async def until_quiet(self, seconds: float = 0.15) -> list[Fields]:
        """Everything that comes until nothing has come for a while."""
        frames: list[Fields] = []
        while True:
            try:
                frames.append(json.loads(await asyncio.wait_for(self.socket.recv(), seconds)))
            except TimeoutError:
                return frames

    async def messages(self, count: int) -> list[int]:
        """The sequence numbers of the next `count` messages."""
        return [(await self.next("message"))["seq"] for _ in range(count)]

    async def close_code(self) -> int | None:
        """The code with which the server ends this."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.socket.recv()
        except ConnectionClosed:
            return self.socket.close_code


class House:
    """One workspace with a ticket of Grace's, agents Ada (two secrets: two browsers) and Alan, a viewer."""

    def __init__(self, records: Records, realtime: Realtime, port: int) -> None:
        self.records = records
        self.realtime = realtime
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self.workspace, self.ticket = clock.new_id(), clock.new_id()
        self.ada, self.alan = clock.new_id(), clock.new_id()
        self.room = records.room(self.workspace, self.ticket)
        records.person("ada", "agent", self.workspace, self.ada, "Ada", "agent")
        records.person("alan", "agent", self.workspace, self.alan, "Alan", "agent")
        records.person("vera", "agent", self.workspace, clock.new_id(), "Vera", "viewer")
        records.person("grace", "customer", self.workspace, self.ticket, "grace@customer.example", "")

    def actor(self, name: str) -> Actor:
        if name == "grace":
            return Actor.customer(self.workspace, self.ticket, "grace@customer.example")
        user_id = {"ada": self.ada, "alan": self.alan}[name]
        return Actor.agent(self.workspace, user_id, Role.AGENT, name.title())

    def query(self, secret: str) -> str:
        return f"ticket={self.ticket}&portal=acme" if secret == "grace" else f"workspace={self.workspace}"

    async def open(self, secret: str, **options: Any) -> Page:
        """A socket with this person's cookie, as the browser would open it."""
        options.setdefault("origin", Origin(self.origin))
        options.setdefault("query", self.query(secret))
        headers = [("Cookie", f"who={secret}")] if secret else []
        return Page(
            await connect(
                f"ws://127.0.0.1:{self.port}/realtime?{options.pop('query')}",
                additional_headers=headers,
                compression=None,
                ping_interval=None,
                **options,
            )
        )

    async def enter(self, secret: str, after: int = 0) -> Page:
        """A socket that is live in the ticket's room."""
        page = await self.open(secret)
        await page.enter(self.room, after)
        return page


class Server(uvicorn.Server):
    """Tells the sockets before it goes, as Parlour's own server does."""

    realtime: Realtime

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.realtime.stop()
        await super().shutdown(sockets)


@asynccontextmanager
async def serving(records: Records, realtime: Realtime) -> AsyncIterator[int]:
    """A running server; its port."""
    app = Starlette(routes=[WebSocketRoute("/realtime", realtime.endpoint)])
    config = uvicorn.Config(
        app,
        ws=Socket,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(config)
    server.realtime = realtime
    await records.bus.start()
    await realtime.start()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        await records.bus.stop()
        records.db.close()


@asynccontextmanager
async def open_house(
    path: Path, *, base_origin: str | None = None, bus: Bus | None = None, **timings: float
) -> AsyncIterator[House]:
    """`timings` replaces those of the protocol, in seconds."""
    records = Records(path / "house.db", bus)
    realtime = Realtime(records, records.bus, base_origin=base_origin, timings=Timings(**timings))
    async with serving(records, realtime) as port:
        yield House(records, realtime, port)


@asynccontextmanager
async def second_node(house: House, path: Path, bus: Bus, **timings: float) -> AsyncIterator[House]:
    """Another server with the same people and rooms."""
    records = Records(path / "house.db", bus)
    realtime = Realtime(records, bus, base_origin=None, timings=Timings(**timings))
    async with serving(records, realtime) as port:
        other = copy(house)
        other.records, other.realtime, other.port = records, realtime, port
        other.origin = f"http://127.0.0.1:{port}"
        yield other
