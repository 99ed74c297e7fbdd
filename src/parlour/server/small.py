"""A few addresses for machines, beside what a process does in the first place."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from parlour.web.metrics import Metrics


class _Quiet(uvicorn.Server):
    """Leaves the signals to whom it works for."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def answering(listener: socket.socket | None, app: ASGIApp) -> AsyncIterator[None]:
    """Serve `app` meanwhile, on a copy of the socket; nothing without one."""
    if listener is None:
        yield
        return
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve(sockets=[listener.dup()]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def worker_app(metrics: Metrics) -> ASGIApp:
    """What a process without pages answers."""

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(routes=[Route("/metrics", metrics.serve), Route("/healthz", alive)])
