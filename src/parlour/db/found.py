"""What statements found, for as long as nothing was stored since.

SQLite says by one number whether anybody, of whatever process, has stored anything since a connection looked
last. Until then a statement with the same values finds the same rows: pages ask for the members, the tags and
the numbers in their menu far more often than those change.
"""

from typing import Any

MOST = 1_000
"""Of statements, each with up to a page of rows."""


class Found:
    """Of one connection, and for one thread."""

    __slots__ = ("_found", "_version")

    def __init__(self) -> None:
        self._version = -1
        self._found: dict[tuple[Any, ...], Any] = {}

    def stand_at(self, version: int) -> None:
        """`PRAGMA data_version` within the transaction that reads on."""
        if version != self._version:
            self._version = version
            self._found.clear()

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._found.get(key)

    def keep(self, key: tuple[Any, ...], rows: Any) -> None:
        if len(self._found) < MOST:
            self._found[key] = rows
