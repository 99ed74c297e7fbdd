"""HTML that strangers sent: made safe to show, and read as text."""

import re
from html import unescape
from typing import NamedTuple

import nh3

from parlour.mail.receive.tame import tags

_TAGS = tags(
    "a abbr address article aside b big blockquote br caption center cite code col colgroup dd del "
    "details div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li "
    "main mark nav ol p pre q s samp section small span strike strong sub summary sup table tbody td "
    "tfoot th thead time tr tt u ul var"
)
_ANYWHERE = {"align", "bgcolor", "border", "cellpadding", "cellspacing", "color", "dir", "face", "height"} | {
    *("lang", "size", "style", "title", "valign", "width")
}
_ATTRIBUTES = {
    "*": _ANYWHERE,
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start", "type"},
    "col": {"span"},
    "colgroup": {"span"},
}
_STYLES = {
    *("background-color", "border", "border-bottom", "border-collapse", "border-left", "border-right"),
    *("border-top", "color", "direction", "display", "font-family", "font-size", "font-style", "font-weight"),
    *(
        "line-height",
        "list-style-type",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
    ),
    *("padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align"),
    *("text-decoration", "text-indent", "vertical-align", "white-space", "width", "max-width"),
}
_SCHEMES = {"cid", "http", "https", "mailto", "tel"}
_STRUCTURE = {name: {*allowed, "class", "id", "name", "type"} for name, allowed in _ATTRIBUTES.items()}

_PIECE = re.compile(r"<(/?)([a-z][a-z0-9]*)((?:\s[^\s=>]+(?:=\"[^\"]*\")?)*)\s*/?>|[^<]+|<")
_ATTRIBUTE = re.compile(r'\s([^\s=>]+)(?:="([^"]*)")?')
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)
_AS_IT_STANDS = re.compile(r"(?:^|;)\s*white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_VOID = {"br", "col", "hr", "img"}
_BLOCKS = tags(
    "address article aside blockquote center dd details div dl dt figcaption figure footer h1 h2 h3 h4 "
    "h5 h6 header hr li main nav ol p pre section summary table tr ul"
)
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "table", "hr", "blockquote"}

_QUOTES = re.compile(
    r"(?:^|\s)(?:x_)?(?:gmail_attr|yahoo_quoted|yahoo-quoted|moz-cite-prefix|moz-forward-container|tutanota_quote|"
    r"OutlookMessageHeader|front-blockquote|sh-quoted-content|hey_quote|ReplyBlock)(?:\s|$)"
)
"""Classes of what mail programs put around what they quote, or around the sentence above it."""
_AROUND_QUOTES = re.compile(
    r"(?:^|\s)(?:x_)?(?:gmail_quote(?:_container)?|gmail_extra|protonmail_quote|zmail_extra|history_container)(?:\s|$)"
)
"""Classes of what holds a quotation in a `blockquote`, and sometimes the answer below it."""
_SIGNATURE = re.compile(r"(?:^|\s)gmail_signature(?:\s|$)")
_QUOTE_IDS = re.compile(r"(?:x_)*(?:isForwardContent|qt|reply-intro|airmail_original|yahoo_quoted_\d+)")
_REST_IDS = re.compile(
    r"(?:x_)*(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|"
    r"stopSpelling|isReplyContent)"
)
"""Ids of elements with which everything quoted begins, as Outlook has them."""
_QUOTE_NAMES = {"quote", "messageReplySection"}


class Read(NamedTuple):
    text: str
    quotes: bool
    """Whether a mail program marked what it quotes; in `text` that stands behind `>`."""


def made_safe(tamed: str) -> str:
    """Without anything that acts, in a form that every browser takes for the same.

    Pictures stay, by `cid:` and from afar: the page that shows them decides.
    """
    safe = nh3.clean(
        tamed,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
    )
    return safe.strip()


def as_text(tamed: str) -> Read:
    """What a reader sees of it, as text; links with their target, pictures by their words."""
    plain = nh3.clean(tamed, tags=_TAGS, attributes=_STRUCTURE, url_schemes=_SCHEMES, link_rel=None)
    reader = _Reader()
    for piece in _PIECE.finditer(plain):
        if piece[2] is None:
            reader.says(piece[0])
        elif piece[1]:
            reader.closes(piece[2])
        else:
            reader.opens(piece[2], {name: unescape(value) for name, value in _ATTRIBUTE.findall(piece[3])})
    return Read(reader.text(), reader.quotes)


class _Element(NamedTuple):
    name: str
    hidden: bool
    quotes: bool
    verbatim: bool
    link: tuple[str, int]
    """Where a link goes, and how much of its line there was when it began."""
    number: list[int]
    """Of a list's next item; 0 where items have none."""


