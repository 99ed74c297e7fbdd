"""The tree of a mail's parts (RFC 2045, 2046), as places in its bytes: nothing is copied, nothing recurses
deeper than DEPTH, and a part's own bytes stay what they were.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from parlour.mail.receive import uu
from parlour.mail.receive.fields import Fields, as_bytes, header_at, parameters, unbase64

DEPTH = 20
PARTS = 500
"""Parts of a mail that are told apart; what comes after them is one."""
_LOOKS = 50_000
"""Places where a boundary may stand that are looked at."""

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]{0,500}(?:\r\n|\n|\r|\Z)")
_BEFORE = re.compile(
    rb"(?:\xef\xbb\xbf)?[\r\n]{0,100}"
    rb"(?=From |(?i:received|return-path|delivered-to|message-id|from|to|subject|date|"
    rb"mime-version|x-[a-z-]{1,60})[ \t]*:)"
)
"""What some programs put before a mail's first field."""
_BEGINS_AS_BASE64 = re.compile(rb"\s{0,1000}(?:[A-Za-z0-9+/]+={0,2}[ \t]*(?:[\r\n]|\Z)|\Z)")
_TWO_WORDS = re.compile(rb"\n[ \t]{0,99}[!-~]{1,999}[ \t]{1,99}[!-~]")
_FULL_LINE = re.compile(rb"\n[A-Za-z0-9+/]{60,76}\r?(?:\n|\Z)")
_OTHER = re.compile(rb"[^A-Za-z0-9+/=\s]")
_ADDED = 4_096
"""Bytes at the end of base64 among which words are looked for."""


class Budget(Struct):
    """What is left of the bounds."""

    parts: int = PARTS
    looks: int = _LOOKS
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    fields: Fields
    media_type: str
    parameters: dict[str, str]
    raw: bytes = field(repr=False)
    start: int
    end: int
    parts: tuple["Part", ...] = ()

    @property
    def disposition(self) -> tuple[str, dict[str, str]]:
        return parameters(self.fields.one("content-disposition"))

    @property
    def whole(self) -> bytes:
        """Its bytes as they stand in the mail."""
        return self.raw[self.start : self.end]

    def content(self) -> bytes:
        """With its transfer encoding undone."""
        encoding = re.split(r"[;(]", self.fields.one("content-transfer-encoding"))[0].strip(' \t"').lower()
        return _unencoded(self.whole, encoding)


def _unencoded(content: bytes, encoding: str) -> bytes:
    match encoding:
        case "base64" if _BEGINS_AS_BASE64.match(content):
            return unbase64(_without_words_after(content))
        case "quoted-printable":
            return quopri.decodestring(content)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return uu.content(content)
    return content


def _without_words_after(content: bytes) -> bytes:
    """As a mailing list or a scanner puts them at the end of base64, whose letters theirs would be, too.

    Where nothing but such letters follows it may be base64 in groups, of which nothing is to be lost.
    """
    words = _TWO_WORDS.search(content, max(0, len(content) - _ADDED))
    if not words or _FULL_LINE.search(content, words.end()) or not _OTHER.search(content, words.start()):
        return content
    return content[: words.start()]


def tree(raw: bytes, budget: Budget) -> Part:
    """The mail in these bytes."""
    before = _BEFORE.match(raw)
    return _part(raw, before.end() if before else 0, len(raw), "text/plain", DEPTH, budget)


def _part(raw: bytes, start: int, end: int, default: str, depth: int, budget: Budget) -> Part:
    fields, body = header_at(raw, start, end)
    media_type, said = parameters(fields.one("content-type"))
    if not _TYPE.fullmatch(media_type):
        media_type = {"": default, "text": "text/plain", "html": "text/html"}.get(
            media_type, "text/plain" if not media_type.strip("/") else "application/octet-stream"
        )
    inner: tuple[Part, ...] = ()
    if media_type.startswith("multipart/") and (boundary := said.get("boundary", "").rstrip()):
        if depth == 0:
            budget.exhausted = True
        else:
            default = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
            spans = _between(raw, body, end, as_bytes(boundary), budget)
            inner = tuple(_part(raw, *span, default, depth - 1, budget) for span in spans)
    if media_type.startswith("multipart/") and not inner:
        media_type = "text/plain"  # whatever it was meant to be, somebody can read it
    return Part(fields, media_type, said, raw, body, end, inner)


def _between(raw: bytes, start: int, end: int, boundary: bytes, budget: Budget) -> list[tuple[int, int]]:
    """What stands between the boundaries; the line break before one belongs to it."""
    spans: list[tuple[int, int]] = []
    begun: int | None = None
    for at, after, last in _boundaries(raw, start, end, boundary, budget):
        if begun is not None:
            spans.append((begun, max(begun, _before_break(raw, at))))
            budget.parts -= 1
        begun = after
        if last or budget.parts <= 0:
            budget.exhausted |= not last
            begun = None if last else begun
            break
    if begun is not None:
        spans.append((begun, end))
        budget.parts -= 1
    return spans


def _boundaries(
    raw: bytes, start: int, end: int, boundary: bytes, budget: Budget
) -> Iterator[tuple[int, int, bool]]:
    """Where each begins, where the next line does, and whether it is the last one."""
    mark = b"--" + boundary
    at = start
    while (at := raw.find(mark, at, end)) >= 0:
        budget.looks -= 1
        if budget.looks <= 0:
            budget.exhausted = True
            return
        if at == start or raw[at - 1 : at] in (b"\n", b"\r"):
            after = _AFTER_BOUNDARY.match(raw, at + len(mark), end)
            if after:
                yield at, after.end(), after[1] is not None
                at = after.end() - 1
                continue
        at += len(mark)


def _before_break(raw: bytes, at: int) -> int:
    if raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if raw[at - 1 : at] in (b"\n", b"\r") else at
