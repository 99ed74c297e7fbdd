"""This node's listeners: who is in which room, and how each of them gets its whole log in order.

What the bus brings moves a room by one message; whatever the bus lost is read from the database. A
newcomer first collects what happens while its past is being read, and goes live once nothing is
missing in between.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

import structlog

from parlour.kernel.access import Actor, Permission
from parlour.kernel.errors import NotFound
from parlour.kernel.events import Event, JobQueued, MessageSent, RoomRead, TicketChanged
from parlour.realtime import protocol
from parlour.realtime.bus import Bus, Head, PeopleHere, SomeoneTypes, masked
from parlour.realtime.connection import Connection, Scope
from parlour.realtime.marks import ReadMarks
from parlour.realtime.presence import NOBODY, Elsewhere
from parlour.realtime.protocol import REPLAY_LIMIT, Close, Frame, Timings
from parlour.realtime.room import NOWHERE, UNKNOWN, Room, Subscription

log = structlog.get_logger(__name__)

CATCH_UP_PAGE = 200
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between attempts to read what a room missed, while the database does not answer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a newcomer needs, as of one moment.

    `messages` is everything after what it has, up to `head`; or nothing, with `reset`: it is too
    far behind, or ahead of the database. `seen` says how far each side has read.
    """

    workspace_id: UUID
    room_id: UUID
    ticket_id: UUID
    head: int
    messages: Sequence[MessageSent]
    reset: bool
    seen: dict[str, int]


class Access(Protocol):
    """What this layer must be given: who is this, may they enter, what came after."""

    async def identify(self, scope: Scope) -> Actor:
        """Raises SignedOut, or NotFound when there is nothing for them here (any more)."""

    async def enter(self, actor: Actor, room_id: UUID, after: int, limit: int) -> Entry:
        """Authorise in the database and read, in one transaction. Raises NotFound."""

    async def messages(
        self, room_id: UUID, workspace_id: UUID, after: int, limit: int
    ) -> Sequence[MessageSent]:
        """The oldest `limit` messages after `after`, as the system."""

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
        """The last seq of each (workspace_id, room_id), in one read."""

    async def mark_read(self, actor: Actor, room_id: UUID, seq: int) -> None:
        """Move the actor's mark, forward only."""


