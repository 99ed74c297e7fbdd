"""Only our own pages may change things.

Two checks: the browser says where the request came from (Origin, Sec-Fetch-Site), and the form carries
a token that only a page shown to this browser, in this session, can hold.
"""

import hmac
from functools import lru_cache

from starlette.requests import HTTPConnection, Request

from parlour.kernel.errors import DomainError
from parlour.web.session import browser_secret, browser_secrets, keeps_cookies, session_token
from parlour.web.site import site

_OURS = "parlour.ours"


class ForeignForm(DomainError):
    """The request did not come from a page of ours that is still valid."""

    status = 403
    code = "csrf"
    message = "This page was open for too long, so we did nothing. Reload it and try again."


class CookiesOff(ForeignForm):
    """The browser sent none of our cookies, so no page shown to it can hold a token of its own."""

    code = "cookies_off"
    message = "Your browser keeps no cookies for this site, so we did nothing. Allow them and try again."


def token(connection: HTTPConnection) -> str:
    browser, session = browser_secret(connection), session_token(connection)
    return _token(browser, session, site(connection).settings.secret_key)


@lru_cache(maxsize=1000)
def _token(browser: str, session: str | None, key: bytes) -> str:
    """The same for all pages of a session, which ask for it each time."""
    return hmac.digest(key, f"csrf|{browser}|{session or ''}".encode(), "sha256").hex()


def same_origin(connection: HTTPConnection) -> bool:
    """Whether the browser says that a page of ours sent this. Programs that say nothing are no browsers."""
    fetched_from = connection.headers.get("sec-fetch-site", "same-origin")
    if fetched_from not in ("same-origin", "none"):
        return False
    origin = connection.headers.get("origin")
    own = f"{connection.url.scheme}://{connection.headers.get('host', '')}"
    return origin in (None, own, site(connection).settings.origin)


def verify(request: Request, given: str) -> None:
    """Raises ForeignForm, CookiesOff. A request that passed `is_ours` from then on."""
    if not same_origin(request):
        raise ForeignForm
    keys = site(request).settings.secret_keys
    made_with = [(browser, key) for browser in browser_secrets(request) for key in keys]
    session = session_token(request)
    right = [_token(browser, session, key).encode() for browser, key in made_with]
    if not any(hmac.compare_digest(given.encode(), one) for one in right):
        raise ForeignForm if keeps_cookies(request) else CookiesOff
    request.scope[_OURS] = True


def proved_by_key(request: Request) -> None:
    """It came with a program's key, which no browser sends by itself: nobody made one send it."""
    request.scope[_OURS] = True


def proved_by_seal(request: Request) -> None:
    """It brings back, from somebody else's page, what we gave this very browser to take there."""
    request.scope[_OURS] = True


def is_ours(request: Request) -> bool:
    """Whether a form was read that a page of ours sent, or a program asks by its own key."""
    return bool(request.scope.get(_OURS))
