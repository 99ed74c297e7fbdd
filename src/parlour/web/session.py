"""The cookies, and the secrets in them.

`session` is an agent's, `ticket_…` opens one of a customer's tickets, `browser_…` only ties forms to the
browser that was shown them. As seal.py signed them: `pending`, a sign-in that still owes its second factor,
and `known_…`, which says that somebody has signed in here before. On https they carry the `__Host-` prefix:
no other host can set them. Where several tabs may be answered at once, each answer sets a cookie of another
name, so that none takes another's away.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from parlour.kernel.keys import KEYS_A_BROWSER, Keys
from parlour.web.site import site

SESSION = "parlour_session"
TICKET = "parlour_ticket_"
VISITOR = "parlour_visitor"
"""Of the release before: one secret for several tickets. It is read, and never set."""
CUSTOMERS = (VISITOR, TICKET)
BROWSER = "parlour_browser"
PENDING = "parlour_pending"
KNOWN = "parlour_known_"
SESSION_SECONDS = 7 * 24 * 3600
TICKET_SECONDS = 30 * 24 * 3600
BROWSER_SECONDS = 365 * 24 * 3600
PENDING_SECONDS = 10 * 60
KNOWN_SECONDS = 180 * 24 * 3600
BROWSERS_LIMIT = 20
"""Secrets of a browser that are looked at: pages that may be its first at once."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{20,64}")
_ACCOUNT = re.compile(r"[0-9a-f]{16}")
_TICKET_NAME = re.compile(r"[A-Za-z0-9_-]{22}")


def _name(connection: HTTPConnection, cookie: str) -> str:
    return f"__Host-{cookie}" if site(connection).settings.secure else cookie


def _read(connection: HTTPConnection, cookie: str) -> str | None:
    value = connection.cookies.get(_name(connection, cookie), "")
    return value if _SECRET.fullmatch(value) else None


def session_token(connection: HTTPConnection) -> str | None:
    return _read(connection, SESSION)


def _named(connection: HTTPConnection, prefix: str) -> Iterator[tuple[str, str]]:
    """What follows the prefix in the cookies' names, and the secrets in them."""
    prefix = _name(connection, prefix)
    for name, value in sorted(connection.cookies.items()):
        if name.startswith(prefix) and _SECRET.fullmatch(value):
            yield name.removeprefix(prefix), value


def keys(connection: HTTPConnection) -> Keys:
    """What the browser holds of tickets."""
    named = _named(connection, TICKET)
    of_tickets = {_ticket_of(text): secret for text, secret in named if _TICKET_NAME.fullmatch(text)}
    return Keys(of_tickets, _read(connection, VISITOR), browser_secrets(connection))


def keep_key(connection: HTTPConnection, response: Response, ticket_id: UUID, secret: str) -> None:
    """Add to what the browser holds; of more than it is kept in, the oldest tickets go."""
    _set(connection, response, ticket_cookie(ticket_id), secret, TICKET_SECONDS)
    others = sorted(set(keys(connection).of_tickets) - {ticket_id}, reverse=True)
    for oldest in others[KEYS_A_BROWSER - 1 :]:
        _set(connection, response, ticket_cookie(oldest), "", 0)


def ticket_cookie(ticket_id: UUID) -> str:
    return TICKET + urlsafe_b64encode(ticket_id.bytes).decode().rstrip("=")


def _ticket_of(text: str) -> UUID:
    return UUID(bytes=urlsafe_b64decode(f"{text}=="))


def browser_secrets(connection: HTTPConnection) -> list[str]:
    """The browser's own secrets: more than one when several pages were its first."""
    return [secret for _, secret in _named(connection, BROWSER)][:BROWSERS_LIMIT]


def browser_secret(connection: HTTPConnection) -> str:
    """One of them; a new one is made, and kept for `keep_browser`, when there is none."""
    known = connection.scope.get("parlour.browser") or next(iter(browser_secrets(connection)), None)
    if known is None:
        known = connection.scope["parlour.browser"] = secrets.token_urlsafe(24)
    return str(known)


def keeps_cookies(connection: HTTPConnection) -> bool:
    """Whether the browser gave back what pages of ours brought."""
    return bool(browser_secrets(connection) or session_token(connection))


def keep_browser(connection: HTTPConnection, response: Response) -> None:
    made = connection.scope.get("parlour.browser")
    if made:
        _set(connection, response, f"{BROWSER}_{secrets.token_urlsafe(4)}", made, BROWSER_SECONDS)


def keep_session(connection: HTTPConnection, response: Response, token: str) -> None:
    _set(connection, response, SESSION, token, SESSION_SECONDS)


def pending_sign_in(connection: HTTPConnection) -> str:
    return connection.cookies.get(_name(connection, PENDING), "")


def keep_pending(connection: HTTPConnection, response: Response, sealed: str) -> None:
    _set(connection, response, PENDING, sealed, PENDING_SECONDS)


def known(connection: HTTPConnection, account: str) -> str:
    """What says that this account has been signed in to in this browser, sealed."""
    return connection.cookies.get(_name(connection, KNOWN + account), "")


def known_accounts(connection: HTTPConnection) -> dict[str, str]:
    """The same for each account that the browser says it is known for."""
    prefix, held = _name(connection, KNOWN), connection.cookies.items()
    named = {name.removeprefix(prefix): value for name, value in held if name.startswith(prefix)}
    return {account: value for account, value in named.items() if _ACCOUNT.fullmatch(account)}


def forget_known(connection: HTTPConnection, response: Response, account: str) -> None:
    _set(connection, response, KNOWN + account, "", 0)


def keep_known(connection: HTTPConnection, response: Response, account: str, sealed: str) -> None:
    _set(connection, response, KNOWN + account, sealed, KNOWN_SECONDS)


def forget_pending(connection: HTTPConnection, response: Response) -> None:
    _set(connection, response, PENDING, "", 0)


def forget_session(connection: HTTPConnection, response: Response) -> None:
    _set(connection, response, SESSION, "", 0)


def customer_cookies(connection: HTTPConnection) -> dict[str, str]:
    """The cookies that open a customer's tickets, by their names: the secrets in them."""
    return _held(connection, CUSTOMERS)


def browser_cookies(connection: HTTPConnection) -> dict[str, str]:
    """The same of the browser's own secrets."""
    return _held(connection, (BROWSER,))


def _held(connection: HTTPConnection, cookies: Iterable[str]) -> dict[str, str]:
    ours = tuple(_name(connection, cookie) for cookie in cookies)
    held = connection.cookies.items()
    return {name: value for name, value in held if name.startswith(ours) and _SECRET.fullmatch(value)}


def forget(connection: HTTPConnection, response: Response, cookies: Iterable[str]) -> None:
    for name in cookies:
        response.delete_cookie(
            name, path="/", secure=site(connection).settings.secure, httponly=True, samesite="lax"
        )


def forget_storage(response: Response) -> None:
    """What was typed leaves the browser too. Not `cookies`, which means those of the whole domain: other
    sites' beside this one as well.
    """
    response.headers["Clear-Site-Data"] = '"storage"'


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
