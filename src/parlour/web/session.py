"""The four cookies, and the secrets in them.

`session` is an agent's, `visitor` opens a customer's tickets, `browser` only ties forms to the
browser that was shown them, `pending` is a sign-in that still owes its second factor, as seal.py signed
it. On https they carry the `__Host-` prefix: no other host can set them.
"""

import re
import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response

from parlour.web.site import site

SESSION = "parlour_session"
VISITOR = "parlour_visitor"
BROWSER = "parlour_browser"
PENDING = "parlour_pending"
SESSION_SECONDS = 7 * 24 * 3600
VISITOR_SECONDS = 30 * 24 * 3600
BROWSER_SECONDS = 365 * 24 * 3600
PENDING_SECONDS = 10 * 60

_SECRET = re.compile(r"[A-Za-z0-9_-]{20,64}")


def _name(connection: HTTPConnection, cookie: str) -> str:
    return f"__Host-{cookie}" if site(connection).settings.secure else cookie


def _read(connection: HTTPConnection, cookie: str) -> str | None:
    value = connection.cookies.get(_name(connection, cookie), "")
    return value if _SECRET.fullmatch(value) else None


def session_token(connection: HTTPConnection) -> str | None:
    return _read(connection, SESSION)


def visitor_secret(connection: HTTPConnection) -> str | None:
    return _read(connection, VISITOR)


def browser_secret(connection: HTTPConnection) -> str:
    """The browser's own secret; a new one is made, and kept for `keep_browser`, when it has none."""
    known = connection.scope.get("parlour.browser") or _read(connection, BROWSER)
    if known is None:
        known = connection.scope["parlour.browser"] = secrets.token_urlsafe(24)
    return str(known)


def keeps_cookies(connection: HTTPConnection) -> bool:
    """Whether the browser gave back what pages of ours brought."""
    return any(_read(connection, cookie) for cookie in (BROWSER, SESSION))


def keep_browser(connection: HTTPConnection, response: Response) -> None:
    made = connection.scope.get("parlour.browser")
    if made:
        _set(connection, response, BROWSER, made, BROWSER_SECONDS)


def keep_session(connection: HTTPConnection, response: Response, token: str) -> None:
    _set(connection, response, SESSION, token, SESSION_SECONDS)


def keep_visitor(connection: HTTPConnection, response: Response, secret: str) -> None:
    _set(connection, response, VISITOR, secret, VISITOR_SECONDS)


def pending_sign_in(connection: HTTPConnection) -> str:
    return connection.cookies.get(_name(connection, PENDING), "")


def keep_pending(connection: HTTPConnection, response: Response, sealed: str) -> None:
    _set(connection, response, PENDING, sealed, PENDING_SECONDS)


def forget_pending(connection: HTTPConnection, response: Response) -> None:
    _set(connection, response, PENDING, "", 0)


def forget_session(connection: HTTPConnection, response: Response) -> None:
    _set(connection, response, SESSION, "", 0)


def _set(connection: HTTPConnection, response: Response, cookie: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(connection, cookie),
        value,
        max_age=seconds,
        path="/",
        secure=site(connection).settings.secure,
        httponly=True,
        samesite="lax",
    )
