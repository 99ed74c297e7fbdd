"""Whatever order things happen in, every listener gets its room's log from where it asked, whole and once.

The database answers here when the test says so, as it does after a hop to a thread: a question is
asked, read and answered at three different moments, and anything may happen in between.
"""

import asyncio
import json
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.events import Event, MessageSent
from parlour.kernel.messages import Message, Place, Stretch
from parlour.realtime.budget import Budget
from parlour.realtime.bus import Head, MemoryBus
from parlour.realtime.connection import Connection, Scope
from parlour.realtime.protocol import Timings
from parlour.realtime.room import Subscription
from parlour.realtime.rooms import Rooms

WORKSPACE, ROOM, TICKET = clock.new_id(), clock.new_id(), clock.new_id()
LISTENERS = 3
PAGE = 2

T = TypeVar("T")


class Question:
    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read
        self.found: list[Any] = []
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def look(self) -> None:
        """Read, unless that has happened: what is committed from now on is not in the answer."""
        if not self.found:
            self.found.append(self.read())


class Log:
    """One room's log, and the questions that wait for it."""

    def __init__(self) -> None:
        self.log: list[MessageSent] = []
        self.questions: list[Question] = []
        self.prompt = False
        self.epoch = "first"

    def commit(self) -> MessageSent:
        seq = len(self.log) + 1
        sender = ("customer", "grace@customer.example", "Grace")
        said = Message(uuid4(), ROOM, seq, f"{seq}", *sender, None, clock.now())
        self.log.append(MessageSent(WORKSPACE, said))
        return self.log[-1]

    async def ask(self, read: Callable[[], T]) -> T:
        if self.prompt:
            return read()
        question = Question(read)
        self.questions.append(question)
        answer: T = await question.answer
        return answer

    def look(self, which: int) -> None:
        """The moment at which one of the questions sees the database."""
        if self.questions:
            self.questions[which % len(self.questions)].look()

    def answer(self, which: int) -> None:
        if self.questions:
            question = self.questions.pop(which % len(self.questions))
            question.look()
            if not question.answer.done():
                question.answer.set_result(question.found[0])

    async def identify(self, _scope: Scope) -> Actor:
        raise AssertionError("no connection is made here")

    async def mark_read(self, _actor: Actor, _room_id: UUID, _seq: int) -> None:
        raise AssertionError("nobody reads here")

    def network_of(self, _scope: Scope) -> str:
        raise AssertionError("no connection is made here")

    async def check(self, _actor: Actor, _room_id: UUID) -> None:
        raise AssertionError("nobody proves anything here")

    async def enter(self, _actor: Actor, _room_id: UUID, place: Place) -> Stretch:
        return await self.ask(lambda: self.coming_in(place))

    async def following(self, _workspace: UUID, _room: UUID, place: Place) -> Stretch:
        return await self.ask(lambda: self.after(place))

    def after(self, place: Place) -> Stretch:
        stretch = Stretch(WORKSPACE, ROOM, self.epoch, len(self.log))
        at_place = self.ids()[place.seq - 1 : place.seq] if place.seq else []
        same = not place.message_id or at_place == [place.message_id]
        if place.seq > len(self.log) or place.epoch not in ("", self.epoch) or not same:
            return replace(stretch, goes_on=False)
        page = self.log[place.seq : place.seq + PAGE]
        return replace(stretch, messages=[each.message for each in page])

    def coming_in(self, place: Place) -> Stretch:
        return replace(self.after(place), head_id=self.ids()[-1] if self.log else None)

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> tuple[str, dict[UUID, int]]:
        return await self.ask(lambda: (self.epoch, {room: len(self.log) for _, room in rooms}))

    async def begin_epoch(self, instead_of: str) -> None:
        if self.epoch == instead_of:
            self.epoch = str(uuid4())

    def ids(self) -> list[UUID]:
        return [each.message.message_id for each in self.log]

    def go_back(self, by: int, *, renewed: bool) -> None:
        """As a restore does; or as files that were put back by hand."""
        del self.log[max(0, len(self.log) - by) :]
        if renewed:
            self.epoch = str(uuid4())


