"""Connections as strangers open them: how long each may take, how much it may say, how many there may be.

uvicorn bounds none of this: it reads a head of any size, and waits for ever for whoever says nothing.
"""

import math
import resource
from asyncio import BaseTransport, Transport
from typing import Any, cast
from urllib.parse import quote_from_bytes

import structlog
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from parlour.server.untaken import Untaken

HEAD_LIMIT = 64 * 1024
"""Bytes of the request line and the headers together."""
TARGET_LIMIT = 16 * 1024
"""Bytes of the address in the request line."""
HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a later request, to the end of its headers."""
KEEP_ALIVE_SECONDS = 60
BODY_SECONDS = 20.0
BODY_RATE = 500
"""Bytes a second that a body must bring on the average, after its first `BODY_SECONDS`: any phone does."""
TAKEN_RATE = 500
"""Bytes a second that the other side must take of an answer on the average, after `BODY_SECONDS`."""
CROWDED_SECONDS = 2.0
"""For the head of a request that came when all places were taken."""
FAREWELL_SECONDS = 0.5
"""A server that ends still answers what was on its way to it."""
PROBES = ("/healthz", "/readyz", "/metrics")
_PLAIN = bytes(range(0x21, 0x7F)).decode()

log = structlog.get_logger("parlour.connections")


RESERVED = 96
"""Open files that are no visitor's: the database's, the bus's, the log's."""
SPARE = 32
"""Connections beyond the places, for probes alone."""
MOST_PLACES = 32_768
"""A connection with its page costs 25 kB: these are 800 MB."""


def places() -> int:
    """How many connections this process has room for. Takes all the open files that it may have."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files = MOST_PLACES * 2 if most == resource.RLIM_INFINITY else most
    return max(16, min(MOST_PLACES, files - RESERVED - SPARE))


class Connection(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket. At `late_at`, by the loop's clock, it took too long."""

    def __init__(self, *arguments: Any, places: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.late_at = math.inf
        self._places = places
        self._in_head = self._in_body = False
        self._unread = 0  # bytes since the head began, or since the body last brought any
        self._head = 0
        self._crowded = self._ending = False
        self.untaken = Untaken()
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast(Transport, transport))
        self.late_at = self.loop.time() + HEAD_SECONDS
        if len(self.connections) <= self._places or self._make_room():
            return
        self._crowded = True
        self.late_at = self.loop.time() + CROWDED_SECONDS
        if len(self.connections) > self._places + SPARE:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """What is being answered may be older than the newest request, which alone is told otherwise."""
        if self._running is not None:
            self._running.disconnected = True
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _make_room(self) -> bool:
        """End those that ask for nothing and have been waited for the longest: many at once, because to find
        them is to look at all.
        """
        idle = [each for each in self.connections if isinstance(each, Connection) and each.asks_nothing]
        idle.remove(self)
        idle.sort(key=lambda each: each.late_at)
        for each in idle[: 1 + len(idle) // 8]:
            self.connections.discard(each)
            each.transport.abort()
        return bool(idle)

    @property
    def asks_nothing(self) -> bool:
        """Nobody waits for an answer here."""
        return not self._in_body and not self._answering

    @property
    def _current(self) -> RequestResponseCycle | None:
        """The newest request of which all headers are there."""
        return self.cycle

    @property
    def _answering(self) -> bool:
        return (current := self._current) is not None and not current.response_complete

    # ------------------------------------------------------------------------------------ what arrives

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(431)  # of a body, it is what surrounds the words: the sizes of chunks, trailers

    def on_message_begin(self) -> None:
        self._in_head, self._head = True, 0
        self.late_at = self.loop.time() + (CROWDED_SECONDS if self._crowded else HEAD_SECONDS)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Percent-encoded as a browser would have it: a program may send any byte."""
        super().on_url(url if url.isascii() else quote_from_bytes(url, _PLAIN).encode())
        if len(self.url) > TARGET_LIMIT and not self.transport.is_closing():
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if self._head <= HEAD_LIMIT:
            super().on_header(name, value)
        elif not self.transport.is_closing():
            self._refuse(431)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body, self._unread = False, True, 0
        if self.transport.is_closing():
            return
        self.late_at = self.loop.time() + BODY_SECONDS
        if self._crowded and self.url.partition(b"?")[0].decode("latin-1") not in PROBES:
            self.app = cast(Any, service_unavailable)
        super().on_headers_complete()
        if (current := self._current) is not None and (self._crowded or self._ending):
            current.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        self._unread = 0
        self.late_at = min(self.late_at + len(body) / BODY_RATE, self.loop.time() + BODY_SECONDS)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.transport.is_closing():
            return
        self._in_body, self._unread = False, 0
        self.late_at = math.inf
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        if self.transport.is_closing():
            return
        if self._crowded:
            self._refuse(503)
        else:
            super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and not self.pipeline:
            rest = BODY_SECONDS if self._in_body else KEEP_ALIVE_SECONDS
            self.late_at = self.loop.time() + rest

    # ------------------------------------------------------------------------------------ what ends it

    def look(self, now: float) -> None:
        """End it when it is late. Somebody calls this several times a second."""
        held = self.transport.get_write_buffer_size()
        self.untaken.look(held * 2 if self._answering else held, now)  # the next one waits behind it
        if self.untaken.seconds(now) > BODY_SECONDS and self.untaken.rate(now) < TAKEN_RATE:
            self.let_go()
        if now < self.late_at:
            return
        if self.transport.is_closing():
            self.transport.abort()  # nobody takes the end of what was said
            return
        if self._answering and (not self._in_body or self.flow.read_paused):
            self.late_at = now + HEAD_SECONDS  # it is we who are slow
        elif self._in_head or self._in_body:
            self._refuse(408)
        else:
            self.late_at = now + HEAD_SECONDS
            self.transport.close()

    def let_go(self) -> None:
        """At once, with what the other side has not taken."""
        log.info("connection.let_go", bytes=self.untaken.size, client=self.client[0] if self.client else "")
        self.transport.abort()

    def _refuse(self, status: int) -> None:
        """Answer with nothing but the status, unless an answer has begun, and hear no more."""
        log.info("connection.refused", status=status, client=self.client[0] if self.client else "")
        current = self._current
        if not self._answering or not (current and current.response_started):
            content = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + content)
        if current is not None:
            current.disconnected = True
            current.message_event.set()
        self.late_at = self.loop.time() + HEAD_SECONDS
        self.transport.close()

    def shutdown(self) -> None:
        """A request may be on its way already: what still arrives is answered, as the last one here."""
        self._ending = True
        if self._answering:
            self.cycle.keep_alive = False
        else:
            self.late_at = self.loop.time() + FAREWELL_SECONDS
