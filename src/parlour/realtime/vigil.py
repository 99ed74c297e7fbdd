"""What a node does because there are others: it says who is here, and doubts what it hears.

While the bus is not sound, one query a second asks how far everyone's rooms are, so that a message is late
by a second or two and never lost. Whatever else was missed for good is made up for once: everyone proves
again that they may be here, and every page is greeted anew, at which it reads what it shows.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import structlog

from parlour.realtime.bus import Bus
from parlour.realtime.protocol import Timings
from parlour.realtime.rooms import Rooms
from parlour.realtime.trouble import report

log = structlog.get_logger(__name__)

LOOK = 0.25
PATIENCE = 5.0
"""Seconds for the database to answer one query about all rooms."""


class Vigil:
    """`renew` makes up for what everyone may have missed."""

    def __init__(
        self, bus: Bus, rooms: Rooms, timings: Timings, renew: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._bus = bus
        self._rooms = rooms
        self._timings = timings
        self._renew = renew
        self._missed = bus.missed
        self._arrivals = bus.arrivals
        self._tell_at = monotonic() + timings.presence_every
        self._ask_again_at = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        if not self._bus.node:
            return
        self._missed, self._arrivals = self._bus.missed, self._bus.arrivals
        while True:
            await asyncio.sleep(LOOK)
            try:
                self._presence()
                await self._doubt()
            except Exception:
                report(log, "could not ask how far the rooms are")

    def _presence(self) -> None:
        self._rooms.forget_silent()
        if self._bus.arrivals != self._arrivals or monotonic() > self._tell_at:
            self._arrivals = self._bus.arrivals
            self._tell_at = monotonic() + self._timings.presence_every
            self._rooms.tell_again()

    async def _doubt(self) -> None:
        missed = self._bus.missed != self._missed
        now = monotonic()
        if now < self._ask_again_at or (self._bus.sound and not missed):
            return
        self._ask_again_at = now + self._timings.catch_up_every
        if missed and (self._renewing is None or self._renewing.done()):
            self._missed = self._bus.missed
            self._renewing = self._rooms.spawn(self._renew())
        async with asyncio.timeout(PATIENCE):
            await self._rooms.refresh_all()
