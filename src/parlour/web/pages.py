"""Answers: a page, a redirect, a few fields of JSON."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from parlour.kernel.errors import DomainError, Invalid
from parlour.web import csrf
from parlour.web.session import keep_browser
from parlour.web.site import site

THEMES = ("light", "dark")


def problems_of(refused: DomainError) -> Mapping[str, str]:
    """What is in the way, as a code for each field; the field `form` is the form as a whole."""
    return refused.problems if isinstance(refused, Invalid) else {"form": refused.code}


def waiting(error: DomainError) -> dict[str, str]:
    """The header that says how long to wait, if that helps."""
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    refused: DomainError | None = None,
    **context: Any,
) -> HTMLResponse:
    """A page, with what every page needs to know of its reader.

    `refused` is why the form on it was not taken. The page then has that error's status and says what is in
    the way (`problems`) and for how long (`retry_after`, seconds); the caller gives back what was typed.
    """
    theme = request.cookies.get("theme", "")
    page = {
        "theme": theme if theme in THEMES else "",
        "csrf": csrf.token(request),
        "path": request.scope["path"],
        "lang": "en",
        "dir": "ltr",
    }
    context["problems"] = problems_of(refused) if refused else {}
    context["retry_after"] = refused.retry_after if refused else None
    response = HTMLResponse(
        site(request).renderer(template, page=page, **context),
        refused.status if refused else status,
        waiting(refused) if refused else None,
    )
    keep_browser(request, response)
    return response


def redirect(path: str) -> Response:
    """Go there with GET: a reload does not send the form again."""
    return RedirectResponse(path, 303)


def done(path: str, what: str) -> Response:
    """Back to a page that says what was just done there; `what` is a word that this page knows."""
    return redirect(f"{path}{'&' if '?' in path else '?'}done={what}")


def as_json(fields: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(fields), status, headers, "application/json")


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
