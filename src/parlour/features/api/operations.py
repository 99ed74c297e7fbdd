"""An operation of the API: what is asked for, what is given, and how a request becomes a call of it."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import P, R, Unit
from parlour.features.accounts.api_keys.models import Program
from parlour.features.api import units
from parlour.features.api.answers import Answer, Once
from parlour.features.api.shapes import NoQuery
from parlour.kernel.errors import DomainError
from parlour.web.errors import BadRequest, TooLarge
from parlour.web.ids import id_in
from parlour.web.site import db

HOME = "/api/v1"
BODY_LIMIT = 512 * 1024
"""Bytes. The longest description, each character of it escaped, is a quarter of this."""
JSON = ("application/json", "application/merge-patch+json")


class BadQuery(BadRequest):
    """An unknown or mistyped parameter: to ignore it would answer another question than was asked."""

    code = "bad_query"
    message = "A parameter in the address is unknown, comes twice, or has a value that it cannot have."

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problems = {"query": problem}


class BadBody(BadRequest):
    code = "bad_body"
    message = "The body is not the JSON that this takes."

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problems = {"body": problem}


class NotJson(DomainError):
    status = 415
    code = "not_json"
    message = "Send JSON, with Content-Type: application/json."


class Encoded(DomainError):
    """Whoever compresses a file would get it back as something else."""

    status = 415
    code = "encoded_body"
    message = "Send the body as it is, without Content-Encoding."


class Call(Struct, frozen=True):
    """One request, read and let in."""

    request: Request
    program: Program
    query: Any
    body: Any
    once: Once | None

    def id(self, name: str) -> UUID:
        return id_in(self.request, name)

    async def read(self, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await db(self.request).read(self.program.actor, unit, *args, **kwargs)

    async def scan(self, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await db(self.request).scan(self.program.actor, unit, *args, **kwargs)

    async def write(
        self, unit: Unit[P, R], to: Callable[[R], Answer], /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        """What the unit comes to, as an answer. Of one that was asked for once, the answer is kept with its
        effect, and given again.
        """
        actor = self.program.actor
        if self.once is None:
            return to(await db(self.request).write(actor, unit, *args, **kwargs))

        def does(tx: Any) -> Answer:
            return to(unit(tx, *args, **kwargs))

        return await db(self.request).write(actor, units.once, self.once, does)


class Operation(Struct, frozen=True):
    """`path` is what follows HOME. `does` has the operation's name, its summary and its description.

    What it gives is a file where `gives` is None. What it takes is bytes of the type `raw`, where that says
    one, and then nothing has read them yet; its example is then in `query` and `body`.
    """

    method: str
    path: str
    does: Callable[[Call], Awaitable[Answer | Response]]
    gives: type[Struct] | None
    role: str = "viewer"
    takes: type[Struct] | None = None
    query: type[Struct] = NoQuery
    status: int = 200
    refusals: Sequence[type[DomainError]] = ()
    if_match: bool = False
    raw: str = ""
    once: bool = True
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_key(self) -> bool:
        """Whether an Idempotency-Key says that it is to be done once. A file is nothing yet that was done; of
        what is not `once` the answer must not be kept.
        """
        return self.method == "POST" and self.once and not self.raw

    @property
    def name(self) -> str:
        return self.does.__name__

    @property
    def summary(self) -> str:
        return (self.does.__doc__ or "").partition("\n")[0].rstrip(".")


def read_query(request: Request, into: type[Struct]) -> Any:
    """Raises BadQuery."""
    given = request.query_params.multi_items()
    fields = dict(given)
    if len(fields) != len(given):
        raise BadQuery("a parameter comes twice")
    if any("\0" in value or "\ufffd" in value for value in fields.values()):
        raise BadQuery("a value is no text")
    try:
        asked = msgspec.convert(fields, into, strict=False)
    except msgspec.ValidationError as error:
        raise BadQuery(str(error)) from None
    if any(getattr(asked, name) is None for name in fields):  # of "null", which is no word for nothing
        raise BadQuery("a value is none of those that there are")
    return asked


def plain_body(request: Request) -> None:
    """Raises Encoded."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Encoded


async def read_body(request: Request, into: type[Any]) -> tuple[Any, bytes]:
    """What was sent, and as it came. Raises Encoded, NotJson, TooLarge, BadBody."""
    plain_body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON:
        raise NotJson
    raw = await _whole(request)
    try:
        said = msgspec.json.decode(raw, type=into)
        json.loads(raw, object_pairs_hook=_each_once, parse_int=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(str(error)) from None
    return said, raw


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    """Of two values one would be dropped unsaid, and not every program drops the same. Raises BadBody."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadBody(f"`{twice[:50]}` comes twice")


async def _whole(request: Request) -> bytes:
    """Raises TooLarge as soon as it is."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
