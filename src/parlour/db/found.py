"""What statements found, and what units made of it, for as long as nothing was stored since.

SQLite says by one number whether anybody, of whatever process, has stored anything since a connection looked
last. Until then the same is found again.
"""

from collections.abc import Sequence
from typing import Any

ROOM = 10_000_000
"""Characters of what was found, or as good as: the memory that it takes is a few times that."""
ENTRY = 500
"""What a statement weighs that found nothing."""


class Found:
    """Of one connection, and for one thread."""

    __slots__ = ("_found", "_version", "_weight")

    def __init__(self) -> None:
        self._version = -1
        self._weight = 0
        self._found: dict[tuple[Any, ...], Any] = {}

    def stand_at(self, version: int) -> None:
        """`PRAGMA data_version` within the transaction that reads on."""
        if version != self._version or self._weight >= ROOM:
            self._version, self._weight = version, 0
            self._found.clear()

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._found.get(key)

    def keep(self, key: tuple[Any, ...], made: Any, stored: Sequence[tuple[Any, ...]] = ()) -> None:
        """What was made of the rows that are `stored`."""
        texts = [value for row in stored for value in row if type(value) is str]
        self._weight += ENTRY + sum(map(len, texts))
        self._found[key] = made
