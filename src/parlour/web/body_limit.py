"""How large a body may be where files come."""

from typing import cast

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from parlour.web.forms import FIELDS_SIZE, FILES_LIMIT
from parlour.web.site import Site

_ROOM = 64 * 1024
"""Bytes for what stands around the parts."""


class _FilesMayCome:
    """A multipart form may be as large as its files and fields; any other body as large as everywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if Headers(scope=scope).get("content-type", "").lower().startswith("multipart/form-data"):
            site = cast(Site, scope["app"].state.site)
            most = FILES_LIMIT * site.settings.file_limit + FIELDS_SIZE + _ROOM
            app = RequestBodyLimitMiddleware(app, max_body_size=most)
        await app(scope, receive, send)


FILES_MAY_COME = [Middleware(_FilesMayCome)]
"""For routes."""
