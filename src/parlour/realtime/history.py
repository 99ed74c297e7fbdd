"""On which line of history the database is, as far as this node has seen.

Every read says the epoch it was made in, so a database that went back is noticed by the next one. When a
room's past turns out to be another one under the same epoch (files that were put back by hand), the node
gives the database a new epoch, by which everybody else learns of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from parlour.kernel.messages import Stretch
from parlour.realtime.access import Access
from parlour.realtime.bus import Bus
from parlour.realtime.trouble import report

log = structlog.get_logger(__name__)

LOOK_AGAIN = 1.0
"""Seconds between two looks at a room, or at the epoch, because somebody said something strange."""


class History:
    """`changed` is called with each new epoch but the first. `epoch` is empty until the first read."""

    def __init__(self, access: Access, bus: Bus, changed: Callable[[], None]) -> None:
        self.epoch = ""
        self._access = access
        self._bus = bus
        self._changed = changed
        self._look_at = 0.0
        self._renewing = asyncio.Lock()

    def learn(self, epoch: str) -> None:
        """The database says it is on this line."""
        if epoch == self.epoch:
            return
        known, self.epoch = self.epoch, epoch
        self._bus.epoch = epoch
        if known:
            log.warning("history.changed", epoch=epoch, before=known)
            self._changed()

    async def read(self, ask: Callable[[], Awaitable[Stretch]]) -> Stretch:
        """The answer to `ask`, unless history changed while it was on its way: then it is asked again."""
        while True:
            known = self.epoch
            stretch = await ask()
            if known == self.epoch:
                self.learn(stretch.epoch)
            if stretch.epoch == self.epoch:
                return stretch

    async def look(self) -> str:
        """The epoch, from the database."""
        known = self.epoch
        epoch, _ = await self._access.heads(())
        if known == self.epoch:
            self.learn(epoch)
        return self.epoch

    def may_look(self) -> bool:
        """Whether the last look because another node named another epoch was long enough ago; if so, this one
        counts. One for all: there is one epoch, and only nodes speak of it.
        """
        if monotonic() < self._look_at:
            return False
        self._look_at = monotonic() + LOOK_AGAIN
        return True

    async def went_back(self, epoch: str) -> None:
        """Something that was read under `epoch` is no longer there."""
        try:
            async with self._renewing:
                if epoch == self.epoch:
                    await self._access.begin_epoch(epoch)
                    await self.look()
        except Exception:
            report(log, "the database went back, and could not be given a new epoch")
