"""What carries a transaction's events to everyone who listens.

The bus gives hints: it may lose, double or reorder. The database is the truth, and whoever
listens reads the difference there.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b
from uuid import UUID

import structlog

from parlour.kernel.events import Event, JobQueued

log = structlog.get_logger(__name__)

NOWHERE = UUID(int=0)
"""In place of a workspace."""


class Head(Event, frozen=True):
    """The room has messages up to `seq`: a MessageSent for a bus that carries no words."""

    room_id: UUID
    seq: int


class OnLine(Event, frozen=True):
    """Where the speaker last looked, the database was on this line of history. Of no workspace."""

    epoch: str


class SomeoneTypes(Event, frozen=True):
    """Never stored; it may be lost. `who` is `masked`, so that nobody is shown their own typing.

    A customer's name is an address, which stays on the node where they type: elsewhere it is empty.
    """

    room_id: UUID
    side: str
    name: str
    who: str


class PeopleHere(Event, frozen=True):
    """Who is in the room on the node `node`: its agents' ids and names, and whether the customer is.

    `aside` are the ids of those who look at the notes, whom only colleagues see.
    """

    room_id: UUID
    node: str
    agents: tuple[str, ...]
    names: tuple[str, ...]
    aside: tuple[str, ...]
    customer: bool


EPHEMERAL = (SomeoneTypes, PeopleHere)
"""What is said again by itself, or soon worth nothing."""


def masked(room_id: UUID, actor_id: str) -> str:
    """The same for the same person in the same room, on every node."""
    return blake2b(actor_id.encode(), key=room_id.bytes, digest_size=8).hexdigest()


Listener = Callable[[Event | JobQueued], None]


class Bus(ABC):
    """`node` names this process among those that share the bus; it is empty when there are no others."""

    node = ""
    connected = True
    """Whether events come and go, by what was last heard."""
    missed = 0
    """How often events may have been missed for good. Whoever sees it grow reads everything again."""
    arrivals = 0
    """How often a node was heard for the first time: it knows nothing of who is here."""
    epoch = ""
    """What this node knows of the database's line of history, for the others to hear."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    @property
    def sound(self) -> bool:
        """False while others may be saying what does not arrive here."""
        return self.connected

    @property
    def peers(self) -> Collection[str]:
        """The other nodes that were heard not long ago."""
        return ()

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
