"""Moving windows: what each kind of them promises, and those that one process keeps for itself."""

import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field

FORGET_EVERY = 30.0
"""Seconds between two looks for windows in which nothing counts any more."""
SECONDS = {"second": 1, "minute": 60, "hour": 3600}


class Rate(NamedTuple):
    """So many uses in any so many seconds."""

    amount: int
    seconds: int

    @classmethod
    def of(cls, words: str) -> "Rate":
        """`20/10 seconds`, `3/hour`."""
        amount, _, span = words.partition("/")
        number, _, unit = span.rpartition(" ")
        return cls(int(amount), int(number or 1) * SECONDS[unit.removesuffix("s")])


class Windows(Protocol):
    """Moving windows. `key` tells neither who nor what. An answer of 0 is a yes, else the seconds to wait.

    Whoever sets a clock, no wait is longer than the rate's own seconds, and no use counts for longer.
    """

    def take(self, key: str, rate: Rate) -> Coroutine[Any, Any, float]:
        """Count one use, unless there were enough."""

    def look(self, key: str, rate: Rate) -> Coroutine[Any, Any, float]:
        """What `take` would answer."""

    def forget(self, key: str, rate: Rate) -> Coroutine[Any, Any, float]:
        """Begin again from none. Answers 0."""

    def give_back(self, key: str, rate: Rate) -> Coroutine[Any, Any, float]:
        """Uncount the newest use. Answers 0."""

    async def close(self) -> None: ...


class _Window(Struct):
    seconds: int
    uses: deque[float] = field(default_factory=deque)

    def move(self, now: float) -> None:
        while self.uses and self.uses[0] <= now - self.seconds:
            self.uses.popleft()


class OwnWindows:
    """Kept by this process, by the seconds that really pass. Any thread may count."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._forget_at = 0.0
        self._lock = threading.Lock()

    def take(self, key: str, rate: Rate) -> float:
        with self._lock:
            now = time.monotonic()
            self._forget_old(now)
            if wait := self._wait(key, rate, now):
                return wait
            self._windows.setdefault(key, _Window(rate.seconds)).uses.append(now)
            return 0.0

    def look(self, key: str, rate: Rate) -> float:
        with self._lock:
            return self._wait(key, rate, time.monotonic())

    def left(self, key: str, rate: Rate) -> tuple[int, float]:
        """How many more uses there are now, and the seconds until all are there again."""
        with self._lock:
            now, window = time.monotonic(), self._windows.get(key)
            if window is None:
                return rate.amount, 0.0
            window.move(now)
            uses = window.uses
            return max(0, rate.amount - len(uses)), uses[-1] + rate.seconds - now if uses else 0.0

    def forget(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def give_back(self, key: str) -> None:
        with self._lock:
            if (window := self._windows.get(key)) and window.uses:
                window.uses.pop()

    def _wait(self, key: str, rate: Rate, now: float) -> float:
        window = self._windows.get(key)
        if window is None:
            return 0.0
        window.move(now)
        return window.uses[-rate.amount] + rate.seconds - now if len(window.uses) >= rate.amount else 0.0

    def _forget_old(self, now: float) -> None:
        if now < self._forget_at:
            return
        self._forget_at = now + FORGET_EVERY
        for key, window in list(self._windows.items()):
            window.move(now)
            if not window.uses:
                del self._windows[key]
