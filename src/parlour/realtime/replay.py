"""How everyone in a room gets its whole log in order, whatever the bus lost and wherever the database went.

A newcomer reads the past a page at a time, as the socket takes it, and goes live once nothing is missing in
between. What the bus brings moves a room by one message; at a jump the difference is read. When the past
turns out to be another one, everyone comes in again from where they were: those whose past is still there
go on, the others are told to load what is.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any

import structlog

from parlour.kernel.errors import Forbidden, NotFound, SignedOut
from parlour.kernel.messages import Message, Place, Stretch
from parlour.realtime import protocol
from parlour.realtime.access import Access
from parlour.realtime.budget import Budget
from parlour.realtime.history import LOOK_AGAIN, History
from parlour.realtime.protocol import REPLAY_LIMIT, Close
from parlour.realtime.room import UNKNOWN, Room, Subscription
from parlour.realtime.trouble import report

log = structlog.get_logger(__name__)

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between attempts to read what a room missed, while the database does not answer."""
COMING_BACK_AT_ONCE = 8
"""So many come in again at a time, when all of a node's listeners have to."""
LOOKING_AT_ONCE = 8
"""So many rooms are looked at at a time, because somebody said something strange in each."""

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Replay:
    """`arrived` is called with each subscription that has become live, `lost` with one that may not be."""

    def __init__(
        self,
        access: Access,
        history: History,
        budget: Budget,
        spawn: Spawn,
        *,
        arrived: Callable[[Subscription], None],
        lost: Callable[[Subscription], None],
    ) -> None:
        self._access = access
        self._history = history
        self._budget = budget
        self._spawn = spawn
        self._arrived = arrived
        self._lost = lost
        self._coming_back = asyncio.Semaphore(COMING_BACK_AT_ONCE)
        self._looking = asyncio.Semaphore(LOOKING_AT_ONCE)

    # ------------------------------------------------------------------------------- one listener

    async def come_in(self, subscription: Subscription) -> None:
        """Replay what follows its place, then go live. Raises NotFound, and what the database raises."""
        room = subscription.room
        while subscription.coming_in and subscription.held is not None:
            line = room.line
            async with self._budget.page():
                stretch = await self._enter(subscription)
                if not subscription.attached:
                    return
                if line != room.line:
                    continue
                self._open(room, stretch)
                self._welcome(subscription, stretch)
                await self._send(subscription, stretch.messages)
            await self._read_to_the_end(subscription, line)

    async def _enter(self, subscription: Subscription) -> Stretch:
        actor, room_id = subscription.connection.actor, subscription.room.room_id
        return await self._history.read(lambda: self._access.enter(actor, room_id, subscription.place))

    def _open(self, room: Room, stretch: Stretch) -> None:
        if room.head == UNKNOWN:
            room.workspace_id = stretch.workspace_id
            room.head, room.last_id = stretch.head, stretch.head_id
        self.learn(room, stretch.head)

    def _welcome(self, subscription: Subscription, stretch: Stretch) -> None:
        connection, place = subscription.connection, subscription.place
        connection.push(protocol.subscribed(stretch))
        if stretch.goes_on and stretch.head - place.seq <= REPLAY_LIMIT:
            subscription.place = place._replace(epoch=stretch.epoch)
        else:
            connection.push(protocol.reset(stretch))
            subscription.start_over(Place(stretch.head, stretch.head_id, stretch.epoch))

    async def _read_to_the_end(self, subscription: Subscription, line: int) -> None:
        """Until it is level with its room, and live; or its room's past is another one."""
        room = subscription.room
        while subscription.coming_in and line == room.line:
            if room.head <= subscription.place.seq:
                if not room.meets(subscription.place):
                    self._gone([room])
                    continue
                subscription.go_live()
                self._arrived(subscription)
                return
            async with self._budget.page():
                stretch = await self._after(room, subscription.place)
                if line == room.line and stretch.goes_on:
                    await self._send(subscription, stretch.messages)

    async def _send(self, subscription: Subscription, messages: Iterable[Message]) -> None:
        for message in messages:
            if not subscription.coming_in:
                return
            await subscription.replay(protocol.message(message))

    # ------------------------------------------------------------------------------ another past

    def start_over(self, rooms: Iterable[Room]) -> None:
        """What these rooms were is no longer so."""
        for room in rooms:
            for subscription in room.forget():
                self._spawn(self._come_back(subscription))

    async def _come_back(self, subscription: Subscription) -> None:
        try:
            async with self._coming_back:
                await self.come_in(subscription)
        except (NotFound, Forbidden, SignedOut):
            self._lost(subscription)
        except Exception:
            report(log, "a listener could not come in again")
            subscription.connection.close(Close.INTERNAL_ERROR)

    def doubt(self, room: Room) -> None:
        """Somebody said what cannot follow: look whether the room's past is still there.

        Each room is looked at once in a while for its own sake. A word that came late is no rarity in a busy
        one, and shall not keep another from being looked at.
        """
        if not room.looking and monotonic() >= room.look_at:
            room.looking = True
            self._spawn(self._look_at(room))

    async def _look_at(self, room: Room) -> None:
        try:
            async with self._looking:
                await self._after(room, Place(room.head, room.last_id, self._history.epoch))
        except Exception:
            report(log, "could not look whether history went back", room_id=str(room.room_id))
        finally:
            room.looking, room.look_at = False, monotonic() + LOOK_AGAIN

    async def _after(self, room: Room, place: Place) -> Stretch:
        """What follows; a room whose past is another one starts over, and then there is nothing."""
        line, head = room.line, room.head
        stretch = await self._history.read(
            lambda: self._access.following(room.workspace_id, room.room_id, place)
        )
        same = line == room.line and place.epoch in ("", stretch.epoch)
        if same and (not stretch.goes_on or stretch.head < head):
            self._gone([room])
        return stretch

    def _gone(self, rooms: list[Room]) -> None:
        self._spawn(self._history.went_back(self._history.epoch))
        self.start_over(rooms)

    # ------------------------------------------------------------------------------ catching up

    async def refresh(self, rooms: Iterable[Room]) -> None:
        """Ask the database for the heads of these rooms, and give everyone there what they miss."""
        opened = {room.room_id: room for room in rooms if room.head != UNKNOWN}
        before = {room_id: (room.line, room.head) for room_id, room in opened.items()}
        epoch = self._history.epoch
        now, heads = await self._access.heads([(room.workspace_id, room.room_id) for room in opened.values()])
        if epoch == self._history.epoch:
            self._history.learn(now)
        behind = []
        for room_id, room in opened.items():
            line, head = before[room_id]
            if room.line == line and heads.get(room_id, UNKNOWN) < head:
                behind.append(room)
            elif room.line == line:
                self.learn(room, heads[room_id])
        if behind:
            self._gone(behind)
        if reading := [room.catching_up for room in opened.values() if room.catching_up]:
            await asyncio.wait(reading)

    def learn(self, room: Room, seq: int) -> None:
        """There are messages up to `seq`: read what nobody has brought, once for all who are here."""
        room.wanted = max(room.wanted, seq)
        if room.wanted > room.head != UNKNOWN and room.catching_up is None:
            room.catching_up = self._spawn(self._catch_up(room))

    async def _catch_up(self, room: Room) -> None:
        failures = 0
        try:
            while room.wanted > room.head != UNKNOWN and room.subscriptions:
                try:
                    await self._read_on(room)
                except Exception:
                    report(log, "could not read what a room missed", room_id=str(room.room_id))
                    await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                    failures += 1
        finally:
            room.catching_up = None

    async def _read_on(self, room: Room) -> None:
        """One page further. A hint of something that is not there is forgotten."""
        async with self._budget.page():
            line, head, wanted = room.line, room.head, room.wanted
            stretch = await self._after(room, Place(head, room.last_id, self._history.epoch))
            if line != room.line:
                return
            for message in stretch.messages:
                if not room.deliver(message) and room.denies(message):
                    self._gone([room])
                    return
            if (room.head, room.wanted) == (head, wanted):
                room.wanted = head
        await asyncio.sleep(0)

    async def first_message(self, room: Room) -> Message | None:
        stretch = await self._after(room, Place(0))
        return stretch.messages[0] if stretch.messages else None
