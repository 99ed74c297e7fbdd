"""This node's listeners: who is in which room, what they are told, and what they tell."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from parlour.kernel.access import Permission
from parlour.kernel.errors import NotFound
from parlour.kernel.events import (
    BellRang,
    Event,
    FileScanned,
    JobQueued,
    MailChanged,
    MessageSent,
    RoomRead,
    SpokeUnheard,
    TicketChanged,
)
from parlour.kernel.messages import Place
from parlour.realtime import protocol
from parlour.realtime.access import Access
from parlour.realtime.budget import Budget
from parlour.realtime.bus import NOWHERE, Bus, Head, OnLine, PeopleHere, SomeoneTypes, masked
from parlour.realtime.connection import Connection
from parlour.realtime.history import History
from parlour.realtime.marks import ReadMarks
from parlour.realtime.presence import NOBODY, Elsewhere
from parlour.realtime.protocol import Frame, Timings
from parlour.realtime.replay import Replay
from parlour.realtime.room import UNKNOWN, Room, Subscription


class Rooms:
    """`listeners` counts subscriptions. Everything here runs on the event loop.

    `renew` is called when the database is on another line of history than before.
    """

    def __init__(
        self,
        access: Access,
        bus: Bus,
        timings: Timings,
        budget: Budget,
        renew: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self.listeners = 0
        self._bus = bus
        self._renew = renew
        self._typing_every = timings.typing_every
        self._marks = ReadMarks(access.mark_read, timings.read_every)
        self._rooms: dict[UUID, Room] = {}
        self._by_connection: dict[Connection, dict[UUID, Subscription]] = {}
        self._watchers: dict[UUID, set[Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._elsewhere = Elsewhere(self._changed_elsewhere, timings.presence_lasts)
        self.history = History(access, bus, self._on_another_line)
        self._replay = Replay(
            access, self.history, budget, self.spawn, arrived=self._arrived, lost=self._lost
        )
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
        self, connection: Connection, room_id: UUID, place: Place, *, aside: bool = False
    ) -> None:
        """Replay what follows `place`, then go live; `aside`, without being there for customers.

        Raises NotFound, and whatever the database raises. Once at a time for a connection.
        """
        subscription = self._attach(connection, room_id, place, aside=aside)
        try:
            await self._replay.come_in(subscription)
        except BaseException:
            self._detach(subscription)
            raise

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

    def _attach(self, connection: Connection, room_id: UUID, place: Place, *, aside: bool) -> Subscription:
        """In place of an earlier one of the same connection, which hears nothing more."""
        room = self._rooms.setdefault(room_id, Room(room_id))
        subscription = Subscription(connection, room, place, aside=aside)
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

    def _arrived(self, subscription: Subscription) -> None:
        self._announce(subscription.room, subscription)

    def _lost(self, subscription: Subscription) -> None:
        room_id = subscription.room.room_id
        subscription.connection.push(protocol.error("not_found", room_id))
        self._detach(subscription)

    def _on_another_line(self) -> None:
        self._replay.start_over(list(self._rooms.values()))
        self.spawn(self._renew())

    # ---------------------------------------------------------------------------- what happens

    def _hear(self, event: Event | JobQueued) -> None:
        if isinstance(event, TicketChanged):
            self._ticket(event)
        elif isinstance(event, SpokeUnheard | MailChanged):
            self._to_one_side(event)
        elif isinstance(event, BellRang):
            self._bell(event)
        elif isinstance(event, OnLine):
            self._on_line(event)
        elif isinstance(event, PeopleHere):
            if event.node != self._bus.node:
                self._elsewhere.hear(event)
        elif isinstance(event, MessageSent | Head | RoomRead | FileScanned | SomeoneTypes):
            self._in_room(event)

    def _to_one_side(self, event: SpokeUnheard | MailChanged) -> None:
        room = self._rooms.get(event.room_id)
        if room and isinstance(event, MailChanged):
            room.push_apart(protocol.mail(event), None)
        elif room and isinstance(event, SpokeUnheard):
            room.push_apart(None, protocol.ticket_for_unheard(event))

    def _on_line(self, event: OnLine) -> None:
        if "" != self.history.epoch != event.epoch and self.history.may_look():
            self.spawn(self._look())

    async def _look(self) -> None:
        with suppress(Exception):  # whatever is read next tells the same
            await self.history.look()

    def _in_room(self, event: MessageSent | Head | RoomRead | FileScanned | SomeoneTypes) -> None:
        room = self._rooms.get(event.room_id)
        if room is None:
            return
        if isinstance(event, RoomRead):
            room.push(protocol.read(event))
        elif isinstance(event, FileScanned):
            room.push(protocol.file(event))
        elif isinstance(event, SomeoneTypes):
            self._show_typing(room, event)
        elif isinstance(event, Head) or not room.deliver(event.message):
            if room.head != UNKNOWN and room.contradicts(event):
                self._replay.doubt(room)
            self._replay.learn(room, event.seq)

    def _show_typing(self, room: Room, event: SomeoneTypes) -> None:
        if event.name or event.side != "customer":
            room.show_typing(event)
        elif room.customer:
            room.show_typing(replace(event, name=room.customer))
        else:
            self.spawn(self._show_customer_typing(room, event))

    async def _show_customer_typing(self, room: Room, event: SomeoneTypes) -> None:
        """Other nodes don't say the customer's name: the room's first message does."""
        message = await self._replay.first_message(room) if room.head != UNKNOWN else None
        if message and message.sender_type == "customer":
            room.customer = message.sender_name
            room.show_typing(replace(event, name=room.customer))

    def _ticket(self, event: TicketChanged) -> None:
        frame = protocol.ticket(event)
        room = self._rooms.get(event.room_id)
        if room is not None:
            room.push_apart(frame, protocol.ticket_for_customers(event))
        for connection in self._watchers.get(event.workspace_id, ()):
            if room is None or connection not in room.subscriptions:
                connection.push(frame)

    def _bell(self, event: BellRang) -> None:
        frame = protocol.bell(event)
        for connection in self._watchers.get(event.workspace_id, ()):
            if connection.actor.user_id == event.user_id:
                connection.push(frame)

    # ------------------------------------------------------------------------- what pages tell

    def typing(self, connection: Connection, room_id: UUID) -> None:
        """Raises NotFound outside a subscription. Whoever may not write is not heard."""
        actor = connection.actor
        room = self._subscription(connection, room_id).room
        if actor.may(Permission.TICKET_REPLY) and room.may_type(actor.id, self._typing_every):
            side = actor.side
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
        await self._replay.refresh(rooms)

    def heads(self, connection: Connection) -> Frame:
        """How far this connection should be in each of its rooms. A page that is behind asks again."""
        live = [each for each in self.subscriptions(connection).values() if each.held is None]
        return protocol.heads({each.room.room_id: each.place.seq for each in live})