class Listener:
    """A socket, and the page behind it. `shown` is the room's log from `start` on, as far as it goes."""

    def __init__(self, rooms: Rooms, log: Log) -> None:
        self.rooms = rooms
        self.log = log
        self.is_in = False
        self.start = 0
        self.shown: list[UUID] = []
        self.epoch = ""
        self.asks = False
        self.subscribing: asyncio.Task[None] | None = None
        actor = Actor.agent(WORKSPACE, clock.new_id(), Role.AGENT, "Ada")
        self.connection = Connection(self.send, {}, actor, Budget(()))

    @property
    def last(self) -> int:
        return self.start + len(self.shown)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        frame = json.loads(message["text"])
        if frame["t"] == "subscribed":
            self.epoch = self.epoch or frame["epoch"]
        elif frame["t"] == "reset":
            self.start, self.shown, self.epoch = 0, self.log.ids(), self.log.epoch
            self.asks = True
        elif frame["t"] == "message" and frame["seq"] == self.last + 1:
            self.shown.append(UUID(frame["message_id"]))
        elif frame["t"] == "message" and frame["seq"] > self.last:
            self.asks = True

    def open(self, after: int) -> None:
        """A page that shows what came after `after`, as of now."""
        if not self.busy:
            self.start, self.shown, self.epoch = after, self.log.ids()[after:], self.log.epoch
            self.is_in = True
            self.ask()

    def ask(self) -> None:
        """Say where the page is. It asks again only when it has seen what it asked for."""
        if not self.busy:
            self.asks = False
            self.subscribing = asyncio.create_task(self.come_in())

    @property
    def busy(self) -> bool:
        return self.subscribing is not None and not self.subscribing.done()

    async def come_in(self) -> None:
        place = Place(self.last, self.shown[-1] if self.shown else None, self.epoch)
        await self.rooms.subscribe(self.connection, ROOM, place)
        for _ in range(3):
            await asyncio.sleep(0)

    def unsubscribe(self) -> None:
        """A page's words are obeyed one after the other; only a lost access comes in between."""
        self.is_in = False
        self.rooms.unsubscribe(self.connection, ROOM)


numbers = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("commit")),
    st.tuples(st.just("hint"), numbers, st.booleans(), st.booleans()),
    st.tuples(st.just("look"), numbers),
    st.tuples(st.just("answer"), numbers),
    st.tuples(st.just("subscribe"), st.integers(0, LISTENERS - 1), numbers),
    st.tuples(st.just("unsubscribe"), st.integers(0, LISTENERS - 1)),
    st.tuples(st.just("refresh")),
    st.tuples(st.just("go back"), numbers, st.booleans()),
)
turns = st.sampled_from([0, 1, 1, 3])
"""How often the loop turns after a step."""


