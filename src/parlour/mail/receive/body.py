"""A mail's own words: as text, as what was newly written of it, and as HTML."""

import re
from dataclasses import dataclass, field
from html import escape, unescape

from parlour.kernel.text import is_visible, many_lines
from parlour.mail.receive import charsets
from parlour.mail.receive.cut import newly_written
from parlour.mail.receive.files import asked_for
from parlour.mail.receive.flowed import unfolded
from parlour.mail.receive.html import Read, as_text, made_safe
from parlour.mail.receive.leaves import Leaves
from parlour.mail.receive.parts import Part
from parlour.mail.receive.tame import tamed

LIMIT = 512 * 1024
"""Bytes of a part that are read as words. No person writes as much."""
PARTS = 20
"""Parts of a mail that are read as its words."""

_SOURCE = re.compile(r'<img\b[^>]*?\ssrc="([^"]{1,1000})"')


@dataclass(slots=True)
class Body:
    text: str = ""
    reply: str = ""
    html: str = ""
    pictures: set[str] = field(default_factory=set)
    """Content-IDs, or names, of the pictures that the HTML shows."""
    cut_short: bool = False


def body_of(found: Leaves, packed: str = "", packed_html: bytes = b"") -> Body:
    """`packed` is what a winmail.dat holds, for a mail that says nothing else."""
    body = Body()
    pages = {id(part): _page(part, body) for part in found.html[:PARTS] if part.media_type == "text/html"}
    read = {key: as_text(page) for key, page in pages.items()}
    written = [_text(part, read, body) for part in found.text[:PARTS]]
    text = many_lines("\n\n".join(each for each in written if each.strip()))
    if not is_visible(text):
        text = many_lines("\n\n".join(each.text for each in read.values()))
    body.html = _html(found.html[:PARTS], pages, body) if pages else ""
    if not text and not body.html:
        text, body.html = _unpacked(packed, packed_html)
    body.text = text
    marked = many_lines("\n\n".join(each.text for each in read.values() if each.text))
    told_apart = len(read) == 1 and len(found.html) == 1 and any(each.quotes for each in read.values())
    body.reply = newly_written(marked if told_apart else text)
    body.pictures = asked_for(unescape(each) for each in _SOURCE.findall(body.html))
    body.cut_short |= len(found.text) > PARTS
    return body


def _unpacked(packed: str, packed_html: bytes) -> tuple[str, str]:
    page, _ = tamed(charsets.decoded(packed_html[:LIMIT], charsets.of_html(packed_html)))
    return many_lines(packed[:LIMIT]) or many_lines(as_text(page).text), made_safe(page) if page else ""


def _page(part: Part, body: Body) -> str:
    content = part.content()
    declared = part.parameters.get("charset") or charsets.of_html(content)
    page, whole = tamed(charsets.decoded(content[:LIMIT], declared))
    body.cut_short |= len(content) > LIMIT or not whole
    return page


def _text(part: Part, read: dict[int, Read], body: Body) -> str:
    if part.media_type == "text/html":
        return read[id(part)].text if id(part) in read else ""
    content = part.content()
    body.cut_short |= len(content) > LIMIT
    words = charsets.decoded(content[:LIMIT], part.parameters.get("charset")).replace("\r\n", "\n")
    if part.parameters.get("format", "").lower() == "flowed":
        return unfolded(words, deletes_space=part.parameters.get("delsp", "").lower() == "yes")
    return words


def _html(parts: list[Part], pages: dict[int, str], body: Body) -> str:
    """All of them on one page; plain ones as they stand."""
    shown = []
    for part in parts:
        if page := pages.get(id(part)):
            shown.append(made_safe(page))
        elif part.media_type == "text/plain" and (words := many_lines(_text(part, {}, body))):
            shown.append(f'<div style="white-space:pre-wrap">{escape(words)}</div>')
    return "\n".join(each for each in shown if each)
