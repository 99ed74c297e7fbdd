"""The WebSocket endpoint: who may come in, what a page may say, and when it must leave."""

import asyncio
from collections import Counter
from contextlib import suppress
from time import monotonic
from typing import TypeVar
from uuid import UUID

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from parlour.kernel.access import Actor, Kind, Permission
from parlour.kernel.errors import Forbidden, NotFound, SignedOut
from parlour.kernel.events import AccessChanged, Event, JobQueued
from parlour.realtime import protocol
from parlour.realtime.access import Access
from parlour.realtime.budget import Budget
from parlour.realtime.bus import Bus
from parlour.realtime.connection import Connection
from parlour.realtime.heartbeat import Heartbeat
from parlour.realtime.protocol import (
    CONNECTIONS_PER_ACTOR,
    CUSTOMERS_PER_NETWORK,
    ROOMS_PER_CONNECTION,
    BadFrame,
    Close,
    Frame,
    NotAFrame,
    Read,
    Request,
    Subscribe,
    Timings,
    Typing,
    Unsubscribe,
    Watch,
)
from parlour.realtime.rooms import Rooms
from parlour.realtime.trouble import report
from parlour.realtime.vigil import Vigil

log = structlog.get_logger(__name__)

RECHECKS_AT_ONCE = 8
RECHECK_RETRY_SECONDS = 5.0
RENEW_PAUSE = 0.002
"""Between two connections: five hundred a second at most."""
DRAIN_SECONDS = 3.0

Person = tuple[str, UUID | None, UUID | None]
T = TypeVar("T")

_SCHEMES = {"ws": "http", "wss": "https"}


