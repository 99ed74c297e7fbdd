"""Message-IDs of ours that say which ticket they are about, so that an answer finds it."""

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

_MARK = 8
"""Bytes, each guess of which costs a mail."""
_ABOUT = re.compile(r"<([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{11})@[A-Za-z0-9.-]+>")
"""Short, because programs fold or encode what does not fit on a line of 78 characters."""


class Ours(NamedTuple):
    """A mail of ours, and the ticket that it is about."""

    number: UUID
    about: UUID


def message_id(
    number: UUID, host: str, about: UUID | None = None, key: bytes = b"", told: UUID | None = None
) -> str:
    """The same for every attempt of a mail, so that one which went out twice is recognised as one.

    With `about`, a ticket, it holds that too, and a mark that only the holder of the key can make: one for
    mails to customers, and for each member who was `told` of it another one.
    """
    if about is None:
        return f"<{number}@{host}>"
    mark = _mark(key, number.bytes + about.bytes, told)
    return f"<{_short(number.bytes)}.{_short(about.bytes)}.{_short(mark)}@{host}>"


def number_in(message_id: str) -> UUID:
    """The other way round."""
    first = re.split(r"[.@]", message_id[1:], maxsplit=1)[0]
    return UUID(first) if len(first) == len(str(UUID(int=0))) else UUID(bytes=_long(first))


def ticket_in(message_ids: Iterable[str], keys: Sequence[bytes]) -> UUID | None:
    """The ticket that the first of these that is ours is about."""
    found = mail_in(message_ids, keys)
    return found.about if found else None


def mail_in(message_ids: Iterable[str], keys: Sequence[bytes], told: UUID | None = None) -> Ours | None:
    """The first of these that is ours and about a ticket; with `told`, that went to this member."""
    for found in filter(None, map(_ABOUT.fullmatch, message_ids)):
        number, about, mark = map(_long, found.groups())
        if any(hmac.compare_digest(mark, _mark(key, number + about, told)) for key in keys):
            return Ours(UUID(bytes=number), UUID(bytes=about))
    return None


def _mark(key: bytes, what: bytes, told: UUID | None) -> bytes:
    who = b"told|" + told.bytes if told else b"thread|"
    return hmac.digest(key, who + what, "sha256")[:_MARK]


def _short(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _long(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
