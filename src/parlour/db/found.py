"""What statements found, and what units made of it, for as long as nothing was stored since.

Both databases say by one word how they stand: whoever reads the same word twice would find the same twice. On
SQLite that is a number, on PostgreSQL its snapshot (`db/postgres/recollection.py`).
"""

from collections.abc import Sequence
from typing import Any, Protocol

ROOM = 10_000_000
"""Characters of what was found, or as good as: the memory that it takes is a few times that."""
ENTRY = 500
"""What a statement weighs that found nothing."""

Key = tuple[Any, ...]


class Finds(Protocol):
    """What a unit finds again, and leaves to be found."""

    def of(self, name: object) -> "Finds":
        """The same for what is asked in this name."""

    def get(self, key: Key) -> Any: ...

    def keep(self, key: Key, made: Any, stored: Sequence[tuple[Any, ...]] = ()) -> None:
        """What was made of the rows that are `stored`."""


class Found:
    """In one state of the database, whoever asks. Any thread may. Its share of the room is one of so many."""

    __slots__ = ("_found", "_one_of", "_weight", "state")

    def __init__(self, state: object, *, one_of: int = 1) -> None:
        self.state = state
        self._one_of = one_of
        self._weight = 0
        self._found: dict[Key, Any] = {}

    @property
    def has_room(self) -> bool:
        return self._weight < ROOM // self._one_of

    def of(self, _: object) -> "Found":
        return self

    def get(self, key: Key) -> Any:
        return self._found.get(key)

    def keep(self, key: Key, made: Any, stored: Sequence[tuple[Any, ...]] = ()) -> None:
        if not self.has_room:
            return
        texts = [value for row in stored for value in row if type(value) is str]
        self._weight += ENTRY + sum(map(len, texts))
        self._found[key] = made


class Latest:
    """What was found in the state that was seen last. Of every other one all is forgotten."""

    __slots__ = ("_now", "_one_of")

    def __init__(self, *, one_of: int = 1) -> None:
        self._one_of = one_of
        self._now = Found(None, one_of=one_of)

    @property
    def now(self) -> Found | None:
        """None when there is no more room in it."""
        return self._now if self._now.has_room else None

    def at(self, state: object) -> Found:
        """A unit that has this one keeps nothing in another, whatever others see meanwhile."""
        now = self._now
        if state != now.state or not now.has_room:
            now = self._now = Found(state, one_of=self._one_of)
        return now
