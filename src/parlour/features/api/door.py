"""The way in for programs: who asks, how often, for what, and once or again."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.api_keys.models import Program
from parlour.features.accounts.events import service as events
from parlour.features.api.answers import Once
from parlour.features.api.operations import HOME, Call, Operation, plain_body, read_body, read_query
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Forbidden, Overloaded
from parlour.web.counting import network_of
from parlour.web.csrf import proved_by_key
from parlour.web.errors import BadRequest
from parlour.web.limits import Limit
from parlour.web.site import db, site

KEY_LIMIT = 255
AT_ONCE_SECONDS = 1.0
"""Whose body took longer is let in anew: the key may have been revoked meanwhile."""

log = structlog.get_logger("parlour.security")


class BadIdempotencyKey(BadRequest):
    code = "bad_idempotency_key"
    message = f"An Idempotency-Key is 1 to {KEY_LIMIT} letters, digits and signs of ASCII."


class StillRunning(DomainError):
    """The same request is being done at this moment: the key stays good, and the answer will be its."""

    status = 409
    code = "idempotency_key_in_use"
    message = "The first request with this Idempotency-Key is still running. Send the same again in a moment."
    retry_after = 1


class Door:
    """One for a process. `running`: which keys of whom are being used at this moment; what other processes
    do meanwhile waits for them in the database.
    """

    def __init__(self) -> None:
        self._running: set[tuple[str, str]] = set()

    def endpoint(self, operations: Sequence[Operation]) -> Callable[[Request], Awaitable[Response]]:
        """Of one address, by method."""
        by_method = {operation.method: operation for operation in operations}

        async def endpoint(request: Request) -> Response:
            operation = by_method["GET" if request.method == "HEAD" else request.method]
            request.scope["endpoint"] = operation.does
            return await self._answer(request, operation)

        return endpoint

    async def _answer(self, request: Request, operation: Operation) -> Response:
        program = await program_of(request)
        await count_use(request, program)
        query = read_query(request, operation.query)
        body, raw = None, b""
        if operation.raw:
            plain_body(request)
        if operation.takes:
            began = time.monotonic()
            body, raw = await read_body(request, operation.takes)
            if time.monotonic() - began > AT_ONCE_SECONDS:
                program = await program_of(request)
        once = once_of(request, raw) if operation.takes_key else None
        try:
            with self._alone(program, once):
                given = await operation.does(Call(request, program, query, body, once))
        except Forbidden:
            await note_refused(request, program)
            raise
        if isinstance(given, Response):
            given.headers.update(request.state.headers)
            return given
        headers = {**request.state.headers, **given.headers}
        if given.replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(given.body, given.status, headers, "application/json")

    @contextmanager
    def _alone(self, program: Program, once: Once | None) -> Iterator[None]:
        if once is None:
            yield
            return
        this = (program.actor.id, once.key)
        if this in self._running:
            raise StillRunning
        self._running.add(this)
        try:
            yield
        finally:
            self._running.discard(this)


async def program_of(request: Request) -> Program:
    """Whose key it is. Raises BadKey."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return await admitted(request, token.strip() if scheme.lower() == "bearer" else "")


async def admitted(request: Request, token: str) -> Program:
    """Whose key the token is. Raises BadKey."""
    place = api_keys.place_of(token)
    if place is None:
        raise api_keys.BadKey
    system = Actor.system(place)
    program = await db(request).read(system, api_keys.program, token)
    proved_by_key(request)
    if program.stale:
        with suppress(Overloaded):  # whoever only reads need not wait until something can be stored
            await db(request).write(system, api_keys.note_use, program.key_id)
    return program


async def note_refused(request: Request, program: Program) -> None:
    """In the trail of those who manage the workspace, as for an agent at the desk, and in the log."""
    network = network_of(request)
    what = f"{request.method} {request.scope['path'].removeprefix(HOME)}, {network}"
    log.info("security.refused", key_id=str(program.key_id), network=network, what=what)
    with suppress(DomainError):
        await db(request).write(program.actor, events.note_refused, what)


async def count_use(request: Request, program: Program) -> None:
    """Every answer from here on says what is left (draft-ietf-httpapi-ratelimit-headers). Raises TooMany."""
    limits, rate = site(request).limits, Limit.API.rate
    try:
        await limits.count(Limit.API, program.actor.id)
    finally:
        left, seconds = limits.left(Limit.API, program.actor.id)
        request.state.headers = {
            "RateLimit-Policy": f'"key";q={rate.amount};w={rate.seconds}',
            "RateLimit": f'"key";r={left};t={-int(-seconds // 1)}',
        }


def once_of(request: Request, raw: bytes) -> Once | None:
    """Raises BadIdempotencyKey."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    key = ", ".join(keys)
    if len(keys) > 1 or not 1 <= len(key) <= KEY_LIMIT or not key.isascii() or not key.isprintable():
        raise BadIdempotencyKey
    asked = b"\n".join((request.method.encode(), request.scope["path"].encode(), raw))
    return Once(key, hashlib.sha256(asked).hexdigest())
