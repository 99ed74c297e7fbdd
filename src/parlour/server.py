"""One web process: uvicorn with our settings, and a shutdown that tells every page to come back."""

import asyncio
import socket
from collections.abc import Sequence

import uvicorn

from parlour.app import Application
from parlour.realtime.protocol import FRAME_LIMIT
from parlour.settings import Settings

DRAIN_SECONDS = 10


class Server(uvicorn.Server):
    """Closes the sockets with 1001 before uvicorn would end them with an error of its own."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        parlour = self._application.parlour
        # Beside the requests, not after them: a mail server that hangs and a slow upload wait together.
        finishing = asyncio.create_task(parlour.worker.stop())
        await parlour.realtime.drain()
        await super().shutdown(sockets)
        await finishing


def make_server(application: Application, settings: Settings, host: str, port: int) -> Server:
    """Compression of frames stays off: it takes a connection from 16 to 58 kB."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=2 * FRAME_LIMIT,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # our own heartbeat also proves that the page's script is alive
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=_names(settings.trusted_proxies),
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Server(config, application)


def _names(networks: Sequence[object]) -> list[str]:
    return [str(network) for network in networks]
