"""A bad network between a page and the server: it cuts, refuses, delays, and loses or doubles frames."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

Tamper = Callable[[bytes], list[bytes]]
"""What becomes of one text frame on its way to the page: nothing, itself, itself twice, another one …"""

_TEXT = 1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing says RST instead of goodbye


class Proxy:
    """Stands on a port of its own before the server's. Change its attributes to make the weather."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.delay = 0.0
        self.answers_to_lose = 0
        """Of so many POSTs the server gets the request, and nobody gets its answer."""
        self.answers_lost = 0
        self.tamper: Tamper | None = None
        self._server_port = server_port
        self._listener: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Nobody listens any more, and every connection is cut."""
        if self._listener:
            self._listener.close()
            self.cut()
            await self._listener.wait_closed()
            self._listener = None

    def cut(self) -> None:
        for line in list(self._lines):
            line.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(self, writer, onward[1])
        self._lines.add(line)
        try:
            await line.run(reader, onward[0])
        finally:
            self._lines.discard(line)
            line.cut()


class _Line:
    """One connection of a page's and the one behind it."""

    def __init__(self, proxy: Proxy, page: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._page = page
        self._server = server
        self._posted = False
        self._frames: Frames | None = None

    def cut(self) -> None:
        for writer in (self._page, self._server):
            connection = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def run(self, page: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Until one of the two ends."""
        ways = [
            asyncio.create_task(self._carry(page, self._to_server)),
            asyncio.create_task(self._carry(server, self._to_page)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(self, source: asyncio.StreamReader, onward: Callable[[bytes], Awaitable[None]]) -> None:
        try:
            while chunk := await source.read(65536):
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                await onward(chunk)
        except OSError:
            return

    async def _to_server(self, chunk: bytes) -> None:
        self._posted = self._posted or chunk.startswith(b"POST ")
        self._server.write(chunk)
        await self._server.drain()

    async def _to_page(self, chunk: bytes) -> None:
        if self._posted and self._proxy.answers_to_lose > 0:
            self._proxy.answers_to_lose -= 1
            self._proxy.answers_lost += 1
            self.cut()
            return
        self._posted = False
        if self._frames is None and chunk.startswith(b"HTTP/1.1 101 "):
            head, _, chunk = chunk.partition(b"\r\n\r\n")
            self._page.write(head + b"\r\n\r\n")
            self._frames = Frames()
        self._page.write(self._frames.pass_on(chunk, self._proxy.tamper) if self._frames else chunk)
        await self._page.drain()


class Frames:
    """The WebSocket frames in a stream of bytes from a server, which masks none of them."""

    def __init__(self) -> None:
        self._rest = b""

    def pass_on(self, chunk: bytes, tamper: Tamper | None) -> bytes:
        self._rest += chunk
        passed = b""
        while frame := self._next():
            self._rest = self._rest[len(frame) :]
            is_text = frame[0] & 0x0F == _TEXT
            passed += b"".join(tamper(frame)) if tamper and is_text else frame
        return passed

    def _next(self) -> bytes:
        """The first frame, once all of it is here."""
        if len(self._rest) < 2:
            return b""
        length, start = self._rest[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(self._rest[2:start])
        whole = start + length
        return self._rest[:whole] if len(self._rest) >= max(whole, start) else b""
