"""Templates to text."""

import json
import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, partial
from gettext import NullTranslations
from itertools import repeat
from pathlib import Path
from secrets import token_hex
from typing import Any

from minijinja import Environment, Markup, escape
from msgspec import Struct

from parlour.kernel import clock
from parlour.kernel.kept import Kept
from parlour.kernel.text import file_name_in_mail, name_in_mail, set_apart
from parlour.web.linkify import may_hold_links, split_links
from parlour.web.looks import Html, Looks

PACKAGE = Path(__file__).parents[1]
OWN_FOLDERS = {
    "portal": "features/portal",
    "desk": "features/desk",
    "api": "features/api",
    "mail": "mail",
}
"""The first part of a template's name says whose it is; all others are shared, in web/templates."""

PARTS = 500
"""Pieces of pages that are kept, of some 10 kB each."""
LINES = 2_000
"""Messages that are kept, of some 1 kB each."""
WAYS = 500
"""In which they are drawn, differing by where the page stands and what its reader may do."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_translations = NullTranslations()


_STRING = r"""(?:"[^"\\]*"|'[^'\\]*')"""
_SENTENCE = re.compile(rf"(?<!\w)_\(({_STRING})\)")
"""One that has nothing to be filled in, anywhere."""
_SPOKEN = re.compile(rf"{{{{ _\(({_STRING})((?:, \w+=(?:[\w.]+|{_STRING}))*)\) }}}}")
"""One that is all there is of an expression, with plain names or words to be filled in."""
_VALUE = re.compile(rf", (\w+)=([\w.]+|{_STRING})")
_PLACE = re.compile(r"\{(\w+)\}")
FIGURES = {"count", "days", "limit", "number", "size", "status"}
"""Places in sentences that no words are filled in."""
_ICON = re.compile(rf"{{{{ icon\(({_STRING})(?:, ({_STRING}))?\) }}}}")
_INDENT = re.compile(r"\n\s+")
_JINJA = re.compile(r"\{[{%#]")
_CODE = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})|[^\x00-\x7f]", re.DOTALL)


def find_template(name: str) -> str | None:
    owner, _, rest = name.partition("/")
    folder = OWN_FOLDERS.get(owner)
    path = PACKAGE / folder / "templates" / rest if folder else PACKAGE / "web" / "templates" / name
    return path.read_text() if path.is_file() else None


def prepare(source: str, draw: Callable[..., str]) -> str:
    """A page's template with its sentences and icons as plain text, as far as they are known before it.

    A page has hundreds of them: what is text already costs nothing later. The indents stay here, and what is
    not ASCII becomes a reference.
    """
    source = _ICON.sub(lambda found: draw(*(part[1:-1] for part in found.groups() if part)), source)
    source = _SENTENCE.sub(_translated, _SPOKEN.sub(_put_together, _INDENT.sub("\n", source)))
    return _CODE.sub(lambda found: found[1] or _reference(found[0]), source)


def _reference(character: str) -> str:
    """A page of ASCII is a text of one byte a character: Python handles it three times as fast."""
    return f"&#{ord(character)};"


def _translated(sentence: re.Match[str]) -> str:
    return json.dumps(translate(sentence[1][1:-1]), ensure_ascii=False)


def _put_together(spoken: re.Match[str]) -> str:
    """The sentence itself, around the values that the template fills in."""
    values = dict(_VALUE.findall(spoken[2]))
    sentence = escape(translate(spoken[1][1:-1]))
    if _JINJA.search(sentence):
        return spoken[0]
    return _PLACE.sub(lambda place: _filled_in(place[1], values[place[1]]), sentence) if values else sentence


def _filled_in(place: str, value: str) -> str:
    if value[0] in "\"'":
        return escape(value[1:-1])
    return f"{{{{ {value} }}}}" if place in FIGURES else f"{{{{ {value}|apart }}}}"


def translate(text: str, **values: object) -> str:
    """The sentence in the reader's language, with its `{names}` filled in."""
    sentence = _translations.gettext(text)
    return sentence.format(**{name: apart(value) for name, value in values.items()}) if values else sentence


def apart(value: object) -> object:
    """As it stands in a sentence. What is no plain text, or HTML, stays what it is."""
    return set_apart(value) if type(value) is str else value


def _utc(moment: datetime) -> datetime:
    """Nearly all come from the database, which has them so."""
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


@lru_cache(maxsize=1000)
def _day(date: str) -> str:
    """Of `2026-02-03`. A page has many moments, of few days."""
    year, month, day = map(int, date.split("-"))
    return f"{day} {MONTHS[month - 1]} {year}"


def spelled(moment: datetime) -> tuple[str, str]:
    """The moment for programs, and for readers without JavaScript, so that one names its zone."""
    return spelled_text(_utc(moment).isoformat())


def spelled_text(text: str) -> tuple[Html, Html]:
    """Of a moment in UTC that is one for programs already, more exact than anybody is shown."""
    return Html(f"{text[:19]}Z"), Html(f"{_day(text[:10])}, {text[11:16]} UTC")


def exactly(moment: datetime) -> str:
    """For programs, as exact as browsers are."""
    return f"{_utc(moment).isoformat(timespec='milliseconds')[:23]}Z"


def iso(moment: datetime) -> str:
    return spelled(moment)[0]


def when(moment: datetime) -> str:
    return spelled(moment)[1]


