"""Programs that wait for something to happen. No connection to the database waits with them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from starlette.requests import Request

from parlour.kernel.access import Actor
from parlour.kernel.errors import Overloaded, TooMany
from parlour.kernel.events import ContactChanged, Event, JobQueued, MessageSent, TicketChanged
from parlour.realtime.bus import Head

PLACES = 500
"""In one process."""
PLACES_OF_ONE = 5
"""For one key, in one process."""
LOOK_SECONDS = 5.0
"""The bus may lose what it carries: whoever has heard nothing for so long looks all the same."""
GATHER_SECONDS = 0.2
"""What happens together is told together, so that a busy workspace does not cost a key all its requests."""


class Waiting:
    """One place, from which somebody listens until a moment, or until they have gone."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + seconds
        self._news = asyncio.Event()
        self.over = False

    def wake(self) -> None:
        self._news.set()

    def end(self) -> None:
        self.over = True
        self._news.set()

    async def listen(self, request: Request) -> bool:
        """Wait until it is worth a look: there is news, or some time has passed. False when the time is
        over, or whoever asked has gone.
        """
        left = self._until - self._loop.time()
        if self.over or left <= 0:
            return False
        hearing = asyncio.ensure_future(self._news.wait())
        leaving = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait(
                (hearing, leaving), timeout=min(left, LOOK_SECONDS), return_when="FIRST_COMPLETED"
            )
            if leaving.done():
                self.over = True
        finally:
            hearing.cancel()
            leaving.cancel()
        if self._news.is_set() and not self.over:
            await asyncio.sleep(GATHER_SECONDS)
        self._news.clear()
        return True


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Followers:
    """All who wait, of one process."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[Waiting]] = defaultdict(set)
        self._by_key: Counter[str] = Counter()
        self._leaving = False

    @property
    def waiting(self) -> int:
        return self._by_key.total()

    def hear(self, event: Event | JobQueued) -> None:
        """Something was committed, here or elsewhere."""
        if isinstance(event, TicketChanged | MessageSent | Head | ContactChanged):
            for each in self._waiting.get(event.workspace_id, ()):
                each.wake()

    def let_go(self) -> None:
        """Nobody waits here any more: the process is about to end."""
        self._leaving = True
        for them in self._waiting.values():
            for each in them:
                each.end()

    @contextmanager
    def place(self, who: Actor, seconds: float) -> Iterator[Waiting]:
        """Raises TooMany for a key that has all of its places, Overloaded when nobody has one left."""
        if self._by_key[who.id] >= PLACES_OF_ONE:
            raise TooMany(int(LOOK_SECONDS))
        if self.waiting >= PLACES:
            raise Overloaded
        assert who.workspace_id is not None
        waiting = Waiting(seconds)
        waiting.over = self._leaving
        self._by_key[who.id] += 1
        self._waiting[who.workspace_id].add(waiting)
        try:
            yield waiting
        finally:
            self._by_key[who.id] -= 1
            if not self._by_key[who.id]:
                del self._by_key[who.id]
            self._waiting[who.workspace_id].discard(waiting)
            if not self._waiting[who.workspace_id]:
                del self._waiting[who.workspace_id]
