"""Answers: a page, a redirect, a few fields of JSON."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from parlour.web import csrf
from parlour.web.session import keep_browser
from parlour.web.site import site

THEMES = ("light", "dark")


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, with what every page needs to know of its reader."""
    theme = request.cookies.get("theme", "")
    page = {
        "theme": theme if theme in THEMES else "",
        "csrf": csrf.token(request),
        "path": request.url.path,
        "lang": "en",
        "dir": "ltr",
    }
    response = HTMLResponse(site(request).renderer(template, page=page, **context), status)
    keep_browser(request, response)
    return response


def redirect(path: str) -> Response:
    """Go there with GET: a reload does not send the form again."""
    return RedirectResponse(path, 303)


def as_json(fields: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(fields), status, headers, "application/json")


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
