"""Whatever order things happen in, every listener gets its room's log from where it asked, whole and once.

The database answers here when the test says so, as it does after a hop to a thread: a question is
asked, read and answered at three different moments, and anything may happen in between.
"""

import asyncio
import json
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.events import Event, MessageSent
from parlour.realtime.bus import Head, MemoryBus
from parlour.realtime.connection import Connection, Scope
from parlour.realtime.protocol import Timings
from parlour.realtime.rooms import Entry, Rooms

WORKSPACE, ROOM, TICKET = clock.new_id(), clock.new_id(), clock.new_id()
LISTENERS = 3

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

    def commit(self) -> MessageSent:
        seq = len(self.log) + 1
        sender = ("customer", "grace@customer.example", "Grace")
        self.log.append(
            MessageSent(WORKSPACE, ROOM, seq, clock.new_id(), f"{seq}", *sender, None, clock.now())
        )
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

    async def enter(self, _actor: Actor, _room_id: UUID, after: int, limit: int) -> Entry:
        def read() -> Entry:
            head = len(self.log)
            reset = after > head or head - after > limit
            page = [] if reset else self.log[after:]
            return Entry(WORKSPACE, ROOM, TICKET, head, page, reset, {})

        return await self.ask(read)

    async def messages(self, _room: UUID, _workspace: UUID, after: int, limit: int) -> Sequence[MessageSent]:
        return await self.ask(lambda: self.log[after : after + limit])

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
        return await self.ask(lambda: {room: len(self.log) for _, room in rooms})


class Listener:
    """A socket whose page notes what it is sent since it last came in, which was at `after`."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.is_in = False
        self.asked = self.after = 0
        self.got: list[int] = []
        self.subscribing: asyncio.Task[None] | None = None
        actor = Actor.agent(WORKSPACE, clock.new_id(), Role.AGENT, "Ada")
        self.connection = Connection(self.send, {}, actor)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        frame = json.loads(message["text"])
        if frame["t"] == "subscribed":
            self.got, self.after = [], self.asked
        elif frame["t"] == "reset":
            self.after = frame["head"]
        elif frame["t"] == "message":
            self.got.append(frame["seq"])

    def subscribe(self, after: int) -> None:
        if self.subscribing is None or self.subscribing.done():
            self.is_in, self.asked = True, after
            self.subscribing = asyncio.create_task(self.come_in(after))

    async def come_in(self, after: int) -> None:
        """A page asks again only when it has seen what it asked for."""
        await self.rooms.subscribe(self.connection, ROOM, after)
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
)
turns = st.sampled_from([0, 1, 1, 3])
"""How often the loop turns after a step."""


class World:
    def __init__(self) -> None:
        self.log = Log()
        self.bus = MemoryBus()
        self.rooms = Rooms(self.log, self.bus, Timings())
        self.listeners = [Listener(self.rooms) for _ in range(LISTENERS)]
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
            self.subscribe(*arguments)
        elif name == "unsubscribe":
            self.listeners[arguments[0]].unsubscribe()
        else:
            self.refresh()

    def subscribe(self, who: int, after: int) -> None:
        """Mostly from something that has been said; once in a while from beyond the end."""
        self.listeners[who].subscribe(after if after == 5 else min(after, len(self.log.log)))

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
        for listener in self.listeners:
            if listener.subscribing:
                await listener.subscribing
        await asyncio.gather(*self.refreshing)
        for listener in self.listeners:
            rooms = [place.room for place in self.rooms.subscriptions(listener.connection).values()]
            await self.rooms.refresh(rooms)
        await self.rest(5)


async def live_through(script: list[tuple[tuple[Any, ...], int]], *, prompt: bool) -> None:
    world = World()
    world.log.prompt = prompt
    for (name, *arguments), turns in script:
        world.step(name, *arguments)
        await world.rest(turns)
    await world.settle()
    for listener in world.listeners:
        upto = len(world.log.log) if listener.is_in else listener.after + len(listener.got)
        assert listener.got == list(range(listener.after + 1, upto + 1))
    await world.rooms.stop()


TWO_COME_IN_AND_THE_FIRST_TO_READ_IS_THE_LAST_TO_HEAR = [
    (("subscribe", 0, 0), 0),
    (("subscribe", 1, 0), 1),
    (("look", 0), 0),
    (("commit",), 0),
    (("answer", 1), 3),
    (("answer", 0), 3),
]


@example(script=TWO_COME_IN_AND_THE_FIRST_TO_READ_IS_THE_LAST_TO_HEAR, prompt=False)
@given(script=st.lists(st.tuples(steps, turns), min_size=15, max_size=60), prompt=st.booleans())
@settings(max_examples=500, deadline=None)
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
    listener.subscribe(0)
    for _ in range(1_000):
        world.bus.publish([world.log.commit()])
        await world.rest(1)

    await world.settle()

    assert listener.got == list(range(1, 1_401))
    await world.rooms.stop()