_ROOT = _Element("", hidden=False, quotes=False, verbatim=False, link=("", 0), number=[0])


class _Reader:
    def __init__(self) -> None:
        self.quotes = False
        self._lines: list[str] = []
        self._line: list[str] = []
        self._apart = False
        self._depth = self._depth_before = 0
        self._rest_is_quoted = False
        self._open = [_ROOT]

    def opens(self, name: str, said: dict[str, str]) -> None:
        above = self._open[-1]
        if not self._rest_is_quoted and _REST_IDS.fullmatch(said.get("id", "")):
            self._break(apart=True)
            self._rest_is_quoted = self.quotes = True
            self._depth += 1
        if name in _VOID:
            if not above.hidden:
                self._empty(name, said)
            return
        if _SIGNATURE.search(said.get("class", "")) and self._lines[-1:] != ["--"]:
            self._break(apart=True)
            self._write("--")
        marked = self._marks_quotation(name, said)
        quotes = marked or name == "blockquote"
        self.quotes |= marked or _AROUND_QUOTES.search(said.get("class", "")) is not None
        if name in _BLOCKS or quotes:
            self._break(apart=name in _APART or quotes)
        self._depth += quotes
        self._open.append(self._element(name, said, above, quotes=quotes))
        if name == "li":
            self._item(above)
        elif name in ("td", "th") and self._line:
            self._line.append(" ")

    def _element(self, name: str, said: dict[str, str], above: _Element, *, quotes: bool) -> _Element:
        style, start = said.get("style", ""), said.get("start", "1")
        return _Element(
            name,
            hidden=above.hidden or _HIDDEN.search(style) is not None,
            quotes=quotes,
            verbatim=above.verbatim or name == "pre" or _AS_IT_STANDS.search(style) is not None,
            link=(said.get("href", "") if name == "a" else "", len(self._line)),
            number=[0] if name != "ol" else [int(start) if start.isdecimal() and len(start) < 6 else 1],
        )

    def closes(self, name: str) -> None:
        if all(each.name != name for each in self._open[1:]):
            return
        while (element := self._open.pop()).name != name:
            self._leave(element)
        self._leave(element)

    def _leave(self, element: _Element) -> None:
        if element.link[0] and not element.hidden:
            self._target(*element.link)
        if element.name in _BLOCKS or element.quotes:
            self._break(apart=element.name in _APART or element.quotes)
        self._depth -= element.quotes

    def says(self, escaped: str) -> None:
        element = self._open[-1]
        if element.hidden:
            return
        words = unescape(escaped)
        if element.verbatim:
            for number, line in enumerate(words.split("\n")):
                if number:
                    self._end_line()
                self._line.append(line)
            return
        words = _SPACE.sub(" ", words)
        if not self._line or self._line[-1].endswith(" "):
            words = words.lstrip(" ")
        if words:
            self._line.append(words)

    def text(self) -> str:
        self._break(apart=False)
        return "\n".join(self._lines).strip("\n")

    def _marks_quotation(self, name: str, said: dict[str, str]) -> bool:
        if name == "blockquote" and said.get("type") == "cite":
            return True
        return bool(
            _QUOTES.search(said.get("class", ""))
            or _QUOTE_IDS.fullmatch(said.get("id", ""))
            or said.get("name") in _QUOTE_NAMES
        )

    def _empty(self, name: str, said: dict[str, str]) -> None:
        if name == "br":
            self._end_line()
        elif name == "hr":
            self._break(apart=True)
        elif name == "img" and (alt := _SPACE.sub(" ", said.get("alt", "")).strip()):
            self._line.append(f"[{alt}]")

    def _item(self, above: _Element) -> None:
        if above.number[0]:
            self._line.append(f"{above.number[0]}. ")
            above.number[0] += 1
        else:
            self._line.append("- ")

    def _target(self, href: str, began: int) -> None:
        shown = "".join(self._line[began:]).strip()
        if shown and href.startswith(("http:", "https:")) and shown.rstrip("/") not in href:
            self._line.append(f" <{href}>")

    def _end_line(self) -> None:
        self._write("".join(self._line).rstrip(" "))
        self._line = []

    def _break(self, *, apart: bool) -> None:
        if self._line:
            self._end_line()
        self._apart |= apart

    def _write(self, line: str) -> None:
        if line.strip():
            if self._apart and self._lines and self._lines[-1].strip("> "):
                self._lines.append(_marked("", min(self._depth, self._depth_before)))
            self._apart = False
        self._lines.append(_marked(line, self._depth))
        self._depth_before = self._depth


def _marked(line: str, depth: int) -> str:
    return (">" * min(depth, 5) + (" " if depth and line else "")) + line
