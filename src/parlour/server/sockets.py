"""WebSockets to whoever reads slowly, or not at all: little waits for them, and nothing when they are let go.

uvicorn says that a frame is sent when it is in the connection's buffer, behind 64 KiB of others; and it
closes a connection by waiting until its peer has taken everything, which some never do.
"""

from asyncio import BaseTransport, Transport
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

BUFFER_BYTES = 16 * 1024
"""In a connection's own buffer, beyond the frame that is being taken."""


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

    async def run_asgi(self) -> None:
        """Whoever had not taken everything when the application was done with them is cut off."""
        await super().run_asgi()
        if self.close_timer is None and self.transport.get_write_buffer_size():
            self.transport.abort()
