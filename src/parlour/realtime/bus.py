"""What carries a transaction's events to everyone who listens.

The bus gives hints: it may lose, double or reorder. The database is the truth, and whoever
listens reads the difference there.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from parlour.kernel.events import Event, JobQueued

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head(Event):
    """The room has messages up to `seq`: a MessageSent for a bus that carries no words."""

    room_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class SomeoneTypes(Event):
    """Never stored; it may be lost. `actor_id` never leaves the servers."""

    room_id: UUID
    side: str
    name: str
    actor_id: str


Listener = Callable[[Event | JobQueued], None]


class Bus(ABC):
    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on the event loop with everything published. Returns how to end that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def _deliver(self, event: Event | JobQueued) -> None:
        """One listener's failure is neither the publisher's business nor the next listener's."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener of the bus failed", about=type(event).__name__)

    @abstractmethod
    def publish(self, events: Sequence[Event | JobQueued]) -> None:
        """Called on the event loop after the commit. Returns at once and never raises."""

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...


class MemoryBus(Bus):
    """For one process: everything arrives, in order, before `publish` returns."""

    def publish(self, events: Sequence[Event | JobQueued]) -> None:
        for event in events:
            self._deliver(event)

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        self._listeners.clear()
