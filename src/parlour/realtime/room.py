"""One room on this node and the connections in it."""

import asyncio
from time import monotonic
from uuid import UUID

from parlour.kernel.access import Kind
from parlour.kernel.events import MessageSent
from parlour.kernel.messages import Message, Place
from parlour.realtime import protocol
from parlour.realtime.bus import NOWHERE, Head, SomeoneTypes, masked
from parlour.realtime.connection import Connection
from parlour.realtime.presence import NOBODY, People
from parlour.realtime.protocol import QUEUE_FRAMES, Close, Frame

UNKNOWN = -1


class Subscription:
    """One connection in one room. `place` is the last message it was given.

    `held` collects what happens besides messages while its past is being read; once it is live, `held` is
    None. `aside` is an agent who looks at the notes: colleagues see that, customers do not.
    """

    __slots__ = ("aside", "connection", "held", "place", "read_again_at", "read_sent", "read_wanted", "room")

    def __init__(self, connection: Connection, room: "Room", place: Place, *, aside: bool = False) -> None:
        self.aside = aside
        self.connection = connection
        self.room = room
        self.place = place
        self.held: list[Frame] | None = []
        self.read_sent = 0
        self.read_wanted = 0
        self.read_again_at = 0.0

    @property
    def attached(self) -> bool:
        return self.room.subscriptions.get(self.connection) is self

    @property
    def coming_in(self) -> bool:
        """Whether there is still somebody to let in."""
        return self.attached and not self.connection.closing

    def push(self, frame: Frame) -> None:
        """What happens now. A message that comes while the past is being read is read there too."""
        if self.held is None:
            if self._is_new(frame):
                self.connection.push(frame)
        elif frame.durable and not frame.seq and not self.connection.closing:
            self.held.append(frame)
            if len(self.held) > QUEUE_FRAMES:
                self.connection.close(Close.TOO_SLOW)

    async def replay(self, frame: Frame) -> None:
        """Send one frame of the past, at the pace at which the socket takes it."""
        if self._is_new(frame):
            await self.connection.put(frame)

    def go_live(self) -> None:
        held, self.held = self.held or (), None
        for frame in held:
            self.push(frame)

    def start_over(self, place: Place) -> None:
        """What it was given is no longer so: from here on it is as far as `place`."""
        self.place = place
        self.read_sent = self.read_wanted = 0

    def _is_new(self, frame: Frame) -> bool:
        """Whether this listener has not had it yet; a message then counts as sent."""
        if not frame.seq:
            return True
        if frame.seq <= self.place.seq:
            return False
        self.place = Place(frame.seq, frame.message_id, self.place.epoch)
        return True


class Room:
    """`head` is the last message given to everyone who is live here, UNKNOWN until someone was let in.

    `last_id` is that message's id, where it is known, and `wanted` the highest seq that anybody has told us
    of. `line` counts how often the room's past has turned out to be another one.
    """

    __slots__ = (
        "catching_up",
        "customer",
        "head",
        "last_id",
        "line",
        "look_at",
        "looking",
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
        self.last_id: UUID | None = None
        self.wanted = UNKNOWN
        self.line = 0
        self.subscriptions: dict[Connection, Subscription] = {}
        self.catching_up: asyncio.Task[None] | None = None
        self.presence: tuple[Frame, Frame] | None = None
        self.told = NOBODY
        """Whom the other nodes know to be here."""
        self.customer = ""
        """The customer's name, once a sign of another node needed it."""
        self.typed: dict[str, float] | None = None
        self.looking = False
        self.look_at = 0.0
        """Whether somebody looks if its past is still there, and from when on it may be looked at again."""

    def forget(self) -> list[Subscription]:
        """Its past is another one now. Who was live here has to come in again."""
        self.head = self.wanted = UNKNOWN
        self.last_id = None
        self.line += 1
        live = [each for each in self.subscriptions.values() if each.held is None]
        for subscription in live:
            subscription.held = []
        return live

    def push(self, frame: Frame) -> None:
        """To everyone here."""
        self.push_apart(frame, frame)

    def push_apart(self, to_agents: Frame | None, to_customers: Frame | None) -> None:
        """To each side in its own words, or not at all."""
        for subscription in self.subscriptions.values():
            customer = subscription.connection.actor.kind is Kind.CUSTOMER
            if frame := to_customers if customer else to_agents:
                subscription.push(frame)

    def deliver(self, message: Message) -> bool:
        """Give everyone the next message of the log, encoded once. False when it cannot be the next."""
        if self.head == UNKNOWN or message.seq != self.head + 1 or self.denies(message):
            return False
        self.head, self.last_id = message.seq, message.message_id
        self.push(protocol.message(message))
        return True

    def meets(self, place: Place) -> bool:
        """Whether a place at the head, or ahead of it, is on the room's line. It tells the head's id."""
        if place.seq != self.head or not place.message_id:
            return True
        self.last_id = self.last_id or place.message_id
        return self.last_id == place.message_id

    def denies(self, message: Message) -> bool:
        """Whether somebody here, who came in ahead of the room, has had another message at its place."""
        return any(
            each.place.seq == message.seq and each.place.message_id not in (None, message.message_id)
            for each in self.subscriptions.values()
        )

    def contradicts(self, event: MessageSent | Head) -> bool:
        """Whether this cannot have followed what is known here, or is known already."""
        if isinstance(event, MessageSent) and event.seq == self.head and self.last_id:
            return event.message.message_id != self.last_id
        return event.seq <= self.head

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
