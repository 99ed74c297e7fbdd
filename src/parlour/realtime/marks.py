"""Read marks on their way from the pages to the database: forward only, and not too often."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from uuid import UUID

import structlog

from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError
from parlour.realtime.room import Subscription
from parlour.realtime.trouble import report

log = structlog.get_logger(__name__)

Store = Callable[[Actor, UUID, int], Awaitable[None]]


class ReadMarks:
    """The first mark goes at once, the next after `every` seconds; the last one always arrives."""

    def __init__(self, store: Store, every: float) -> None:
        self._store = store
        self._every = every
        self._saving: set[asyncio.Task[None]] = set()

    async def move(self, subscription: Subscription, seq: int) -> None:
        if seq > subscription.read_wanted:
            subscription.read_wanted = seq
            if monotonic() >= subscription.read_again_at:
                await self._save(subscription)

    def save_soon(self, subscription: Subscription, *, leaving: bool = False) -> None:
        """Store what was held back because the last mark was too recent: in its time, or on `leaving`."""
        waiting = subscription.read_wanted > subscription.read_sent
        if waiting and (leaving or monotonic() >= subscription.read_again_at):
            task = asyncio.create_task(self._save(subscription))
            self._saving.add(task)
            task.add_done_callback(self._saving.discard)

    async def finish(self) -> None:
        """Wait for the marks that are on their way."""
        await asyncio.gather(*self._saving)

    async def _save(self, subscription: Subscription) -> None:
        """A mark that cannot be stored is lost: the page sends the next one with the next message."""
        subscription.read_sent = subscription.read_wanted
        subscription.read_again_at = monotonic() + self._every
        actor = subscription.connection.actor
        try:
            await self._store(actor, subscription.room.room_id, subscription.read_sent)
        except DomainError:
            return
        except Exception:
            report(log, "a read mark was not stored", room_id=str(subscription.room.room_id))
