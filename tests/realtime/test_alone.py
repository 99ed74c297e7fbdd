"""How often a node speaks that hears of no other one, or of some; and that nothing is missed by it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from parlour.kernel import clock
from parlour.kernel.events import Event, JobQueued, RoomRead
from parlour.realtime.nodes import BEAT, Line, SharedBus
from tests.realtime.buses import Middle, Node, joined, middle_of

BETWEEN_NODES = [
    pytest.param("redis", marks=pytest.mark.redis),
    pytest.param("postgresql", marks=pytest.mark.postgres),
]


@pytest.fixture(params=BETWEEN_NODES)
def middle(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Middle]:
    with middle_of(request.param, tmp_path) as middle:
        yield middle


def read(seq: int) -> RoomRead:
    return RoomRead(clock.new_id(), clock.new_id(), "agent", seq)


@asynccontextmanager
async def running(*buses: SharedBus) -> AsyncIterator[None]:
    for bus in buses:
        await bus.start()
    try:
        yield
    finally:
        for bus in buses:
            await bus.stop()


def counted(bus: SharedBus) -> list[int]:
    """How many payloads went out at a time."""
    sent: list[int] = []
    connect = bus._connect  # noqa: SLF001

    @asynccontextmanager
    async def connecting() -> AsyncIterator[Line]:
        async with connect() as line:
            send = line.send

            async def sending(payloads: Sequence[str]) -> None:
                sent.append(len(payloads))
                await send(payloads)

            line.send = sending  # type: ignore[method-assign]
            yield line

    bus._connect = connecting  # type: ignore[method-assign]  # noqa: SLF001
    return sent


async def talk(bus: SharedBus, events: Sequence[Event | JobQueued]) -> float:
    """Returns the seconds it took."""
    began = monotonic()
    for event in events:
        bus.publish([event])
        await asyncio.sleep(0.001)
    return monotonic() - began


async def test_who_hears_of_nobody_says_many_things_with_a_few_signs_of_life(middle: Middle) -> None:
    bus = middle.bus()
    sent = counted(bus)
    async with running(bus):
        before = len(sent)
        took = await talk(bus, [read(number) for number in range(200)])
        spoken = len(sent) - before

    assert spoken <= took / BEAT + 2


async def test_what_happened_before_another_one_was_heard_of_is_told_to_it(middle: Middle) -> None:
    here, there = middle.bus(), middle.bus()
    said = Node(there)
    events = [read(number) for number in range(50)]
    async with running(here):
        talking = asyncio.create_task(talk(here, events))
        async with running(there):
            await talking
            await joined(here, there)
            last = read(99)
            here.publish([last])
            async with asyncio.timeout(30):
                while last not in said.heard:
                    await asyncio.sleep(0.01)
    heard = [event for event in said.heard if event in events]

    assert heard == events[len(events) - len(heard) :]
    assert said.heard[-1] == last


async def test_between_two_nodes_much_travels_together(middle: Middle) -> None:
    here, there = middle.bus(), middle.bus()
    sent, said = counted(here), Node(there)
    events = [read(number) for number in range(300)]
    async with running(here, there):
        await joined(here, there)
        before = len(sent)
        took = await talk(here, events)
        spoken = len(sent) - before
        async with asyncio.timeout(30):
            while events[-1] not in said.heard:
                await asyncio.sleep(0.01)

    assert spoken <= took / here.pause + 2
    assert [event for event in said.heard if event in events] == events


async def test_who_left_stays_away_whatever_it_was_about_to_say(middle: Middle) -> None:
    here, there = middle.bus(), middle.bus()
    async with running(here):
        await there.start()
        await joined(here, there)
        for number in range(20):
            there.publish([read(number)])
            await asyncio.sleep(0)
        leaving = asyncio.create_task(there.stop())
        while not leaving.done():
            there.publish([read(1)])
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while here.peers:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.7)

        assert not here.peers
        assert here.sound
