"""A mail's own words: as text, as what was newly written of it, and as HTML."""

import re
from collections.abc import Iterable, Iterator
from html import escape, unescape

from msgspec import Struct, field

from parlour.kernel.text import is_visible, many_lines
from parlour.mail.receive import charsets, uu
from parlour.mail.receive.cut import newly_written
from parlour.mail.receive.files import asked_for
from parlour.mail.receive.flowed import unfolded
from parlour.mail.receive.html import Read, as_text, made_safe
from parlour.mail.receive.leaves import WORDS, Leaves
from parlour.mail.receive.parts import Part
from parlour.mail.receive.tame import tamed

LIMIT = 512 * 1024
"""Bytes of a mail that are read as words. No person writes as much."""
PARTS = 20
"""Parts of a mail that are read as its words."""

HINT_LIMIT = 300
"""Characters in which a program that writes HTML alone says that one should look at that."""

_HINT = re.compile(r"(?i)\bhtml\b")
_SOURCE = re.compile(r'<img\b[^>]*?\ssrc="([^"]{1,1000})"')


class Body(Struct):
    text: str = ""
    reply: str = ""
    html: str = ""
    pictures: set[str] = field(default_factory=set)
    """Content-IDs, or names, of the pictures that the HTML shows."""
    cut_short: bool = False
    files: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Names and bytes of those that stood among the text's lines (uuencode)."""


def body_of(found: Leaves, packed: str = "", packed_html: bytes = b"") -> Body:
    """`packed` is what a winmail.dat holds, for a mail that says nothing else."""
    plain = _Taken([part for part in found.text if part.media_type in WORDS])
    rich = _Taken([part for part in found.html if part.media_type == "text/html"])
    words = {key: _words(part, content) for key, part, content in plain}
    pages = {key: _page(part, content) for key, part, content in rich}
    read = {key: as_text(page) for key, (page, _) in pages.items()}
    told = words | {key: each.text for key, each in read.items()}
    text = _joined(told.get(id(part), "") for part in found.text)
    rendered = _joined(each.text for each in read.values())
    if not is_visible(text) or _only_points_to(rendered, text):
        text = rendered
    shown = _html(found.html, words, pages) if pages else ""
    if not text and not shown:
        text, shown = _unpacked(packed, packed_html)
    return Body(
        text=text,
        reply=newly_written(_marked(list(read.values())) or text),
        html=shown,
        pictures=asked_for(unescape(each) for each in _SOURCE.findall(shown)),
        files=plain.files,
        cut_short=plain.cut_short or rich.cut_short or not all(whole for _, whole in pages.values()),
    )


def _only_points_to(rendered: str, text: str) -> bool:
    """Whether the text is but a hint for programs that show none of the HTML, in which the words are."""
    if not rendered or len(text) > HINT_LIMIT or not _HINT.search(text):
        return False
    return " ".join(text.split()) not in " ".join(rendered.split())


class _Taken:
    """Parts with their content, as far as it may be read."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self.cut_short = len(parts) > PARTS
        self.files: list[tuple[bytes, bytes]] = []

    def __iter__(self) -> Iterator[tuple[int, Part, bytes]]:
        left = LIMIT
        for part in self._parts[:PARTS]:
            content = part.content()
            if part.media_type in WORDS:
                content, files = uu.taken_out(content)
                self.files += files
            self.cut_short |= len(content) > left
            yield id(part), part, content[:left]
            left -= min(left, len(content))


def _marked(read: list[Read]) -> str:
    """The text of the HTML, if that is one page on which a mail program marked what it quotes."""
    return many_lines(read[0].text) if len(read) == 1 and read[0].quotes else ""


def _joined(texts: Iterable[str]) -> str:
    return many_lines("\n\n".join(each for each in texts if each.strip()))


def _unpacked(packed: str, packed_html: bytes) -> tuple[str, str]:
    page, _ = tamed(charsets.decoded(packed_html[:LIMIT], charsets.of_html(packed_html)))
    return many_lines(packed[:LIMIT]) or many_lines(as_text(page).text), made_safe(page) if page else ""


def _page(part: Part, content: bytes) -> tuple[str, bool]:
    declared = part.parameters.get("charset") or charsets.of_html(content)
    return tamed(charsets.decoded(content, declared, guess=True))


def _words(part: Part, content: bytes) -> str:
    said = part.parameters
    words = charsets.decoded(content, said.get("charset"), guess=True).replace("\r\n", "\n")
    if said.get("format", "").lower() == "flowed":
        return unfolded(words, deletes_space=said.get("delsp", "").lower() == "yes")
    return words


def _html(parts: list[Part], words: dict[int, str], pages: dict[int, tuple[str, bool]]) -> str:
    """All of them on one page; plain ones as they stand."""
    shown = []
    for part in parts:
        if id(part) in pages:
            shown.append(made_safe(pages[id(part)][0]))
        elif plain := many_lines(words.get(id(part), "")):
            shown.append(f'<div style="white-space:pre-wrap">{escape(plain)}</div>')
    return "\n".join(each for each in shown if each)
