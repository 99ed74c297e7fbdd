"""Rows of lists, of which many look alike: a template draws each look once, what the rows say is put into it.

For each value that it shows a template takes several times what it takes to put that into a text.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import repeat
from operator import itemgetter
from secrets import token_hex
from typing import Any, NewType, Protocol

from minijinja import Markup
from msgspec import Struct

from parlour.kernel.kept import Kept

ROWS = 2_000
"""Rows that are kept, of some 1 kB each."""
LOOKS = 1_000
"""Looks that are kept, as long as a row."""
WAYS = 500
"""In which they are drawn, differing by where the page stands and what its reader may do."""

_SPECIAL = re.compile("[&<>\"']")

Html = NewType("Html", str)
"""What may stand in a text or in an attribute in quotes."""


def escaped(text: str) -> Html:
    """Most hold nothing to be escaped: to find that out takes a quarter of the time."""
    return Html(escape(text) if _SPECIAL.search(text) else text)


class Look(Hashable, Protocol):
    """All by which the template decides: a NamedTuple of plain values."""

    def _asdict(self) -> dict[str, Any]: ...


Told = tuple[Look, tuple[Html | int, ...]]


class Kind(Struct, frozen=True, eq=False):
    """Rows of one kind. `told` says of each thing, given what stands around, its look and what is put into
    it, in the order of `values`.

    The template draws looks in a loop over `each`, in which the name of a value stands for it, and ends every
    one with `end_of_row`. It asks nothing of a value but to be there.
    """

    template: str
    told: Callable[[Sequence[Any], Mapping[str, Any]], Sequence[Told]]
    values: tuple[str, ...]


class _Way(Struct, frozen=True, eq=False):
    """How rows are drawn: their kind and all that stands around. Of the same there is one, so that a row is
    found by which it is, where comparing what it holds would take longer than all else.
    """

    kind: Kind
    around: tuple[tuple[str, Hashable], ...]


_way = lru_cache(maxsize=WAYS)(_Way)


class _Pattern(Struct, frozen=True, eq=False):
    """A look, with places for some of the values."""

    text: str
    places: Callable[[Sequence[Html | int]], tuple[Html | int, ...]]


class Looks:
    """Rows as they were drawn, each once for the same thing and the same `around`."""

    def __init__(self, draw: Callable[..., str]) -> None:
        """`draw` takes a template's name and what goes into it."""
        self._draw = draw
        self._looks = Kept(self._drawn, most=LOOKS, length=lambda pattern: len(pattern.text))
        self._rows = Kept(self._filled, most=ROWS, length=lambda row: sum(map(len, row)))
        self._value, self._end_of_row, self._within = (token_hex() for _ in range(3))  # nobody can write them
        self._between = re.compile(f"{self._value}(\\w+);")

    def __call__(
        self, kind: Kind, each: Sequence[object], within: Sequence[str] = (), /, **around: Hashable
    ) -> str:
        """The rows as HTML. `within` is HTML for each that is another every time: it stands where the row
        says `within`.
        """
        rows = self._rows.each(each, repeat(_way(kind, tuple(around.items()))))
        if within:
            return Markup("".join([part.join(row) for row, part in zip(rows, within, strict=True)]))
        return Markup("".join(["".join(row) for row in rows]))

    def _filled(self, pairs: Sequence[tuple[object, _Way]]) -> list[list[str]]:
        """Each in two parts where it says `within`, else whole."""
        way = pairs[0][1]
        told = way.kind.told([one for one, _ in pairs], dict(way.around))
        looks = self._looks.each([way] * len(told), [look for look, _ in told])
        return [
            (look.text % look.places(values)).split(self._within, 1)
            for look, (_, values) in zip(looks, told, strict=True)
        ]

    def _drawn(self, pairs: Sequence[tuple[_Way, Look]]) -> list[_Pattern]:
        way = pairs[0][0]
        values = {name: f"{self._value}{name};" for name in way.kind.values}
        each = [{**look._asdict(), **values} for _, look in pairs]
        ends, within = self._end_of_row, self._within
        drawn = self._draw(way.kind.template, each=each, end_of_row=ends, within=within, **dict(way.around))
        return [self._pattern(way.kind.values, row) for row in drawn.split(ends)[:-1]]

    def _pattern(self, values: tuple[str, ...], row: str) -> _Pattern:
        text, names = self._between.sub("%s", row.replace("%", "%%")), self._between.findall(row)
        return _Pattern(text, itemgetter(*map(values.index, names)))
