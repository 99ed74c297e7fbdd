"""WebSockets to whoever reads slowly, or not at all: little waits for them, and nothing when they are let go.

uvicorn says that a frame is sent when it is in the connection's buffer, behind 64 KiB of others; and it
closes a connection by waiting until its peer has taken everything, which some never do.
"""

from asyncio import BaseTransport, Transport
from functools import lru_cache
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN

from parlour.realtime.connection import TAKE

BUFFER_BYTES = 16 * 1024
"""In a connection's own buffer, beyond the frame that is being taken."""
LATELY = 8
"""Frames: what happens in a room is told to one after the other, in up to two frames for each side."""


@lru_cache(maxsize=LATELY)
def _framed(text: str) -> bytes:
    """The same for every socket: a server masks nothing, and nothing is compressed."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class Socket(WebSocketsSansIOProtocol):
    """`send` returns when the frame has all but left."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        cast(Transport, transport).set_write_buffer_limits(high=BUFFER_BYTES)

    def handle_ping(self) -> None:
        """Whoever takes nothing gets no answers either: they would wait without a bound."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.send":
            await self.writable.wait()
        elif self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def take(self, text: str) -> bool:
        """Send this frame now; False, and nothing sent, where `send` would wait, or refuse it.

        `send` takes a task, four layers, and makes the frame anew for each socket.
        """
        if self.conn.state is not OPEN or self.close_sent or not self.handshake_complete:
            return False
        frame = _framed(text)
        if not self.writable.is_set() or self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size() + len(frame) > BUFFER_BYTES:
            return False
        self.transport.write(frame)
        return True

    async def run_asgi(self) -> None:
        """Whoever had not taken everything when the application was done with them is cut off."""
        offered = cast(dict[str, Any], self.scope["extensions"])
        offered[TAKE] = self.take
        await super().run_asgi()
        del offered[TAKE]
        if self.close_timer is None and self.transport.get_write_buffer_size():
            self.transport.abort()
