"""The one clock of this node: heads for everyone, the silent and the stuck, and who must prove itself again.

One task serves all connections in slices, so that a thousand of them own no timer and do not all get
their heads in the same instant.
"""

import asyncio
from collections.abc import Callable, Collection
from time import monotonic

import structlog

from parlour.realtime.connection import Connection
from parlour.realtime.protocol import Close, Timings
from parlour.realtime.rooms import Rooms
from parlour.realtime.trouble import report

log = structlog.get_logger(__name__)

SLICES = 20


class Heartbeat:
    """`recheck` is called for each connection whose proof has become old."""

    def __init__(
        self,
        connections: Collection[Connection],
        rooms: Rooms,
        timings: Timings,
        recheck: Callable[[Connection], None],
    ) -> None:
        self._connections = connections
        self._rooms = rooms
        self._timings = timings
        self._recheck = recheck
        self._tick = timings.heartbeat / SLICES
        self._next_slice = 0

    def admit(self, connection: Connection) -> None:
        """Give a newcomer its place in the round."""
        connection.slice = self._next_slice = (self._next_slice + 1) % SLICES
        share = connection.slice / SLICES
        connection.recheck_at = monotonic() + self._timings.recheck * (1 + share) / 2

    async def run(self) -> None:
        turn, expected = 0, monotonic()
        while True:
            await asyncio.sleep(self._tick)
            expected += self._tick
            late = monotonic() - expected
            expected += late
            turn = (turn + 1) % SLICES
            try:
                self._beat(turn, late)
            except Exception:
                report(log, "a heartbeat failed")

    def _beat(self, turn: int, late: float) -> None:
        """`late`: this process stood still for so long, and what came in meanwhile is still unread."""
        now = monotonic()
        for connection in list(self._connections):
            connection.heard_at += max(late - self._tick, 0.0)
            self._look_at(connection, now)
        due = [each for each in self._connections if each.slice == turn and not each.closing]
        if due:
            self._rooms.spawn(self._send_heads(due))

    def _look_at(self, connection: Connection, now: float) -> None:
        since = connection.writing_since
        if since is not None and now - since > self._timings.write_timeout:
            connection.abort()
        elif connection.closing:
            return
        elif now - connection.heard_at > self._timings.dead_after:
            connection.close(Close.TOO_SLOW)
        else:
            self._rooms.save_marks(connection)
            if connection.missed and since is None:
                connection.missed = False
                self._rooms.announce(connection)
            if now >= connection.recheck_at:
                connection.recheck_at = now + self._timings.recheck
                self._recheck(connection)

    async def _send_heads(self, connections: list[Connection]) -> None:
        """One query for all of them. Without an answer they still hear that we are alive."""
        places = [place for each in connections for place in self._rooms.subscriptions(each).values()]
        rooms = {place.room for place in places}
        try:
            async with asyncio.timeout(self._timings.heartbeat / 4):
                await self._rooms.refresh(rooms)
        except Exception:
            report(log, "the heads of the rooms could not be read", rooms=len(rooms))
        for connection in connections:
            connection.push(self._rooms.heads(connection))
