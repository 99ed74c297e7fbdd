"""How large a body may be: as large as fields, and where files come as large as people's films are.

Starlette has such a limit, too. It answers in a line of plain text, past our pages and past what was typed.
"""

import sys
from typing import cast

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parlour.web.forms import FIELDS_SIZE

FILMS_SIZE = 4 * 1024**3
"""Bytes. The reader of forms passes over a file that is too large, and keeps the words beside it."""
_BOUND = "parlour.body_bound"


class _Bound:
    def __init__(self, most: int) -> None:
        self.most = most
        self.came = 0


class BodyLimit:
    """Around the pages: what is larger than its address takes is an error for whoever reads it, as soon as
    that is known.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound = scope[_BOUND] = _Bound(FIELDS_SIZE)
        told = _told(scope)

        async def within() -> Message:
            if told > bound.most:
                raise HTTPException(413)
            message = await receive()
            bound.came += len(message.get("body", b""))
            if bound.came > bound.most:
                raise HTTPException(413)
            return message

        await self._app(scope, within, send)


def _told(scope: Scope) -> int:
    """How large the body is to be by its own word; 0 when it says nothing that counts."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdecimal() else 0


class _FilesMayCome:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Headers(scope=scope).get("content-type", "").lower().startswith("multipart/form-data"):
            cast(_Bound, scope[_BOUND]).most = FILMS_SIZE
        await self._app(scope, receive, send)


class _Unbounded:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cast(_Bound, scope[_BOUND]).most = sys.maxsize
        await self._app(scope, receive, send)


FILES_MAY_COME = [Middleware(_FilesMayCome)]
"""For routes."""
OWN_LIMITS = [Middleware(_Unbounded)]
"""For what bounds each body as it reads it."""
