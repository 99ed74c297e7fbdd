"""As much of a WebSocket as a bench needs: it keeps what comes, and when, and reads it when all is over.

Whatever a general client does more for a frame, it does on the machine that is measured.
"""

import asyncio
from time import perf_counter
from typing import cast

TEXT, CLOSE = 0x81, 0x88
_SUBSCRIBED = b'{"t":"presence"'
_MESSAGE = b'{"t":"message"'
_HEADS = b'{"t":"heads"'


def _frame(text: bytes) -> bytes:
    """From a client: masked, by zeros, which leave it as it is."""
    assert len(text) < 126
    return bytes((TEXT, 0x80 | len(text), 0, 0, 0, 0)) + text


_ALIVE = _frame(b'{"t":"alive"}')


class Ear(asyncio.Protocol):
    """`heard` are the messages as they came, each with its moment; `gone` is the code that ended it."""

    def __init__(self, room: str) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.gone: int | None = None
        self.inside: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hello = _frame(f'{{"t":"subscribe","room":"{room}","after":0}}'.encode())
        self._rest = b""
        self._greeted = False
        self._transport: asyncio.Transport

    @classmethod
    async def opened(cls, port: int, address: str, query: str, cookie: str, room: str) -> "Ear":
        """In its room, with the past heard; from the loopback address `address`."""
        loop = asyncio.get_running_loop()
        transport, ear = await loop.create_connection(
            lambda: cls(room), "127.0.0.1", port, local_addr=(address, 0)
        )
        head = (
            f"GET /realtime?{query} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Origin: http://127.0.0.1:{port}",
            f"Cookie: {cookie}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        transport.write("\r\n".join(head).encode() + b"\r\n\r\n")
        await ear.inside
        return ear

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        data = self._rest + data if self._rest else data
        if not self._greeted:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.inside.set_exception(ConnectionError(head.decode("latin-1")))
            self._greeted = True
            self._transport.write(self._hello)
        at = 0
        while (found := _first(data, at)) is not None:
            kind, begin, at = found
            self._hear(kind, data[begin:at], now)
        self._rest = data[at:]

    def _hear(self, kind: int, text: bytes, now: float) -> None:
        if text.startswith(_MESSAGE):
            self.heard.append((now, text))
        elif text.startswith(_HEADS):
            self._transport.write(_ALIVE)
        elif kind == CLOSE:
            self.gone = int.from_bytes(text[:2])
        elif text.startswith(_SUBSCRIBED) and not self.inside.done():
            self.inside.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.inside.done():
            self.inside.set_exception(exc or ConnectionError(f"closed before it was in: {self.gone}"))
        if self.gone is None:
            self.gone = 1006


def _first(data: bytes, at: int) -> tuple[int, int, int] | None:
    """The frame that begins here: its kind, where its words begin and end. None until all of it came."""
    if len(data) < at + 4:
        return None  # no frame of ours is shorter
    length, begin = data[at + 1], at + 2
    if length == 126:
        length, begin = int.from_bytes(data[at + 2 : at + 4]), at + 4
    elif length == 127:
        raise ConnectionError("This frame is longer than any that a bench asks for.")
    return (data[at], begin, begin + length) if len(data) >= begin + length else None
