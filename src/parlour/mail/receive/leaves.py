"""Which parts of a mail are its text, which its HTML, and which are files (RFC 8621, section 4.1.4)."""

from msgspec import Struct, field

from parlour.mail.receive.parts import Part

WORDS = ("text/plain", "text/markdown")
"""Read as they stand: Markdown is made to be (RFC 7763)."""


class Leaves(Struct):
    text: list[Part] = field(default_factory=list)
    """Parts to read as text: HTML among them where nothing else says the same."""
    html: list[Part] = field(default_factory=list)
    """Parts to read as HTML: plain text among them likewise."""
    files: list[Part] = field(default_factory=list)


def leaves(root: Part) -> Leaves:
    found = Leaves()
    _sort([root], "mixed", found, alternative=False)
    return found


def _sort(parts: list[Part], kind: str, found: Leaves, *, alternative: bool) -> None:
    """Below an alternative a part is either text or HTML; elsewhere it is read as both."""
    before = len(found.text), len(found.html)
    said: set[str] = set()
    for number, part in enumerate(parts):
        if part.parts:
            inner = part.media_type.removeprefix("multipart/")
            _sort(list(part.parts), inner, found, alternative=alternative or inner == "alternative")
        elif not _is_body(part, number, kind) or (kind == "alternative" and _read_as(part) in said):
            found.files.append(part)
        else:
            said.add(_read_as(part))
            if not alternative or part.media_type in WORDS:
                found.text.append(part)
            if not alternative or part.media_type == "text/html":
                found.html.append(part)
    if kind == "alternative":
        _let_stand_for_both(found, before)


def _is_body(part: Part, number: int, kind: str) -> bool:
    disposition, said = part.disposition
    if disposition == "attachment" or part.media_type not in (*WORDS, "text/html"):
        return False
    named = bool(said.get("filename") or part.parameters.get("name"))
    return number == 0 or (kind != "related" and not named)


def _read_as(part: Part) -> str:
    return WORDS[0] if part.media_type in WORDS else part.media_type


def _let_stand_for_both(found: Leaves, before: tuple[int, int]) -> None:
    """An alternative that has no text is read from its HTML, and the other way round."""
    text, html = found.text[before[0] :], found.html[before[1] :]
    if not text:
        found.text += html
    if not html:
        found.html += text
