"""A bus between nodes, whatever carries it: in order, in batches, and aware of what it may have missed.

Every payload also is a sign of life. A node that does not hear its own signs is deaf, and one whose signs
stop coming may be saying something that does not arrive: `sound` is False then, and whoever listens asks
the database. A hole in another node's numbers, or a new connection, counts as `missed`.
"""

import asyncio
import random
import secrets
from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from time import monotonic
from typing import Protocol

import structlog
from msgspec import Struct

from parlour.kernel.events import Event, JobQueued, MessageSent, RoomRead, TicketChanged
from parlour.realtime import wire
from parlour.realtime.bus import EPHEMERAL, NOWHERE, Bus, Head, OnLine, PeopleHere, SomeoneTypes

log = structlog.get_logger(__name__)

BEAT = 0.5
"""Seconds between two signs of life, when nothing else is said."""
LOOK = 0.25
"""Seconds between two looks at who was heard."""
LATE_AFTER = 5
"""Looks without a sign before a node counts as silent. Two signs may be lost in a busy second."""
DEAF_AFTER = 20
"""Looks without hearing oneself before the connection is given up for a new one."""
FORGET_AFTER = 480
"""Looks without a sign before a node is forgotten: two minutes, in which it may come back and speak."""
RETRY_SECONDS = (0.2, 1.0)
"""Between two attempts to connect: anything in between, so that nodes don't return in step."""
CONNECT_SECONDS = 3.0
SEND_SECONDS = 2.0
REUNION_SECONDS = 3.0
"""After an outage, how long to wait for the others before saying what they could not hear yet."""
GOODBYE_SECONDS = 1.0
QUEUE_LIMIT = 10_000
"""Events that wait for the connection. A newer one about the same thing takes the older one's place."""


class Line(Protocol):
    """A connection that carries everybody's payloads to everybody. It raises when it is broken."""

    limit: int

    async def send(self, payloads: Sequence[str]) -> None: ...

    def receive(self) -> AsyncIterator[str]: ...


class Peer(Struct):
    number: int
    silent: int = 0


