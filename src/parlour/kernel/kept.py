"""What was made of things that stay as they are: pages show the same rows and messages many times over.

Kept are so many, and none that is long, so that nobody can fill the memory with what they write. Any thread
may ask.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

R = TypeVar("R")

LONG = 2_000
"""Characters. What is longer is made anew each time."""


class _Keeps(Generic[R]):
    """Of more than `most` the oldest go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[tuple[Any, ...], Any] = {}
        self._changing = threading.Lock()

    def _keep(self, made: Mapping[tuple[Any, ...], Any]) -> None:
        with self._changing:
            self._made.update(made)
            if (over := len(self._made) - self._most) > 0:
                for oldest in list(islice(self._made, over)):  # each looked for alone walks over those gone
                    del self._made[oldest]


class Alike(_Keeps[R]):
    """`make(rows)`, an object for each, and for rows that are alike the same object."""

    def __init__(self, make: Callable[[list[tuple[Any, ...]]], Sequence[R]], *, most: int) -> None:
        super().__init__(most)
        self._make = make

    def each(self, rows: Sequence[tuple[Any, ...]]) -> list[R]:
        found: list[Any] = list(map(self._made.get, rows))
        missing = [at for at, one in enumerate(found) if one is None]
        if missing:
            for at, new in zip(missing, self._make([rows[at] for at in missing]), strict=True):
                found[at] = new
            self._keep({rows[at]: found[at] for at in missing if _length(rows[at]) <= LONG})
        return found


def _length(row: tuple[Any, ...]) -> int:
    return sum([len(value) for value in row if type(value) is str])


class Kept(_Keeps[R]):
    """What `make` makes of pairs, an object and what goes along with it, and once for the same pair.

    It goes by which object that is, because to compare what a row holds takes as long as to show it. What was
    made keeps what it was made of: nothing else can take its place in memory meanwhile. `length` says how
    long it is.
    """

    def __init__(
        self, make: Callable[[list[tuple[Any, Any]]], Sequence[R]], *, most: int, length: Callable[[R], int]
    ) -> None:
        super().__init__(most)
        self._make = make
        self._length = length

    def each(self, things: Sequence[object], along: Iterable[Hashable]) -> list[R]:
        pairs = list(zip(things, along, strict=False))
        keys = [(id(one), more) for one, more in pairs]
        found: list[Any] = list(map(self._made.get, keys))
        missing = [at for at, one in enumerate(found) if one is None]
        if missing:
            for at, new in zip(missing, self._make([pairs[at] for at in missing]), strict=True):
                found[at] = things[at], new
            self._keep({keys[at]: found[at] for at in missing if self._length(found[at][1]) <= LONG})
        return [made for _, made in found]

    def one(self, thing: object, along: Hashable = None) -> R:
        return self.each([thing], [along])[0]


class KeptTogether(_Keeps[R]):
    """What is made of several things at once; made anew when one of them, or what goes along, is another.

    They are known as `Kept` knows them. `longest` and `length` are those of what is made.
    """

    def __init__(self, *, most: int, length: Callable[[R], int], longest: int = LONG) -> None:
        super().__init__(most)
        self._length = length
        self._longest = longest

    def made(self, things: Sequence[object], along: Hashable, make: Callable[[], R]) -> R:
        """`make` may depend on nothing else."""
        key = tuple(map(id, things)), along
        found = self._made.get(key)
        if found is None:
            found = things, make()
            if self._length(found[1]) <= self._longest:
                self._keep({key: found})
        made: R = found[1]
        return made
