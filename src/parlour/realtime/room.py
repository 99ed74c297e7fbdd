"""One room on this node and the connections in it."""

import asyncio
from time import monotonic
from uuid import UUID

from parlour.kernel.access import Kind
from parlour.kernel.events import MessageSent
from parlour.realtime import protocol
from parlour.realtime.bus import SomeoneTypes, masked
from parlour.realtime.connection import Connection
from parlour.realtime.presence import NOBODY, People
from parlour.realtime.protocol import QUEUE_FRAMES, Close, Frame

UNKNOWN = -1
NOWHERE = UUID(int=0)


class Subscription:
    """One connection in one room. `sent` is the last message it was given.

    `held` collects what happens while its past is being read; once it is live, `held` is None.
    `aside` is an agent who looks at the notes: colleagues see that, customers do not.
    """

    __slots__ = ("aside", "connection", "held", "read_again_at", "read_sent", "read_wanted", "room", "sent")

    def __init__(self, connection: Connection, room: "Room", *, aside: bool = False) -> None:
        self.aside = aside
        self.connection = connection
        self.room = room
        self.held: list[Frame] | None = []
        self.sent = 0
        self.read_sent = 0
        self.read_wanted = 0
        self.read_again_at = 0.0

    @property
    def attached(self) -> bool:
        return self.room.subscriptions.get(self.connection) is self

    def push(self, frame: Frame) -> None:
        if self.held is None:
            if self._is_new(frame):
                self.connection.push(frame)
        elif frame.durable and not self.connection.closing:
            self.held.append(frame)
            if len(self.held) > QUEUE_FRAMES:
                self.connection.close(Close.TOO_SLOW)

    async def replay(self, frame: Frame) -> None:
        """Send one frame of the past, at the pace at which the socket takes it."""
        if self._is_new(frame):
            await self.connection.put(frame)

    def _is_new(self, frame: Frame) -> bool:
        """Whether this listener has not had it yet; a message then counts as sent."""
        if frame.seq and frame.seq <= self.sent:
            return False
        self.sent = frame.seq or self.sent
        return True


class Room:
    """`head` is the last message given to everyone who is live here, UNKNOWN until someone was let in.

    `wanted` is the highest seq that anybody has told us of.
    """

    __slots__ = (
        "catching_up",
        "customer",
        "head",
        "presence",
        "room_id",
        "subscriptions",
        "told",
        "typed",
        "wanted",
        "workspace_id",
    )

    def __init__(self, room_id: UUID) -> None:
        self.room_id = room_id
        self.workspace_id = NOWHERE
        self.head = UNKNOWN
        self.wanted = UNKNOWN
        self.subscriptions: dict[Connection, Subscription] = {}
        self.catching_up: asyncio.Task[None] | None = None
        self.presence: tuple[Frame, Frame] | None = None
        self.told = NOBODY
        """Whom the other nodes know to be here."""
        self.customer = ""
        """The customer's name, once a sign of another node needed it."""
        self.typed: dict[str, float] | None = None

    def push(self, frame: Frame, *, to_customers: Frame | None = None) -> None:
        """To everyone here; to customers in other words, when some are not for them."""
        for subscription in self.subscriptions.values():
            theirs = to_customers and subscription.connection.actor.kind is Kind.CUSTOMER
            subscription.push(to_customers if to_customers and theirs else frame)

    def deliver(self, message: MessageSent) -> bool:
        """Give everyone the next message of the log, encoded once. False when it is not the next."""
        if self.head == UNKNOWN or message.seq != self.head + 1:
            return False
        self.head = message.seq
        self.push(protocol.message(message))
        return True

    def here(self) -> People:
        """Who is live in this room on this node."""
        agents: dict[str, str] = {}
        shown: dict[str, str] = {}
        customer = False
        for subscription in self.subscriptions.values():
            actor = subscription.connection.actor
            if subscription.held is None and actor.kind is Kind.AGENT:
                agents[actor.id] = actor.name
                if not subscription.aside:
                    shown[actor.id] = actor.name
            elif subscription.held is None:
                customer = customer or actor.kind is Kind.CUSTOMER
        return People(agents, shown, customer)

    def announce(self, elsewhere: People, newcomer: Subscription | None = None) -> None:
        """Tell everyone who is here or elsewhere, when that has changed, and a newcomer in any case."""
        people = elsewhere | self.here()
        frames = self._presence(people.agents, people), self._presence(people.shown, people)
        before, self.presence = self.presence or (None, None), frames
        for subscription in self.subscriptions.values():
            side = subscription.connection.actor.kind is Kind.CUSTOMER
            if frames[side] != before[side] or subscription is newcomer:
                subscription.push(frames[side])

    def _presence(self, agents: dict[str, str], people: People) -> Frame:
        return protocol.presence(self.room_id, dict(sorted(agents.items())), customer=people.customer)

    def may_type(self, actor_id: str, every: float) -> bool:
        """Whether this actor's typing is worth telling again; if so, it counts as told."""
        now = monotonic()
        self.typed = self.typed or {}
        if now < self.typed.get(actor_id, 0.0):
            return False
        self.typed[actor_id] = now + every
        return True

    def show_typing(self, event: SomeoneTypes) -> None:
        """To everyone but whoever types, in all of their tabs."""
        frame = protocol.typing(self.room_id, event.side, event.name)
        for subscription in self.subscriptions.values():
            if masked(self.room_id, subscription.connection.actor.id) != event.who:
                subscription.push(frame)
