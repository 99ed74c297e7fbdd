"""Answers that the other side does not take: what all of them hold together has one bound.

A page waits in memory until it was taken, and whoever asks for two and reads none keeps both here. Above the
bound those go who take the least a second. Somebody on a slow line takes more than whoever only pretends.
"""

from collections.abc import Iterable
from typing import Protocol

UNTAKEN_BYTES = 16 * 1024 * 1024
"""Those of 16 kB are a thousand pages at once that slow lines still take."""


class Untaken:
    """What one connection holds: `size` in bytes, since when there has always been something."""

    def __init__(self) -> None:
        self.size = 0
        self._most = 0
        self._since = 0.0

    def look(self, size: int, now: float) -> None:
        if size == 0 or self.size == 0:
            self._since, self._most = now, size
        self.size = size
        self._most = max(self._most, size)

    def seconds(self, now: float) -> float:
        return now - self._since if self.size else 0.0

    def rate(self, now: float) -> float:
        """Bytes a second that are taken."""
        return (self._most - self.size) / max(self.seconds(now), 1.0)


class Holder(Protocol):
    untaken: Untaken

    def let_go(self) -> None: ...


def keep_within(holders: Iterable[Holder], now: float, limit: int = UNTAKEN_BYTES) -> None:
    """Let go of the slowest, and of those the oldest, until what the others hold is within the limit."""
    holding = [each for each in holders if each.untaken.size]
    held = sum(each.untaken.size for each in holding)
    if held <= limit:
        return
    for each in sorted(holding, key=lambda each: (each.untaken.rate(now), -each.untaken.seconds(now))):
        if held <= limit:
            return
        held -= each.untaken.size
        each.let_go()