def time_element(at: datetime | str, kind: str = "relative") -> str:
    """A whole <time>: pages hold many, and each crossing between the template and here costs.

    The script rewrites it in the reader's zone, as its `kind` says: `full`, `date`, else as "an hour ago".
    The audit trail has moments as text.
    """
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    shown = "" if kind == "relative" else f' data-fmt="{kind}"'
    moment, words = spelled(at)
    return Markup(f'<time datetime="{moment}"{shown}>{words}</time>')


_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1024)
def initials(name: str) -> str:
    """Two letters at most, of a name or of an address's local part, as frontend/src/dom.ts takes them."""
    words = _WORD.findall(name.split("@", 1)[0])
    letters = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in letters).upper() or "?"


def linkify(text: str) -> str:
    """Escaped text in which addresses are links that tell the other site nothing."""
    if not may_hold_links(text):
        return escape(text)
    return Markup(
        "".join(
            f'<a href="{escape(href)}" rel="noopener noreferrer nofollow" target="_blank">{escape(part)}</a>'
            if href
            else str(escape(part))
            for part, href in split_links(text)
        )
    )


def filesize(bytes_: int) -> str:
    """With one decimal below ten; frontend/src/files.ts says the same."""
    size, unit = float(bytes_), "B"
    for larger in ("kB", "MB", "GB"):
        if size < (1_000 if unit == "B" else 999.5):
            break
        size, unit = size / 1_024, larger
    return f"{size:.1f} {unit}" if size < 9.95 and unit != "B" else f"{size:.0f} {unit}"


_SPACE_THAT_VANISHES = re.compile(r"^ | (?= )")


def as_written(text: str) -> str:
    """`linkify` for mails, whose styles may get lost: each line in its own direction, every space kept."""
    lines = (
        _SPACE_THAT_VANISHES.sub("\u00a0", line.replace("\t", "\u00a0" * 4)) for line in text.split("\n")
    )
    return Markup("\n".join(f'<div dir="auto">{linkify(line) or "<br>"}</div>' for line in lines))


def icon(sprite: str, name: str, look: str = "") -> str:
    """One of frontend/icons.txt, with the classes of its look. It never carries meaning alone."""
    classes = escape(f"icon {look}".rstrip())
    return Markup(f'<svg class="{classes}" aria-hidden="true"><use href="{sprite}#{escape(name)}"/></svg>')


class _Way(Struct, frozen=True, eq=False):
    """How lines are drawn: the template and all that stands around. Of the same there is one, so that a line
    is found by which it is, where comparing what it holds would take longer than all else.
    """

    template: str
    around: tuple[tuple[str, Hashable], ...]


_way = lru_cache(maxsize=WAYS)(_Way)


class Renderer:
    """MiniJinja with our words, filters and asset addresses. Templates are compiled once."""

    def __init__(self, asset: Callable[[str], str], **facts: object) -> None:
        """`facts` are the same on every page of this server."""
        self._icon = cache(partial(icon, asset("icons.svg")))
        self.rows = Looks(self)
        self._lines = Kept(self._draw_lines, most=LINES, length=len)
        self._end_of_line = token_hex()  # nobody can write it
        self._environment = Environment(
            loader=self._load,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_escape_callback=lambda name: "html" if name.endswith(".html") else None,
            filters={
                "iso": iso,
                "when": when,
                "time": time_element,
                "initials": initials,
                "linkify": linkify,
                "as_written": as_written,
                "filesize": filesize,
                "name": name_in_mail,
                "file_name": file_name_in_mail,
                "apart": apart,
            },
            globals={
                "_": translate,
                "asset": cache(lambda name: Markup(asset(name))),
                "svg": self._icon,
                "this_moment": lambda: iso(clock.now()),
                "part": self.part,
                "lines": self.lines,
                **facts,
            },
            undefined_behavior="strict",
            debug=False,  # or an error would print every variable of the page, secrets included
        )

    def _load(self, name: str) -> str | None:
        source = find_template(name)
        if source is None or not name.endswith(".html"):
            return source
        return prepare(source, self._icon)

    @cached_property
    def part(self) -> Callable[..., str]:
        """A piece of a page that looks the same whenever its context, all of it hashable, is the same."""

        @lru_cache(maxsize=PARTS)
        def made(template: str, /, **context: Any) -> str:
            return Markup(self(template, **context))

        return made

    def lines(self, template: str, each: Sequence[object], /, **around: Hashable) -> str:
        """What the template makes of `each` in a loop that ends every line with `end_of_line`.

        A line is drawn once for the same object and the same `around`: of a list that is looked at again only
        what has changed is drawn, and that in one go.
        """
        return Markup("".join(self._lines.each(each, repeat(_way(template, tuple(around.items()))))))

    def _draw_lines(self, pairs: Sequence[tuple[object, _Way]]) -> list[str]:
        way, ends = pairs[0][1], self._end_of_line
        drawn = self(way.template, each=[one for one, _ in pairs], end_of_line=ends, **dict(way.around))
        return drawn.split(ends)[:-1]

    def __call__(self, name: str, /, **context: Any) -> str:
        page = self._environment.render_template(name, **context)
        return _with_slashes(page) if name.endswith(".html") else page


def _with_slashes(page: str) -> str:
    """MiniJinja escapes slashes too. Of what can end a text or an attribute in quotes they are none.

    Python looks through a page faster for five characters than for six; the semicolon is behind them.
    """
    first, *others = page.split("&#x2f")
    return "/".join([first, *[part[1:] for part in others]])
