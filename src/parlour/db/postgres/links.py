"""The connections of one kind that a process has: the one that was used last is used next."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from threading import Lock

from parlour.db.postgres.link import Link

WAIT_SECONDS = 0.02
"""So long a busy one is waited for before another is made: about what that would take, with its first plans
behind the policies (3 ms of the server's processor to connect, 13 for the statements of a message).
"""
GROWTH_SECONDS = 0.25
"""So long no other is made after one. Several that make their first plans beside each other take each other's
time, and what waits meanwhile asks for still more of them.
"""


class Links:
    """Any thread may. What a connection knows, and the server's process behind it, lies in the caches of the
    processor while it is used; one that was made for a burst is not needed again before the next.
    """

    def __init__(self, connect: Callable[[], Link]) -> None:
        self._connect = connect
        self._idle: LifoQueue[Link] = LifoQueue()
        self._all: set[Link] = set()
        self._lock = Lock()
        self._making = 0
        self._grew = 0.0

    @contextmanager
    def one(self) -> Iterator[Link]:
        """For one unit. If it is lost by then the idle ones go with it: what broke one mostly broke all."""
        link = self._next()
        try:
            yield link
        finally:
            if link.lost:
                self._forget(link)
                self._forget_idle()
            else:
                self._idle.put(link)

    def _forget(self, link: Link) -> None:
        self._all.discard(link)
        link.close()

    def _forget_idle(self) -> None:
        with suppress(Empty):
            while True:
                self._forget(self._idle.get_nowait())

    def _next(self) -> Link:
        while True:
            with suppress(Empty):
                return self._idle.get(timeout=WAIT_SECONDS if self._all or self._making else 0)
            if self._may_grow():
                return self._grown()

    def _may_grow(self) -> bool:
        """Whether whoever asks is to make one now."""
        with self._lock:
            now = time.monotonic()
            if (self._all or self._making) and now - self._grew < GROWTH_SECONDS:
                return False
            self._grew = now
            self._making += 1
            return True

    def _grown(self) -> Link:
        try:
            link = self._connect()
            self._all.add(link)
        finally:
            with self._lock:
                self._making -= 1
        return link

    def close(self) -> None:
        """When the threads have ended that used them: none is out."""
        self._forget_idle()
