"""Halves of characters. JSON can name one by an escape, and nothing can store, send or show it."""

import re

_ESCAPE = re.compile(
    r"\\\\"  # a backslash of its own: what follows it is no escape
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def whole(said: str) -> str:
    """The same JSON, with U+FFFD for each half of a character."""
    return _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], said)
