"""What units asked PostgreSQL when they ran last: the next time all of it travels with their first statement.

Most of what a page asks goes by what it found just before (a ticket, then its room, then what was said there)
and is the same as the last time. Where it is not, an answer was got in vain.
"""

import threading
from collections.abc import Hashable, Sequence

from parlour.db.postgres.answering import Asked

REMEMBERED = 1_000
"""Units, each with what it was given and in whose name: the pages that are looked at."""
LONG = 100
"""Statements of a unit. Nothing that a page reads asks as many."""


class Lately:
    """Of one process. Any thread may."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, Sequence[Asked]] = {}
        self._changing = threading.Lock()

    def of(self, unit: Hashable) -> Sequence[Asked]:
        return self._asked.get(unit, ())

    def note(self, unit: Hashable, asked: Sequence[Asked]) -> None:
        with self._changing:
            self._asked.pop(unit, None)
            self._asked[unit] = asked[:LONG]
            while len(self._asked) > REMEMBERED:
                del self._asked[next(iter(self._asked))]
