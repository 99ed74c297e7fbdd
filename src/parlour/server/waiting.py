"""A database that is not there yet, as when a whole machine starts: it is waited for, and that is said."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.types import Receive, Scope, Send

from parlour.db.database import DatabaseAway
from parlour.server.small import answering

PAUSE_SECONDS = 1.0
SAY_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


async def when_there(prepare: Callable[[], Awaitable[None]], listener: socket.socket | None = None) -> None:
    """Prepare the database as soon as it answers. Until then `listener` is served: this process lives, and is
    not ready. Raises what says that waiting does not help.
    """
    try:
        await prepare()
    except DatabaseAway as away:
        log.warning("database.awaited", why=str(away))
        async with answering(listener, _alive_not_ready):
            await _tried_again(prepare)
        log.info("database.back")


async def _tried_again(prepare: Callable[[], Awaitable[None]]) -> None:
    say_at = time.monotonic() + SAY_AGAIN_SECONDS
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            return await prepare()
        except DatabaseAway as away:
            if time.monotonic() > say_at:
                say_at = time.monotonic() + SAY_AGAIN_SECONDS
                log.warning("database.awaited", why=str(away))


async def _alive_not_ready(scope: Scope, _: Receive, send: Send) -> None:
    alive = scope["path"] == "/healthz"
    body = b"ok\n" if alive else b"the database does not answer yet\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    again = [] if alive else [(b"retry-after", b"2")]
    status = 200 if alive else 503
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *again]})
    await send({"type": "http.response.body", "body": body})
