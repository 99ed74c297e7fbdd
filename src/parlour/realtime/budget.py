"""How much of this process's memory may wait for sockets, all connections together.

A replay asks before it reads a page, and waits while there is no room. Whoever has taken nothing for longest
then has to go: the words are stored, and the page asks for them again when it comes back. So a few who never
read cannot keep the others waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Protocol

WAITING_BYTES = 24 * 1024 * 1024
PAGE_BYTES = 128 * 1024
"""What one page of a replay is taken to need while it is read, encoded and handed over."""
STUCK_AFTER = 1.0
"""Seconds in which a socket has taken nothing of what it was given."""
LOOK = 0.2


class Holder(Protocol):
    writing_since: float | None

    def abort(self) -> None: ...


class Budget:
    """`used` are the bytes of frames that wait in queues and of pages that are on their way there."""

    def __init__(self, holders: Collection[Holder], limit: int = WAITING_BYTES) -> None:
        self.used = 0
        self._holders = holders
        self._limit = limit
        self._line = asyncio.Lock()
        self._given_back = asyncio.Event()

    @property
    def exhausted(self) -> bool:
        return self.used > self._limit

    def change(self, by: int) -> None:
        self.used += by
        if by < 0:
            self._given_back.set()

    @asynccontextmanager
    async def page(self) -> AsyncIterator[None]:
        """Room for one page, in the order of asking."""
        async with self._line:
            while self.used + PAGE_BYTES > self._limit:
                self._given_back.clear()
                self._let_the_stuck_go()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._given_back.wait()
            self.used += PAGE_BYTES
        try:
            yield
        finally:
            self.change(-PAGE_BYTES)

    def _let_the_stuck_go(self) -> None:
        """One at a time: what it held may be enough."""
        since = [(each.writing_since, each) for each in self._holders if each.writing_since is not None]
        if since:
            longest, holder = min(since, key=lambda pair: pair[0])
            if monotonic() - longest > STUCK_AFTER:
                holder.abort()
