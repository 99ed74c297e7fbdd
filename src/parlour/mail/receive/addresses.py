"""The addresses in a header (RFC 5322, section 3.4), read without trust.

What is written is split before it is decoded: an encoded word can hold a comma, a bracket or a whole address,
and is but a name (RFC 2047, section 5).
"""

import re
from collections.abc import Iterator

from parlour.kernel.addresses import clean_email
from parlour.kernel.text import name as clean_name
from parlour.kernel.text import one_line
from parlour.mail.receive.fields import Fields, decoded_words
from parlour.mail.receive.parsed import Address

LIMIT = 500
"""Addresses of one mail that are read."""

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|<([^<>]*)>?|\(|\)|[,;:]|\\.|[^"<(),;:\\]+|.', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BARE = re.compile(r"(?<![^\s@<>(),;:\"])[^\s@<>(),;:\"]{1,320}@[^\s@<>(),;:\"]{1,320}")
_IN_NAME = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_ROUTE = re.compile(r"\s*@[^:]{1,1000}:")
_IN_QUOTES = re.compile(r'"([^"\\\s@<>(),;:]{1,64})"@')
"""A local part that needs none, or that its provider gave with dots where none may stand."""
_AROUND_AT = re.compile(r"\s{0,99}@\s{0,99}")
"""Blanks, and comments that are gone by then, may stand there (RFC 5322, section 4.4)."""
_LIST_ID = re.compile(r"<([^<>@\s.]{1,64})\.([^<>@\s]{1,255})>")
_WORDS = 50
"""Words of a group's name; an address with as many before it is none."""


class _Mailbox:
    """One mailbox as its tokens come in."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.angle: str | None = None
        self.comment: list[str] = []
        self.quoted = False
        self.doubled = False

    def __bool__(self) -> bool:
        return bool(self.angle is not None or self.comment or "".join(self.words).strip())


def addresses(values: list[str]) -> tuple[Address, ...]:
    """Of one or several headers; a group's members count, its name does not. At most LIMIT."""
    found: list[Address] = []
    for value in values:
        for box in _mailboxes(value):
            if len(found) == LIMIT:
                return tuple(found)
            found.append(_address(box))
    return tuple(found)


def _mailboxes(value: str) -> Iterator[_Mailbox]:
    box, depth = _Mailbox(), 0
    for token in _TOKEN.finditer(value):
        text = token[0]
        if text == "(" or (text == ")" and depth):
            depth += 1 if text == "(" else -1
        elif depth:
            box.comment.append(text)
        elif text in (",", ";"):
            if box:
                yield box
            box = _Mailbox()
        elif text == ":" and _may_name_a_group(box):
            box = _Mailbox()  # what came was the name of a group
        else:
            _take(box, token)
    if box:
        yield box


def _may_name_a_group(box: _Mailbox) -> bool:
    return box.angle is None and len(box.words) <= _WORDS and not _BARE.search("".join(box.words))


def _take(box: _Mailbox, token: re.Match[str]) -> None:
    if token[2] is not None:
        box.doubled |= box.angle is not None
        box.angle = token[2] if box.angle is None else box.angle
    elif token[1] is not None:
        box.quoted = True
        box.words.append(_ESCAPE.sub(r"\1", token[1]))
    else:
        box.words.append(token[0])


def _address(box: _Mailbox) -> Address:
    words = "".join(box.words).strip()
    if box.angle is not None:
        spec, name = _AROUND_AT.sub("@", _ROUTE.sub("", box.angle.strip(), count=1)).rstrip("."), words
        repeats = clean_email(words.strip("'")) == clean_email(spec)
        odd = box.doubled or (not box.quoted and "@" in words and not repeats)
    else:
        bare = _BARE.findall(words)
        spec = bare[0] if bare else (words if "@" in words else "")
        name = "".join(box.comment) if spec else words
        odd = len(bare) != 1 or bare[0] != words
    spec = _IN_QUOTES.sub(r"\1@", spec.removeprefix("mailto:").strip(), count=1).strip("'\"")
    odd = odd or "=?" in spec or clean_email(spec) is None
    shown = clean_name(decoded_words(name))
    if mentioned := _IN_NAME.search(shown):
        odd = odd or clean_email(mentioned[0]) != clean_email(spec)
    return Address(shown, one_line(spec) if "@" in spec else "", odd=odd)


def list_address(fields: Fields) -> str:
    """To which one writes to post to the list by which a mail came (RFC 2369; else by its name, RFC 2919)."""
    posts = (each.mailbox for each in addresses(fields.every("list-post")))
    named = _LIST_ID.search(fields.one("list-id"))
    return next(filter(None, posts), "") or (named and clean_email(f"{named[1]}@{named[2]}")) or ""


def posted_by(fields: Fields) -> Address | None:
    """Who wrote what a list hands on in its own name, because the writer's domain forbids others (DMARC).
    Google's groups say it in a field of their own, Mailman in Reply-To.
    """
    lists = list_address(fields)
    named = addresses([*fields.every("x-original-from"), *fields.every("reply-to")])
    return next((each for each in named if each.mailbox not in ("", lists)), None)


def sender(fields: Fields) -> tuple[Address | None, list[str]]:
    """Who From says that it is, and what is odd about that (RFC 7489, section 6.6.1)."""
    lines = fields.every("from")
    found = addresses(lines[:1])
    why = []
    if len(lines) > 1:
        why.append("There is more than one From header.")
    if len(found) > 1:
        why.append("From names more than one sender.")
    if not found or not found[0].address:
        why.append("There is no sender's address.")
    elif found[0].odd:
        why.append("The sender is not written as addresses are.")
    return (found[0] if found else None), why
