"""How a command says no, and what it refuses before it looks any further."""

import sys


class Refused(Exception):
    """One sentence for the person at the keyboard."""


def refuse_bytes(what: str, said: str) -> None:
    """Raises Refused for what the system could not decode."""
    try:
        said.encode()
    except UnicodeEncodeError:
        raise _no_text(what) from None


def _no_text(what: str) -> Refused:
    return Refused(f"{what} is no text in this terminal's encoding, {sys.getfilesystemencoding().upper()}.")


def line_from_stdin(what: str) -> str:
    """Raises Refused when it is no text; `what` names it."""
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _no_text(what) from None
    refuse_bytes(what, line)
    return line
