"""Secrets that are given away once and kept here only as their hash."""

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import unquote

from parlour.kernel.text import without_invisible

_LETTER, _BREAK = "[A-Za-z0-9_-]", r"(?:=\r?\n|\s)"
_SECRET = re.compile(
    rf"(?<!{_LETTER})(?:[0-9a-f](?:{_BREAK}*[0-9a-f]){{31}}{_BREAK}*\.{_BREAK}*)?"
    rf"{_LETTER}(?:{_BREAK}*{_LETTER}){{42}}"
)
"""As long as 32 bytes are in base64, perhaps broken across lines; before it perhaps whose it is."""
_LOOKED_THROUGH = 20_000
"""Characters: more than any of our mails has, and so few that nobody can make the search slow."""


def new_secret() -> str:
    """256 random bits, as text for an address, a cookie or a mail."""
    return secrets.token_urlsafe(32)


def derived_secret(key: bytes, *purpose: str) -> str:
    """As long and as hard to guess as a new one, but the same again for the same purpose."""
    digest = hmac.digest(key, "|".join(("secret", *purpose)).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def secret_in(pasted: str) -> str:
    """The secret among what was pasted with it: a whole link, "Code: …", quotes, a full stop, a line break.

    A field of one line drops line breaks, so that the next sentence may touch its end. What holds no secret
    is given back as it came, without the space around it.
    """
    words = unquote(without_invisible(pasted[:_LOOKED_THROUGH]))
    found = [match for match in (_SECRET.match(words, at) for at in range(len(words))) if match]
    whole = (match for match in found if not re.match(_LETTER, words[match.end() : match.end() + 1]))
    best = next(whole, found[0] if found else None)
    return re.sub(_BREAK, "", best[0]) if best else pasted.strip()


def hash_of(secret: str) -> str:
    """What is kept of a secret that nobody can guess, so that it needs neither salt nor a slow hash."""
    return hashlib.sha256(secret.strip().encode()).hexdigest()
