"""Read marks on their way from the pages to the database: forward only, and not too often."""

from collections.abc import Awaitable, Callable
from time import monotonic
from uuid import UUID

import structlog

from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError
from parlour.realtime.room import Subscription

log = structlog.get_logger(__name__)

Store = Callable[[Actor, UUID, int], Awaitable[None]]


class ReadMarks:
    """The first mark goes at once, the next after `every` seconds; the last one always arrives."""

    def __init__(self, store: Store, every: float) -> None:
        self._store = store
        self._every = every

    async def move(self, subscription: Subscription, seq: int) -> None:
        if seq > subscription.read_wanted:
            subscription.read_wanted = seq
            if self.due(subscription):
                await self.save(subscription)

    def due(self, subscription: Subscription) -> bool:
        return self.waiting(subscription) and monotonic() >= subscription.read_again_at

    def waiting(self, subscription: Subscription) -> bool:
        return subscription.read_wanted > subscription.read_sent

    async def save(self, subscription: Subscription) -> None:
        """A mark that cannot be stored is lost: the page sends the next one with the next message."""
        subscription.read_sent = subscription.read_wanted
        subscription.read_again_at = monotonic() + self._every
        actor = subscription.connection.actor
        try:
            await self._store(actor, subscription.room.room_id, subscription.read_sent)
        except DomainError:
            return
        except Exception:
            log.exception("a read mark was not stored", room_id=str(subscription.room.room_id))
