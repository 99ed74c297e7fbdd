"""What a page is to somebody who hears it: its headings, its landmarks, the names of what can be used."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "use", "wbr"}
APART = {"template", "dialog", "noscript"}
"""Each a page, or none, of its own."""
CONTROLS = {"a", "button", "summary"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inside: "Element | None" = None
    parts: "list[Element | str]" = field(default_factory=list)

    def within(self, *tags: str) -> bool:
        above = self.inside
        while above and above.tag not in tags:
            above = above.inside
        return above is not None

    @property
    def unheard(self) -> bool:
        return "hidden" in self.attributes or self.attributes.get("aria-hidden") == "true"

    @property
    def text(self) -> str:
        """What is read out of it."""
        if self.unheard:
            return ""
        words = [part if isinstance(part, str) else part.text for part in self.parts]
        return " ".join(" ".join(words).split())

    def every(self) -> "Iterator[Element]":
        """It, and what is in it, in the order of the page; nothing that is apart or hidden."""
        if self.tag in APART or self.unheard:
            return
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part.every()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = self.at = Element("page", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.parts.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.parts.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        above: Element | None = self.at
        while above and above.tag != tag:
            above = above.inside
        if above and above.inside:
            self.at = above.inside

    def handle_data(self, data: str) -> None:
        self.at.parts.append(data)


def faults(html: str) -> list[str]:
    """What is wrong with the page, in words."""
    reader = _Reader()
    reader.feed(html)
    elements = list(reader.page.every())
    return [*_headings(elements), *_landmarks(elements), *_names(elements)]


def _headings(elements: list[Element]) -> Iterator[str]:
    levels = [int(one.tag[1]) for one in elements if one.tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings of the first level"
    for before, after in zip([0, *levels], levels, strict=False):
        if after > before + 1:
            yield f"h{after} follows h{before}"


def _landmarks(elements: list[Element]) -> Iterator[str]:
    mains = [one for one in elements if one.tag == "main"]
    if len(mains) != 1:
        yield f"{len(mains)} times main"
    for one in elements:
        if one.tag == "nav" and one.within("aside"):
            yield "navigation inside what is complementary"
        if one.tag == "nav" and "aria-label" not in one.attributes:
            yield "navigation without a name"


def _names(elements: list[Element]) -> Iterator[str]:
    by_id = {one.attributes["id"]: one for one in elements if "id" in one.attributes}
    for one in elements:
        label, title = one.attributes.get("aria-label", ""), one.attributes.get("title", "")
        if one.tag in CONTROLS and not (label or title or one.text):
            yield f"a {one.tag} without a name: {one.attributes}"
        if one.tag in CONTROLS and title and (label or one.text).startswith(title):
            yield f"says twice: {title}"
        if one.attributes.get("role") == "rowheader":
            named = by_id.get(one.attributes.get("aria-labelledby", ""), one)
            links = [inner for inner in one.every() if inner.tag == "a"]
            if named.text not in [inner.text.removeprefix("Unread ") for inner in links]:
                yield f"a row is headed by more than its subject: {named.text}"
