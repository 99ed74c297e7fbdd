"""Where a list goes on: opaque, signed, and holding what was asked for, so that every page is of one list."""

import base64
import hashlib
import hmac
import json
from typing import Any

import msgspec
from msgspec import Struct

from parlour.features.api.operations import BadQuery, Call
from parlour.web.site import site

_SIGNATURE = 16
"""Bytes: what nobody guesses in the time that there is."""


def seal(call: Call, operation: str, asked: Struct, after: str | int) -> str:
    """The cursor of the page that begins `after`, of the list that was asked for."""
    return seal_place(call, operation, _asked(asked), after)


def seal_place(call: Call, operation: str, *place: Any) -> str:
    """What only we can have said, and only to this workspace of this operation."""
    held = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(call, operation, held)[0] + held).decode().rstrip("=")


def unseal(call: Call, operation: str) -> tuple[Any, Any]:
    """The query with what the cursor holds, and after what the page begins; None without a cursor.

    Raises BadQuery for a cursor that is none of ours, or of another list than is asked for beside it.
    """
    query = call.query
    if query.cursor is None:
        return query, None
    if getattr(query, "after", 0):
        raise BadQuery("the cursor says after what the page begins")
    asked, after = unseal_place(call, operation, query.cursor)
    beside = _asked(query)
    if any(asked.get(name) != value for name, value in beside.items()):
        raise BadQuery("the cursor is of another list than the other parameters")
    whole = msgspec.convert({**asked, "limit": query.limit}, type(query), strict=False)
    return whole, after


def _asked(query: Struct) -> dict[str, Any]:
    """What narrows and sorts the list, less what is so by itself."""
    given: dict[str, Any] = msgspec.to_builtins(query)
    usual = msgspec.to_builtins(type(query)())
    return {
        name: value
        for name, value in given.items()
        if name not in ("limit", "cursor", "after") and value != usual[name]
    }


def unseal_place(call: Call, operation: str, cursor: str) -> Any:
    """What was sealed. Raises BadQuery."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raise BadQuery("this is no cursor of ours") from None
    signature, held = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not any(hmac.compare_digest(signature, right) for right in _sign(call, operation, held)):
        raise BadQuery("this is no cursor of ours")
    return json.loads(held)


def _sign(call: Call, operation: str, held: bytes) -> list[bytes]:
    """With each key that is still taken, the current one first; for one workspace and one list alone."""
    signed = f"cursor|{call.program.actor.workspace_id}|{operation}|".encode() + held
    keys = site(call.request).settings.secret_keys
    return [hmac.digest(key, signed, hashlib.sha256)[:_SIGNATURE] for key in keys]
