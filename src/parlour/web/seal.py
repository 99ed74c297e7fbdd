"""What a browser keeps for us for a few minutes: signed, so that it can be read but not changed, bound to
that one browser, and good for one purpose.
"""

import hashlib
import hmac
import re
from datetime import timedelta

from starlette.requests import HTTPConnection

from parlour.kernel import clock
from parlour.web.session import browser_secret, browser_secrets
from parlour.web.site import site

_FACTS = re.compile(r"[A-Za-z0-9_-]+")


def seal(connection: HTTPConnection, purpose: str, *facts: str, seconds: int) -> str:
    """Text for a cookie or a hidden field. Each fact is made of letters, digits, - and _."""
    assert all(_FACTS.fullmatch(fact) for fact in facts)
    until = int((clock.now() + timedelta(seconds=seconds)).timestamp())
    body = ".".join((*facts, str(until)))
    key = site(connection).settings.secret_key
    return f"{body}.{_signature(purpose, body, browser_secret(connection), key)}"


def unseal(connection: HTTPConnection, purpose: str, sealed: str) -> list[str] | None:
    """The facts; None for what expired, was changed, or came from another browser or for another purpose."""
    body, _, signature = sealed.rpartition(".")
    keys = site(connection).settings.secret_keys
    made_with = [(browser, key) for browser in browser_secrets(connection) for key in keys]
    right = [_signature(purpose, body, browser, key).encode() for browser, key in made_with]
    if not any(hmac.compare_digest(signature.encode(), one) for one in right):
        return None
    *facts, until = body.split(".")
    return facts if int(until) > clock.now().timestamp() else None


def ends_at(sealed: str) -> int:
    """When it says that it ends, in seconds since 1970; 0 for what is none. Nothing is proved by it."""
    until = sealed.rpartition(".")[0].rpartition(".")[2]
    return int(until) if re.fullmatch("[0-9]{1,12}", until) else 0


def _signature(purpose: str, body: str, browser: str, key: bytes) -> str:
    signed = f"seal|{purpose}|{browser}|{body}"
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
