"""What was made of things that stay as they are: pages show the same rows and messages many times over.

Kept are so many, and none that is long, so that nobody can fill the memory with what they write. Any thread
may ask.
"""

import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

R = TypeVar("R")

LONG = 2_000
"""Characters. What is longer is made anew each time."""


class _Keeps(Generic[R]):
    """Of more than `most` the oldest goes."""

    def __init__(self, make: Callable[..., R], most: int) -> None:
        self._make = make
        self._most = most
        self._made: dict[tuple[Any, ...], Any] = {}
        self._changing = threading.Lock()

    def _keep(self, key: tuple[Any, ...], made: Any) -> None:
        with self._changing:
            self._made[key] = made
            if len(self._made) > self._most:
                del self._made[next(iter(self._made))]


class Alike(_Keeps[R]):
    """`make(row)`, which is never empty, and for rows that are alike the same object."""

    def each(self, rows: Iterable[tuple[Any, ...]]) -> list[R]:
        made = self._made.get
        return [made(row) or self._new(row) for row in rows]

    def _new(self, row: tuple[Any, ...]) -> R:
        new = self._make(row)
        if sum(len(value) for value in row if isinstance(value, str)) <= LONG:
            self._keep(row, new)
        return new


class Kept(_Keeps[R]):
    """`make(of, …)`, and made once for the same object `of` with the same that goes along.

    It goes by which object that is, because to compare what a row holds takes as long as to show it. What was
    made keeps what it was made of: nothing else can take its place in memory meanwhile. `length` says how
    long it is.
    """

    def __init__(self, make: Callable[..., R], *, most: int, length: Callable[[R], int]) -> None:
        super().__init__(make, most)
        self._length = length

    def __call__(self, of: object, *along: Hashable) -> R:
        key = (id(of), *along)
        found = self._made.get(key)
        if found is None:
            found = of, self._make(of, *along)
            if self._length(found[1]) <= LONG:
                self._keep(key, found)
        made: R = found[1]
        return made
