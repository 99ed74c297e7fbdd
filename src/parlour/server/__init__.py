"""Web processes: uvicorn with our settings, and a shutdown that tells every page to come back."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import uvicorn

from parlour.app import Application
from parlour.kernel import garbage
from parlour.kernel.networks import as_peers
from parlour.realtime.protocol import FRAME_LIMIT
from parlour.server.connections import KEEP_ALIVE_SECONDS, Connection, places
from parlour.server.sockets import Socket
from parlour.server.untaken import keep_within
from parlour.settings import Settings

DRAIN_SECONDS = 10
LEAVE_SECONDS = 2.0
"""A proxy that asks each second finds out within this that its requests go to another node."""
LOOK_SECONDS = 0.25


class Server(uvicorn.Server):
    """Closes the sockets with 1001 before uvicorn would end them with an error of its own, and leaves nobody
    unanswered who was on the way: behind a proxy that would be a request that failed.
    """

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._looking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._looking = asyncio.create_task(self._look(), name="connections")
        garbage.settle()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            connections = [each for each in self.server_state.connections if isinstance(each, Connection)]
            for connection in connections:
                connection.look(now)
            keep_within(connections, now)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        parlour = self._application.parlour
        parlour.leaving = True
        parlour.followers.let_go()
        if parlour.settings.trusted_proxies and parlour.settings.is_postgresql:
            await asyncio.sleep(LEAVE_SECONDS)
        await self._accept_no_more(sockets or [])
        # Beside the requests, not after them: a mail server that hangs and a slow upload wait together.
        finishing = asyncio.create_task(parlour.worker.stop())
        await parlour.realtime.drain()
        await super().shutdown(sockets)
        await finishing
        if self._looking is not None:
            self._looking.cancel()

    async def _accept_no_more(self, listeners: Sequence[socket.socket]) -> None:
        """Let go of the listening sockets, and keep what the kernel has already taken for us."""
        left = [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        await asyncio.sleep(0.01)  # the loop closes its own copy in its next round
        make = cast(Any, self.config.http_protocol_class)
        common = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        for listener in left:
            listener.setblocking(False)
            while True:
                try:
                    arrived, _ = listener.accept()
                except OSError:
                    break
                await asyncio.get_running_loop().connect_accepted_socket(partial(make, **common), arrived)
            listener.close()


def make_server(application: Application, settings: Settings, host: str, port: int) -> Server:
    """Compression of frames stays off: it takes a connection from 16 to 58 kB."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http=cast(Any, partial(Connection, places=places())),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws=Socket,
        ws_max_size=2 * FRAME_LIMIT,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # our own heartbeat also proves that the page's script is alive
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[peer for network in settings.trusted_proxies for peer in as_peers(network)],
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Server(config, application)