class Rooms:
    """`listeners` counts subscriptions. Everything here runs on the event loop."""

    def __init__(self, access: Access, bus: Bus, timings: Timings) -> None:
        self.listeners = 0
        self._access = access
        self._bus = bus
        self._typing_every = timings.typing_every
        self._marks = ReadMarks(access.mark_read, timings.read_every)
        self._rooms: dict[UUID, Room] = {}
        self._by_connection: dict[Connection, dict[UUID, Subscription]] = {}
        self._watchers: dict[UUID, set[Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._elsewhere = Elsewhere(self._changed_elsewhere, timings.presence_lasts)
        self._unsubscribe = bus.subscribe(self._hear)

    async def stop(self) -> None:
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._marks.finish()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else; stop() ends it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ------------------------------------------------------------------------ coming and going

    def subscriptions(self, connection: Connection) -> Mapping[UUID, Subscription]:
        """Where this connection is, by room."""
        return self._by_connection.get(connection, {})

    async def subscribe(
        self, connection: Connection, room_id: UUID, after: int, *, aside: bool = False
    ) -> None:
        """Replay what came after `after`, then go live; `aside`, without being there for customers.

        Raises NotFound, and whatever the database raises. Once at a time for a connection.
        """
        subscription = self._attach(connection, room_id, aside=aside)
        try:
            entry = await self._access.enter(connection.actor, room_id, after, REPLAY_LIMIT)
        except BaseException:
            self._detach(subscription)
            raise
        if not subscription.attached:
            return
        self._open(subscription.room, entry)
        connection.push(protocol.subscribed(room_id, entry.head, entry.seen))
        if entry.reset:
            connection.push(protocol.reset(room_id, entry.head))
        subscription.sent = entry.head if entry.reset else after
        await self._replay(subscription, entry.messages)
        await self._go_live(subscription)

    def unsubscribe(self, connection: Connection, room_id: UUID) -> None:
        if subscription := self.subscriptions(connection).get(room_id):
            self._detach(subscription)

    def leave(self, connection: Connection) -> None:
        """Out of every room."""
        for subscription in list(self.subscriptions(connection).values()):
            self._detach(subscription)
        self.unwatch(connection)

    def watch(self, connection: Connection) -> None:
        """Also send the ticket changes of the whole workspace. Raises NotFound to all but agents."""
        workspace_id = connection.actor.workspace_id
        if workspace_id is None or not connection.actor.may(Permission.TICKET_LIST):
            raise NotFound
        self._watchers.setdefault(workspace_id, set()).add(connection)

    def unwatch(self, connection: Connection) -> None:
        workspace_id = connection.actor.workspace_id or NOWHERE
        watchers = self._watchers.get(workspace_id, set())
        watchers.discard(connection)
        if not watchers:
            self._watchers.pop(workspace_id, None)

    def watches(self, connection: Connection) -> bool:
        return connection in self._watchers.get(connection.actor.workspace_id or NOWHERE, ())

    def announce(self, connection: Connection) -> None:
        """Tell its rooms about who this is now, and this connection about who is there."""
        for subscription in self.subscriptions(connection).values():
            self._announce(subscription.room, subscription)

    def tell_again(self) -> None:
        """Say to the other nodes who is here: before they forget it, or because one of them is new."""
        for room in self._rooms.values():
            if room.told != NOBODY:
                self._tell(room, again=True)

    def forget_silent(self) -> None:
        """Whoever other nodes have not confirmed for too long is no longer there."""
        self._elsewhere.forget_silent(self._bus.peers)

    def _announce(self, room: Room, newcomer: Subscription | None = None) -> None:
        self._tell(room)
        room.announce(self._elsewhere.people(room.room_id), newcomer)

    def _changed_elsewhere(self, room_id: UUID) -> None:
        if room := self._rooms.get(room_id):
            self._announce(room)

    def _tell(self, room: Room, *, again: bool = False) -> None:
        if not self._bus.node:
            return
        here = room.here()
        if again or here != room.told:
            room.told = here
            agents, names = tuple(here.agents), tuple(here.agents.values())
            aside = tuple(here.agents.keys() - here.shown.keys())
            place = room.workspace_id, room.room_id, self._bus.node
            self._bus.publish([PeopleHere(*place, agents, names, aside, here.customer)])

    def _attach(self, connection: Connection, room_id: UUID, *, aside: bool) -> Subscription:
        """In place of an earlier one of the same connection, which hears nothing more."""
        room = self._rooms.setdefault(room_id, Room(room_id))
        subscription = Subscription(connection, room, aside=aside)
        rooms = self._by_connection.setdefault(connection, {})
        if room_id in rooms:
            self._marks.save_soon(rooms[room_id], leaving=True)
        else:
            self.listeners += 1
        rooms[room_id] = subscription
        room.subscriptions[connection] = subscription
        return subscription

    def _detach(self, subscription: Subscription) -> None:
        if not subscription.attached:
            return
        room, connection = subscription.room, subscription.connection
        self.listeners -= 1
        del room.subscriptions[connection]
        del self._by_connection[connection][room.room_id]
        if not self._by_connection[connection]:
            del self._by_connection[connection]
        self._marks.save_soon(subscription, leaving=True)
        if room.subscriptions:
            self._announce(room)
        else:
            del self._rooms[room.room_id]
            self._tell(room)

    def _open(self, room: Room, entry: Entry) -> None:
        if room.head == UNKNOWN:
            room.workspace_id = entry.workspace_id
            room.head = entry.head
        self._learn(room, entry.head)

    async def _replay(self, subscription: Subscription, messages: Iterable[MessageSent]) -> None:
        for message in messages:
            if not subscription.attached:
                return
            await subscription.replay(protocol.message(message))

    async def _go_live(self, subscription: Subscription) -> None:
        """Send what was held, in order, reading what lies between, until it is level with its room."""
        room = subscription.room
        held = [] if subscription.held is None else subscription.held  # the list that goes on filling
        while subscription.attached and not subscription.connection.closing:
            if held and held[0].seq <= subscription.sent + 1:
                await subscription.replay(held.pop(0))
            elif room.head > subscription.sent:
                missing = await self._after(room, subscription.sent)
                if not missing:
                    log.error("the database is behind what it has told", room_id=str(room.room_id))
                    subscription.connection.close(Close.INTERNAL_ERROR)
                await self._replay(subscription, missing)
            else:
                subscription.held = None
                self._announce(room, subscription)
                return

    # ---------------------------------------------------------------------------- what happens

    def _hear(self, event: Event | JobQueued) -> None:
        if isinstance(event, TicketChanged):
            self._ticket(event)
        elif isinstance(event, PeopleHere):
            if event.node != self._bus.node:
                self._elsewhere.hear(event)
        elif isinstance(event, MessageSent | Head | RoomRead | SomeoneTypes):
            self._in_room(event)

    def _in_room(self, event: MessageSent | Head | RoomRead | SomeoneTypes) -> None:
        room = self._rooms.get(event.room_id)
        if room is None:
            return
        if isinstance(event, RoomRead):
            room.push(protocol.read(event))
        elif isinstance(event, SomeoneTypes):
            self._show_typing(room, event)
        elif isinstance(event, Head) or not room.deliver(event):
            self._learn(room, event.seq)

    def _show_typing(self, room: Room, event: SomeoneTypes) -> None:
        if event.name or event.side != "customer":
            room.show_typing(event)
        elif room.customer:
            room.show_typing(replace(event, name=room.customer))
        else:
            self.spawn(self._show_customer_typing(room, event))

    async def _show_customer_typing(self, room: Room, event: SomeoneTypes) -> None:
        """Other nodes don't say the customer's name: the room's first message does."""
        for message in await self._after(room, 0, 1) if room.head != UNKNOWN else ():
            if message.sender_type == "customer":
                room.customer = message.sender_name
                room.show_typing(replace(event, name=room.customer))

    def _ticket(self, event: TicketChanged) -> None:
        frame = protocol.ticket(event)
        room = self._rooms.get(event.room_id)
        if room is not None:
            room.push(frame, to_customers=protocol.ticket(replace(event, assignee_id=None)))
        for connection in self._watchers.get(event.workspace_id, ()):
            if room is None or connection not in room.subscriptions:
                connection.push(frame)

    # ------------------------------------------------------------------------- what pages tell

    def typing(self, connection: Connection, room_id: UUID) -> None:
        """Raises NotFound outside a subscription. Whoever may not write is not heard."""
        actor = connection.actor
        room = self._subscription(connection, room_id).room
        if actor.may(Permission.TICKET_REPLY) and room.may_type(actor.id, self._typing_every):
            side = protocol.side_of(actor)
            who = masked(room_id, actor.id)
            self._bus.publish([SomeoneTypes(room.workspace_id, room_id, side, actor.name, who)])

    async def read(self, connection: Connection, room_id: UUID, seq: int) -> None:
        """Raises NotFound outside a subscription."""
        await self._marks.move(self._subscription(connection, room_id), seq)

    def save_marks(self, connection: Connection) -> None:
        for subscription in self.subscriptions(connection).values():
            self._marks.save_soon(subscription)

    def _subscription(self, connection: Connection, room_id: UUID) -> Subscription:
        subscription = self.subscriptions(connection).get(room_id)
        if subscription is None:
            raise NotFound
        return subscription

    # ----------------------------------------------------------------------------- catching up

    async def refresh_all(self) -> None:
        """Everyone's rooms, by one query."""
        await self.refresh(list(self._rooms.values()))

    async def refresh(self, rooms: Iterable[Room]) -> None:
        """Ask the database for the heads of these rooms, and give everyone there what they miss."""
        opened = {room.room_id: room for room in rooms if room.head != UNKNOWN}
        heads = await self._access.heads([(room.workspace_id, room.room_id) for room in opened.values()])
        for room_id, head in heads.items():
            self._learn(opened[room_id], head)
        if behind := [room.catching_up for room in opened.values() if room.catching_up]:
            await asyncio.wait(behind)

    def _learn(self, room: Room, seq: int) -> None:
        """There are messages up to `seq`: read what nobody has brought, once for all who are here."""
        room.wanted = max(room.wanted, seq)
        if room.wanted > room.head != UNKNOWN and room.catching_up is None:
            room.catching_up = self.spawn(self._catch_up(room))

    async def _catch_up(self, room: Room) -> None:
        failures = 0
        try:
            while room.head < room.wanted and room.subscriptions:
                try:
                    await self._read_on(room)
                except Exception:
                    log.exception("could not read what a room missed", room_id=str(room.room_id))
                    await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                    failures += 1
        finally:
            room.catching_up = None

    async def _read_on(self, room: Room) -> None:
        """One page further. A hint of something that is not there is forgotten."""
        head, wanted = room.head, room.wanted
        for message in await self._after(room, head, CATCH_UP_PAGE):
            room.deliver(message)
        if (room.head, room.wanted) == (head, wanted):
            room.wanted = head
        await asyncio.sleep(0)

    async def _after(self, room: Room, seq: int, limit: int = REPLAY_LIMIT) -> Sequence[MessageSent]:
        return await self._access.messages(room.room_id, room.workspace_id, seq, limit)

    def heads(self, connection: Connection) -> Frame:
        """How far this connection should be in each of its rooms. A page that is behind asks again."""
        live = [each for each in self.subscriptions(connection).values() if each.held is None]
        return protocol.heads({each.room.room_id: each.sent for each in live})