class Realtime:
    """A WebSocket application, `endpoint` as a route. `connections` counts the open sockets of this node."""

    def __init__(
        self, access: Access, bus: Bus, *, base_origin: str | None, timings: Timings | None = None
    ) -> None:
        """`base_origin` (`https://desk.example`) is welcome besides the origin that is asked itself."""
        self.connections = 0
        self._access = access
        self._base_origin = base_origin.lower() if base_origin else None
        self._timings = timings or Timings()
        self._open: set[Connection] = set()
        self._budget = Budget(self._open)
        self._rooms = Rooms(access, bus, self._timings, self._budget, self._renew)
        self._by_person: Counter[Person] = Counter()
        self._customers_by_network: Counter[str] = Counter()
        self._heartbeat = Heartbeat(self._open, self._rooms, self._timings, self._recheck_soon)
        self._vigil = Vigil(bus, self._rooms, self._timings, self._renew)
        self._unsubscribe = bus.subscribe(self._hear)
        self._access_changes = 0
        self._rechecks = asyncio.Semaphore(RECHECKS_AT_ONCE)
        self._draining = False
        self._empty = asyncio.Event()

    @property
    def listeners(self) -> int:
        """Subscriptions of all connections together."""
        return self._rooms.listeners

    async def start(self) -> None:
        """After the bus. A database that does not answer yet says its epoch with the first read."""
        with suppress(Exception):
            await self._rooms.history.look()
        self._rooms.spawn(self._heartbeat.run())
        self._rooms.spawn(self._vigil.run())

    async def drain(self) -> None:
        """Tell everyone to come back later, and wait until they have heard it or a short time is over."""
        self._draining = True
        for connection in self._open:
            connection.close(Close.GOING_AWAY)
        if self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), DRAIN_SECONDS)

    async def stop(self) -> None:
        await self.drain()
        for connection in list(self._open):
            connection.abort()
        self._unsubscribe()
        await self._rooms.stop()

    # ------------------------------------------------------------------------------ coming in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application: each layer that is left out saves memory in every open socket."""
        await self.endpoint(WebSocket(scope, receive, send))

    async def endpoint(self, websocket: WebSocket) -> None:
        if not self._is_ours(websocket):
            await _refuse(websocket)
            return
        changes = self._access_changes
        who = await self._identify(websocket)
        if isinstance(who, Close):
            await websocket.accept()
            await websocket.close(who)
            return
        connection = self._admit(websocket, who)
        if changes != self._access_changes:
            connection.recheck_at = 0.0
        try:
            await websocket.accept()
            connection.push(self._hello())
            await self._listen(websocket, connection)
        except asyncio.CancelledError:
            if not connection.aborted:
                raise
        except WebSocketDisconnect:
            return
        finally:
            self._dismiss(connection)

    def _hello(self) -> Frame:
        return protocol.hello(self._timings.heartbeat, self._rooms.history.epoch)

    def _is_ours(self, websocket: WebSocket) -> bool:
        """Cookies travel with a handshake from any site, so the site has to be this one."""
        origins = websocket.headers.getlist("origin")
        if len(origins) != 1:
            return False
        scheme = _SCHEMES.get(websocket.scope["scheme"], "")
        own = f"{scheme}://{websocket.headers.get('host', '')}".lower()
        return origins[0].lower() in (own, self._base_origin)

    async def _identify(self, websocket: WebSocket) -> Actor | Close:
        """Who this is, or the code to leave with: a browser can read that only after an accept."""
        if self._draining:
            return Close.GOING_AWAY
        try:
            actor = await self._access.identify(websocket.scope)
        except SignedOut:
            return Close.SIGNED_OUT
        except (NotFound, Forbidden):
            return Close.REVOKED
        except Exception:
            report(log, "could not find out whose socket this is")
            return Close.INTERNAL_ERROR
        crowded = self._by_person[_person(actor)] >= CONNECTIONS_PER_ACTOR
        if actor.kind is Kind.CUSTOMER:
            network = self._access.network_of(websocket.scope)
            crowded = crowded or self._customers_by_network[network] >= CUSTOMERS_PER_NETWORK
        return Close.TOO_MANY if crowded else actor

    def _admit(self, websocket: WebSocket, actor: Actor) -> Connection:
        connection = Connection(websocket.send, websocket.scope, actor, self._budget)
        self._heartbeat.admit(connection)
        self._open.add(connection)
        self._count(connection, 1)
        return connection

    def _count(self, connection: Connection, by: int) -> None:
        self.connections += by
        _change(self._by_person, _person(connection.actor), by)
        if connection.actor.kind is Kind.CUSTOMER:
            _change(self._customers_by_network, self._access.network_of(connection.scope), by)

    def _dismiss(self, connection: Connection) -> None:
        connection.released()
        self._rooms.leave(connection)
        self._open.discard(connection)
        self._count(connection, -1)
        if self._draining and not self._open:
            self._empty.set()

    # ------------------------------------------------------------------------------ listening

    async def _listen(self, websocket: WebSocket, connection: Connection) -> None:
        while (message := await websocket.receive())["type"] == "websocket.receive":
            if connection.closing:
                continue
            if not connection.hear():
                connection.close(Close.TOO_MANY)
                continue
            try:
                request = protocol.parse(message.get("text"))
            except NotAFrame:
                connection.close(Close.PROTOCOL)
            except BadFrame:
                connection.push(protocol.error("bad_frame"))
            else:
                await self._obey(connection, request)

    async def _obey(self, connection: Connection, request: Request) -> None:
        try:
            if isinstance(request, Subscribe):
                await self._subscribe(connection, request)
            elif isinstance(request, Unsubscribe):
                self._rooms.unsubscribe(connection, request.room)
            elif isinstance(request, Typing):
                self._rooms.typing(connection, request.room)
            elif isinstance(request, Read):
                await self._rooms.read(connection, request.room, request.seq)
            elif isinstance(request, Watch):
                self._rooms.watch(connection)
        except (NotFound, Forbidden, SignedOut):
            connection.push(protocol.error("not_found", getattr(request, "room", None)))
        except Exception:
            report(log, "a socket's request failed", request=type(request).__name__)
            connection.close(Close.INTERNAL_ERROR)

    async def _subscribe(self, connection: Connection, request: Subscribe) -> None:
        rooms = self._rooms.subscriptions(connection)
        if request.room not in rooms and len(rooms) >= ROOMS_PER_CONNECTION:
            connection.push(protocol.error("too_many", request.room))
        else:
            await self._rooms.subscribe(connection, request.room, request.after, aside=request.aside)

    # ------------------------------------------------------------------------- proving again

    def _hear(self, event: Event | JobQueued) -> None:
        if isinstance(event, AccessChanged):
            self._access_changes += 1
            for connection in self._open:
                if _concerns(event, connection.actor):
                    self._recheck_soon(connection)

    def _recheck_soon(self, connection: Connection) -> None:
        self._rooms.spawn(self._recheck(connection))

    async def _renew(self) -> None:
        """Everyone proves again that they may be here, and reads again what they show: one by one."""
        for connection in list(self._open):
            await self._recheck(connection)
            connection.push(self._hello())
            await asyncio.sleep(RENEW_PAUSE)

    async def _recheck(self, connection: Connection) -> None:
        async with self._rechecks:
            try:
                await self._prove(connection)
            except SignedOut:
                connection.close(Close.SIGNED_OUT)
            except (NotFound, Forbidden):
                connection.close(Close.REVOKED)
            except Exception:
                report(log, "could not check again whose socket this is")
                connection.recheck_at = monotonic() + RECHECK_RETRY_SECONDS

    async def _prove(self, connection: Connection) -> None:
        """Raises what `identify` raises, and NotFound when it has lost its last room."""
        if connection.closing:
            return
        actor = await self._access.identify(connection.scope)
        if _person(actor) != _person(connection.actor):
            raise SignedOut
        lost = await self._lost_rooms(connection, actor)
        for room_id in lost:
            self._rooms.unsubscribe(connection, room_id)
            connection.push(protocol.error("not_found", room_id))
        if not actor.may(Permission.TICKET_LIST):
            self._rooms.unwatch(connection)
        if lost and not self._rooms.subscriptions(connection) and not self._rooms.watches(connection):
            raise NotFound
        if actor != connection.actor:
            connection.actor = actor
            self._rooms.announce(connection)

    async def _lost_rooms(self, connection: Connection, actor: Actor) -> list[UUID]:
        lost = []
        for room_id in list(self._rooms.subscriptions(connection)):
            try:
                await self._access.check(actor, room_id)
            except (NotFound, Forbidden):
                lost.append(room_id)
        return lost


def _change(counter: Counter[T], key: T, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


def _person(actor: Actor) -> Person:
    """Whose connections count together. A customer's address is only typed, so it counts per ticket."""
    return actor.id, actor.workspace_id, actor.ticket_id


def _concerns(event: AccessChanged, actor: Actor) -> bool:
    if event.user_id is None and event.ticket_id is None:
        return actor.workspace_id == event.workspace_id
    by_user = event.user_id is not None and actor.user_id == event.user_id
    return by_user or (event.ticket_id is not None and actor.ticket_id == event.ticket_id)


async def _refuse(websocket: WebSocket) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(Response(status_code=403))
    else:
        await websocket.close()
