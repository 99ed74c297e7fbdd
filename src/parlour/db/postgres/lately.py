"""What units asked PostgreSQL when they ran last: the next time all of it travels with their first statement.

Most of what a page asks goes by what it found just before (a ticket, then its room, then what was said there)
and is the same as the last time. Where it is not, an answer was got in vain.
"""

import threading
from collections.abc import Hashable, Sequence
from typing import TypeVar

from parlour.db.postgres.answering import Asked

T = TypeVar("T")
REMEMBERED = 1_000
"""Units, each with what it was given and in whose name: the pages that are looked at."""
LONG = 100
"""Statements of a unit. Nothing that a page reads asks as many."""


class Lately:
    """Of one process. Any thread may."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, Sequence[Asked]] = {}
        self._found: dict[Hashable, object] = {}
        self._changing = threading.Lock()

    def of(self, unit: Hashable) -> Sequence[Asked]:
        return self._asked.get(unit, ())

    def note(self, unit: Hashable, asked: Sequence[Asked]) -> None:
        self._put(self._asked, unit, asked[:LONG])

    def found(self, unit: Hashable) -> object:
        """What the unit had found out before it went on, or None."""
        return self._found.get(unit)

    def note_found(self, unit: Hashable, found: object) -> None:
        self._put(self._found, unit, found)

    def _put(self, into: dict[Hashable, T], unit: Hashable, what: T) -> None:
        with self._changing:
            into.pop(unit, None)
            into[unit] = what
            while len(into) > REMEMBERED:
                del into[next(iter(into))]