class SharedBus(Bus):
    """Delivers to its own node at once, and to the others as soon as the connection allows."""

    pause = 0.0
    """Seconds between two sendings, so that of much more travels together; the first one goes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.node = secrets.token_hex(6)
        self.connected = False
        self.missed = 0
        self.arrivals = 0
        self._peers: dict[str, Peer] = {}
        self._waiting: dict[Hashable, Event | JobQueued] = {}
        self._something = asyncio.Event()
        self._speaking = asyncio.Lock()
        self._gone = False
        self._number = 1
        self._unheard = 0
        self._told = False
        self._line: Line | None = None
        self._speak_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    @abstractmethod
    def _connect(self) -> AbstractAsyncContextManager[Line]:
        """A line that already hears everything, for as long as the block lasts."""

    @property
    def sound(self) -> bool:
        return self.connected and all(peer.silent < LATE_AFTER for peer in self._peers.values())

    @property
    def peers(self) -> Collection[str]:
        return self._peers.keys()

    def publish(self, events: Sequence[Event | JobQueued]) -> None:
        for event in events:
            self._deliver(event)
            self._put(event)
        if self._peers:
            self._something.set()

    def _put(self, event: Event | JobQueued) -> None:
        key = _subject(event)
        if (known := self._waiting.pop(key, None)) is not None and _age(known) > _age(event):
            event = known
        if len(self._waiting) >= QUEUE_LIMIT:
            spare = (each for each, waiting in self._waiting.items() if isinstance(waiting, EPHEMERAL))
            oldest = next(spare, None)
            if oldest is None:
                oldest = next(iter(self._waiting))
                self._number += 1  # the others see the hole
            del self._waiting[oldest]
        self._waiting[key] = event

    # --------------------------------------------------------------------------- staying there

    async def start(self) -> None:
        """Returns when the first attempt to connect has ended, well or not: an outage stops nobody."""
        self._tried.clear()
        self._gone = False
        self._running = asyncio.create_task(self._stay_connected(), name="bus")
        await self._tried.wait()

    async def stop(self) -> None:
        if self._line is not None and self.connected:
            with suppress(Exception):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._flush(self._line)
                    async with self._speaking:
                        self._gone = True  # a later sign of life would bring it back
                        await self._line.send([wire.goodbye(self.node)])
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running], timeout=GOODBYE_SECONDS)
        self.connected = False
        self._listeners.clear()

    async def _stay_connected(self) -> None:
        while True:
            why = "the connection ended"
            try:
                await self._one_connection()
            except Exception as error:
                why = _words(error)
            finally:
                self._tried.set()
                self.connected = False
                self._line = None
            if not self._told:
                self._told = True
                log.warning("bus.away", why=why, meanwhile="messages come by way of the database")
            await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311 nobody gains by guessing it

    async def _one_connection(self) -> None:
        """From connecting to the first failure of whatever kind."""
        connecting = self._connect()
        async with asyncio.timeout(CONNECT_SECONDS):
            line = await connecting.__aenter__()
        working: list[asyncio.Task[None]] = []
        try:
            self._line = line
            self._unheard = 0
            self._speak_at = monotonic() + REUNION_SECONDS
            for peer in self._peers.values():
                peer.silent = LATE_AFTER
            work = self._hear(line), self._speak(line), self._watch()
            working = [asyncio.create_task(each) for each in work]
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            await done.pop()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            with suppress(Exception):
                await connecting.__aexit__(None, None, None)

    # -------------------------------------------------------------------------------- speaking

    async def _speak(self, line: Line) -> None:
        """Whoever hears of nobody says what happens with the signs of life: a node that is about to come is
        heard at once, and told then.
        """
        while True:
            await self._flush(line)
            again = monotonic() + self.pause
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._something.wait()
                    if self._speak_at > monotonic() and not self.sound:
                        await asyncio.sleep(LOOK)
            if self._waiting and (rest := again - monotonic()) > 0:
                await asyncio.sleep(rest)

    async def _flush(self, line: Line) -> None:
        """Send what waits, or a sign of life. What may not have arrived waits again, behind no newer word."""
        async with self._speaking:
            if not self._gone:
                await self._say(line)

    async def _say(self, line: Line) -> None:
        self._something.clear()
        sending: dict[Hashable, Event | JobQueued] = {}
        if self.sound or monotonic() > self._speak_at:
            sending, self._waiting = self._waiting, sending
        where = [OnLine(NOWHERE, self.epoch)] if self.epoch else []
        events = [text for event in (*where, *sending.values()) for text in _encoded(event)]
        payloads, self._number = wire.pack(self.node, self._number, events, line.limit)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await line.send(payloads)
        except BaseException:
            newer, self._waiting = self._waiting, {}
            for event in [*sending.values(), *newer.values()]:
                if not isinstance(event, SomeoneTypes):
                    self._put(event)
            raise

    # --------------------------------------------------------------------------------- hearing

    async def _hear(self, line: Line) -> None:
        async for text in line.receive():
            payload = wire.decode(text)
            if payload is None:
                continue
            if payload.node == self.node:
                self._heard_myself()
            elif self._notes(payload):
                for event in payload.events:
                    self._deliver(event)

    def _heard_myself(self) -> None:
        self._unheard = 0
        if not self.connected:
            self.connected = True
            self._tried.set()
            self.missed += 1
            if self._told:
                self._told = False
                log.info("bus.back")

    def _notes(self, payload: wire.Payload) -> bool:
        """Whether these are news from a node that goes on; what is missing before them is noted."""
        if payload.number == wire.GOODBYE:
            self._peers.pop(payload.node, None)
            return False
        peer = self._peers.get(payload.node)
        if peer is None:
            self._peers[payload.node] = Peer(payload.number)
            self._something.set()
            self.arrivals += 1
            self.missed += payload.number != 1
            return True
        self.missed += payload.number > peer.number + 1
        peer.silent = 0
        news = payload.number > peer.number
        peer.number = max(peer.number, payload.number)
        return news

    async def _watch(self) -> None:
        """Count the looks, not the seconds: a process that stood still has not listened either."""
        while self._unheard < DEAF_AFTER:
            await asyncio.sleep(LOOK)
            self._unheard += 1
            if self._unheard == LATE_AFTER:
                self._tried.set()
                self.connected = False
            for node, peer in list(self._peers.items()):
                peer.silent += 1
                if peer.silent > FORGET_AFTER:
                    del self._peers[node]
        raise ConnectionError("nothing comes back (through a pooling proxy, LISTEN does not work)")


def _subject(event: Event | JobQueued) -> Hashable:
    """Of two events with the same subject, only the newer is worth sending."""
    kind = type(event)
    if isinstance(event, MessageSent | Head):
        return Head, event.room_id
    if isinstance(event, RoomRead):
        return kind, event.room_id, event.side
    if isinstance(event, TicketChanged):
        return kind, event.ticket_id, event.spoke, event.inward
    if isinstance(event, SomeoneTypes):
        return kind, event.room_id, event.who
    if isinstance(event, PeopleHere):
        return kind, event.room_id
    return event


def _age(event: Event | JobQueued) -> int:
    """Commits may be told out of order: the word about the later one is worth more."""
    if isinstance(event, MessageSent | Head | RoomRead):
        return event.seq
    return event.version if isinstance(event, TicketChanged) else 0


def _encoded(event: Event | JobQueued) -> list[str]:
    try:
        return [wire.encode(event)]
    except Exception:  # it would end every connection anew
        log.exception("an event cannot travel", about=type(event).__name__)
        return []


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(": ")