class World:
    def __init__(self) -> None:
        self.log = Log()
        self.bus = MemoryBus()
        self.rooms = Rooms(self.log, self.bus, Timings(), Budget(()), self.greet)
        self.listeners = [Listener(self.rooms, self.log) for _ in range(LISTENERS)]
        self.on_the_way: list[MessageSent] = []
        self.refreshing: list[asyncio.Task[None]] = []

    def step(self, name: str, *arguments: int) -> None:
        if name == "commit":
            self.on_the_way.append(self.log.commit())
        elif name == "hint":
            self.hint(*arguments)
        elif name == "look":
            self.log.look(*arguments)
        elif name == "answer":
            self.log.answer(*arguments)
        elif name == "subscribe":
            self.open(*arguments)
        elif name == "unsubscribe":
            self.listeners[arguments[0]].unsubscribe()
        elif name == "go back":
            self.log.go_back(arguments[0], renewed=bool(arguments[1]))
        else:
            self.refresh()

    def open(self, who: int, after: int) -> None:
        self.listeners[who].open(min(after, len(self.log.log)))

    async def greet(self) -> None:
        """What a new connection, or a new hello, makes every page do."""
        for listener in self.listeners:
            listener.asks = listener.is_in

    def hint(self, which: int, keep: int, wordless: int) -> None:
        """Deliver any of the hints on the way: out of order, and again when it is kept."""
        if not self.on_the_way:
            return
        event: MessageSent = self.on_the_way[which % len(self.on_the_way)]
        if not keep:
            self.on_the_way.remove(event)
        hint: Event = Head(WORKSPACE, ROOM, event.seq) if wordless else event
        self.bus.publish([hint])

    def refresh(self) -> None:
        first = self.rooms.subscriptions(self.listeners[0].connection)
        rooms = [subscription.room for subscription in first.values()]
        self.refreshing.append(asyncio.create_task(self.rooms.refresh(rooms)))

    async def rest(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """All questions are answered, hints that are still on the way are lost, and one heartbeat passes."""
        self.log.prompt = True
        while self.log.questions:
            self.log.look(0)
            self.log.answer(0)
            await self.rest(3)
        await asyncio.gather(*self.refreshing)
        for _ in range(6):
            for listener in self.listeners:
                if listener.subscribing:
                    await listener.subscribing
                if listener.is_in and listener.asks:
                    listener.ask()
            rooms = [place.room for each in self.listeners for place in self.places(each)]
            await self.rooms.refresh(rooms)
            await self.rest(9)

    def places(self, listener: Listener) -> list[Subscription]:
        return list(self.rooms.subscriptions(listener.connection).values())


async def live_through(script: list[tuple[tuple[Any, ...], int]], *, prompt: bool) -> None:
    world = World()
    world.log.prompt = prompt
    for (name, *arguments), turns in script:
        world.step(name, *arguments)
        await world.rest(turns)
    await world.greet()
    await world.settle()
    for listener in world.listeners:
        if listener.is_in:
            assert listener.shown == world.log.ids()[listener.start :]
    await world.rooms.stop()


TWO_COME_IN_AND_THE_FIRST_TO_READ_IS_THE_LAST_TO_HEAR = [
    (("subscribe", 0, 0), 0),
    (("subscribe", 1, 0), 1),
    (("look", 0), 0),
    (("commit",), 0),
    (("answer", 1), 3),
    (("answer", 0), 3),
]

A_RESET_AND_FILES_PUT_BACK_BEFORE_THE_PAGE_ASKS_AGAIN = [
    (("commit",), 0),
    (("subscribe", 0, 0), 0),
    (("go back", 0, True), 3),
    (("go back", 1, False), 0),
    (("commit",), 0),
    (("commit",), 0),
    (("refresh",), 0),
]

ONE_READS_AHEAD_OF_THE_ROOM_AND_FILES_ARE_PUT_BACK = [
    (("subscribe", 0, 0), 1),
    (("answer", 0), 0),
    (("subscribe", 1, 0), 0),
    *[(("commit",), 0)] * 6,
    (("commit",), 1),
    (("look", 0), 0),
    (("go back", 1, False), 0),
    (("go back", 5, False), 0),
    (("commit",), 0),
    (("commit",), 0),
]

ONE_READ_BEFORE_THE_FILES_WERE_PUT_BACK_AND_ONE_AFTERWARDS = [
    (("commit",), 0),
    (("subscribe", 0, 0), 0),
    (("subscribe", 1, 0), 1),
    (("commit",), 0),
    (("look", 1), 0),
    (("go back", 1, False), 0),
    (("commit",), 0),
    (("answer", 0), 3),
    (("commit",), 0),
    (("commit",), 0),
    (("hint", 4, False, False), 3),
    (("look", 1), 0),
    (("answer", 0), 3),
    (("answer", 0), 3),
]


@example(script=ONE_READ_BEFORE_THE_FILES_WERE_PUT_BACK_AND_ONE_AFTERWARDS, prompt=False)
@example(script=ONE_READS_AHEAD_OF_THE_ROOM_AND_FILES_ARE_PUT_BACK, prompt=False)
@example(script=A_RESET_AND_FILES_PUT_BACK_BEFORE_THE_PAGE_ASKS_AGAIN, prompt=True)
@example(script=TWO_COME_IN_AND_THE_FIRST_TO_READ_IS_THE_LAST_TO_HEAR, prompt=False)
@given(script=st.lists(st.tuples(steps, turns), min_size=15, max_size=60), prompt=st.booleans())
@settings(max_examples=500)
def test_nothing_is_lost_doubled_or_out_of_order(
    script: list[tuple[tuple[Any, ...], int]], prompt: bool
) -> None:
    asyncio.run(live_through(script, prompt=prompt))


async def test_a_listener_lets_in_while_a_thousand_messages_are_written() -> None:
    world = World()
    world.log.prompt = True
    for _ in range(400):
        world.log.commit()
    listener = world.listeners[0]
    listener.is_in = True
    listener.ask()
    for _ in range(1_000):
        world.bus.publish([world.log.commit()])
        await world.rest(1)

    await world.settle()

    assert listener.shown == world.log.ids()
    await world.rooms.stop()
