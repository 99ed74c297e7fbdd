"""The way in for clients of Zendesk's API: a key of ours as its token, our limits in its headers."""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.api.answers import Answer
from parlour.features.api.door import AT_ONCE_SECONDS, admitted, count_use, note_refused, once_of
from parlour.features.api.operations import BadBody, Call, plain_body, read_body
from parlour.features.api.shapes import NoQuery
from parlour.features.api.v2 import taking
from parlour.kernel.errors import Forbidden, Invalid
from parlour.web.limits import Limit

Does = Callable[[Call], Awaitable[Answer | Response]]

_ENCODER = msgspec.json.Encoder()


def answer(told: Mapping[str, Any], status: int = 200, **headers: str) -> Answer:
    return Answer(
        _ENCODER.encode(told), status, {name.replace("_", "-"): said for name, said in headers.items()}
    )


def endpoint(by_method: Mapping[str, Does], *, raw: bool) -> Callable[[Request], Awaitable[Response]]:
    """Of one address. `raw`: the operation reads what is sent itself."""

    async def endpoint(request: Request) -> Response:
        does = by_method["GET" if request.method == "HEAD" else request.method]
        request.scope["endpoint"] = does
        return await _answer(request, does, raw=raw)

    return endpoint


async def _answer(request: Request, does: Does, *, raw: bool) -> Response:
    program = await admitted(request, _token(request))
    try:
        await count_use(request, program)
    finally:
        request.state.headers = {**request.state.headers, **_limits(request.state.headers)}
    plain_body(request)
    began = time.monotonic()
    body, sent = ({}, b"") if raw or not _brings(request) else await read_body(request, dict[str, Any])
    if time.monotonic() - began > AT_ONCE_SECONDS:
        program = await admitted(request, _token(request))
    once = once_of(request, sent) if request.method == "POST" and not raw else None
    try:
        given = await does(Call(request, program, NoQuery(), body, once))
    except Forbidden:
        await note_refused(request, program)
        raise
    if isinstance(given, Response):
        given.headers.update(request.state.headers)
        return given
    headers = {**request.state.headers, **given.headers}
    if once is not None:
        headers["x-idempotency-lookup"] = "hit" if given.replayed else "miss"
    return Response(given.body, given.status, headers, "application/json" if given.body else None)


def _brings(request: Request) -> bool:
    if request.method in ("POST", "PUT"):
        return True
    return request.method == "DELETE" and request.headers.get("content-length", "0") != "0"


def _token(request: Request) -> str:
    """The key: as the password of `address/token`, whatever the address, or as a bearer's. Empty for none."""
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return said.strip() if scheme.lower() == "bearer" else ""
    try:
        name, _, password = base64.b64decode(said.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if name.endswith("/token") else ""


def _limits(ours: Mapping[str, str]) -> Mapping[str, str]:
    """In Zendesk's words, which are about a minute."""
    left = ours["RateLimit"].partition("r=")[2].partition(";")[0]
    return {"X-Rate-Limit": str(Limit.API.rate.amount), "X-Rate-Limit-Remaining": left}


T = TypeVar("T", bound=Struct)


def taken(body: Mapping[str, Any], name: str, into: type[T]) -> T:
    """What the body says under this name. Raises BadBody, Invalid (not_supported)."""
    given = body.get(name)
    if not isinstance(given, dict):
        raise BadBody(f"it holds no {name}")
    return read(given, into)


def read(given: Mapping[str, Any], into: type[T]) -> T:
    """Raises BadBody, Invalid (not_supported)."""
    known = {field.name for field in msgspec.structs.fields(into)} | taking.OF_EVERYTHING
    said = {name for name, value in given.items() if value not in (None, "", [], {}, False)}
    if said - known:
        raise Invalid(dict.fromkeys(sorted(said - known), "not_supported"))
    if "comment" in given and isinstance(given["comment"], dict):
        read(given["comment"], taking.Comment)
    try:
        return msgspec.convert(given, into)
    except msgspec.ValidationError as error:
        raise BadBody(str(error)) from None
