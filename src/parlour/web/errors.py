"""What a browser or program gets when something went wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from parlour.kernel.errors import DomainError, Forbidden, NotFound, Overloaded, SignedOut, Unreachable
from parlour.web.csrf import same_origin
from parlour.web.forms import every, safe_path, typed
from parlour.web.pages import as_json, redirect, render, waiting, wants_json

Boundary = Callable[[Request, DomainError], Awaitable[Response | None]]
"""A feature's own error page, in its layout; None leaves it to the plain one."""
ForPrograms = Callable[[Request, DomainError], Response]


class Failed(DomainError):
    """A fault of ours. What went wrong is in the log, not on the page."""

    code = "error"


class TooLarge(DomainError):
    status = 413
    code = "too_large"
    message = "That was more than we can take at once. Please shorten it."


class NoSuchMethod(DomainError):
    status = 405
    code = "method"
    message = "This page does not work that way."


class BadRequest(DomainError):
    status = 400
    code = "bad_request"
    message = "This request cannot be read."


WORDS = {"content", "description", "note", "within", "outside", "signature"}
"""Fields in which somebody may have written for an hour. Forms with a password have none of them."""
KEEPING = (Overloaded, SignedOut, Forbidden)
"""What may come between words and their place while somebody writes: its page holds them, to be sent anew."""
CLIENT_CLOSED_REQUEST = 499
"""As nginx writes it down."""
BY_STATUS: dict[int, type[DomainError]] = {404: NotFound, 405: NoSuchMethod, 413: TooLarge}


class Errors:
    """Turns whatever was raised into a page or into JSON, by what was asked for; for `programs`, addresses
    that begin so, into what those read.
    """

    def __init__(self, boundaries: Mapping[str, Boundary], programs: Mapping[str, ForPrograms]) -> None:
        self.boundaries = boundaries
        self.programs = programs

    async def domain(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)
        if told := self._for_programs(request):
            return told(request, error)
        if wants_json(request):
            body = {"code": error.code, "message": error.message}
            if problems := getattr(error, "problems", None):
                body["problems"] = problems
            return as_json(body, status=error.status, headers=waiting(error))
        if isinstance(error, KEEPING):
            request.state.typed = await _typed(request)
        if isinstance(error, SignedOut) and not request.state.typed:
            return _sign_in(request)
        return await self._page(request, error)

    async def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = BY_STATUS.get(error.status_code)
        if known:
            response = await self.domain(request, known())
            response.headers.update(error.headers or {})
            if error.status_code == 405 and not self._for_programs(request):
                response.headers["Allow"] = ", ".join(sorted(_methods(request)))
            return response
        if told := self._for_programs(request):
            return told(request, BadRequest())
        return Response(HTTPStatus(error.status_code).phrase, error.status_code, error.headers)

    async def gone(self, _: Request, __: Exception) -> Response:
        """Whoever asked has left before all of it had come. The status of this answer is for the log."""
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    async def unforeseen(self, request: Request, _: Exception) -> Response:
        """The server logs the error itself, with its traceback."""
        return await self.domain(request, Failed())

    def _for_programs(self, request: Request) -> ForPrograms | None:
        """By the address alone: a program that asks for HTML by mistake reads a problem all the same."""
        return for_programs(self.programs, request.url.path)

    async def _page(self, request: Request, error: DomainError) -> Response:
        """In the feature's layout, which takes a look into the database: not when that is what failed."""
        for prefix, boundary in self.boundaries.items():
            if request.url.path.startswith(prefix) and not isinstance(error, Unreachable):
                response = await _within(boundary, request, error)
                if response is not None:
                    return response
        return error_page(request, error, layout="plain", home="/")


def for_programs(programs: Mapping[str, ForPrograms], path: str) -> ForPrograms | None:
    return next((told for home, told in programs.items() if path.startswith(home)), None)


async def _typed(request: Request) -> Sequence[tuple[str, str]]:
    """The fields of a form with somebody's words in it, which can be sent again from the error page. Its own
    page, which keeps them as a rule, needs the database, or somebody who is signed in.
    """
    if request.method != "POST" or "hx-request" in request.headers or not same_origin(request):
        return ()
    try:
        fields = await typed(request)
    except (DomainError, HTTPException):
        return ()
    if not WORDS & fields.keys():
        return ()
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return tuple(fields.items())
    return [(name, value) for name in fields for value in await every(request, name)]


def words_kept(request: Request) -> Sequence[str]:
    """What somebody wrote who was refused, for a page that offers no sending again."""
    typed: Sequence[tuple[str, str]] = getattr(request.state, "typed", ())
    return [value for name, value in typed if name in WORDS and value]


async def _within(boundary: Boundary, request: Request, error: DomainError) -> Response | None:
    """The boundary's page. When a fault broke the boundary as well, the plain page still stands."""
    try:
        return await boundary(request, error)
    except Overloaded:
        return None
    except Exception:
        if isinstance(error, Failed):
            return None
        raise


def _methods(request: Request) -> set[str]:
    """All methods of the address: GET and POST of one page are two routes, and each knows only its own."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in here for method in route.methods or ()}


def _sign_in(request: Request) -> Response:
    """To the sign-in page, and from there back to the page that the person was on."""
    by_htmx = "hx-request" in request.headers
    if by_htmx:  # it asks for a part of a page
        seen = request.headers.get("hx-current-url", "")
    elif request.method in ("GET", "HEAD"):
        seen = str(request.url)
    else:
        seen = request.headers.get("referer", "")
    page = safe_path(_on_this_host(seen))
    target = f"/auth/login?{urlencode({'next': page})}"
    return Response(status_code=401, headers={"HX-Redirect": target}) if by_htmx else redirect(target)


def _on_this_host(address: str) -> str:
    """Its path and query. A header may hold anything at all."""
    try:
        return urlunsplit(("", "", *urlsplit(address)[2:4], ""))
    except ValueError:
        return "/"


def error_page(request: Request, error: DomainError, **context: Any) -> Response:
    shown = {
        "status": error.status,
        "code": error.code,
        "message": error.message,
        "retry_after": error.retry_after,
    }
    typed = getattr(request.state, "typed", ())
    has_page = "GET" in _methods(request)
    page = {"error": shown, "has_page": has_page, "typed": typed, "words": WORDS, **context}
    return render(request, "errors/error.html", refused=error, **page)
