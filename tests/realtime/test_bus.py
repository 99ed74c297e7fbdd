"""What every bus promises, whatever carries it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import pytest
from structlog.testing import capture_logs

from parlour.app import make_bus
from parlour.kernel import clock
from parlour.kernel.events import Event, JobQueued, MessageSent, RoomRead, TicketChanged
from parlour.kernel.messages import Message
from parlour.realtime import nodes as nodes_module
from parlour.realtime.bus import Head, MemoryBus
from parlour.realtime.postgres import PostgresBus
from parlour.realtime.redis import RedisBus
from parlour.settings import BadSetting
from tests import postgres_server
from tests.house import settings_for
from tests.realtime.buses import PATIENCE, Middle, Node, die, middle_of, two_nodes, until

BETWEEN_NODES = [
    pytest.param("redis", marks=pytest.mark.redis),
    pytest.param("postgresql", marks=pytest.mark.postgres),
]
ALL = ["memory", *BETWEEN_NODES]

Nodes = tuple[Node, Node]


@pytest.fixture
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Nodes]:
    if request.param == "memory":
        async with two_nodes(MemoryBus) as nodes:
            yield nodes
    else:
        with middle_of(request.param, tmp_path) as middle:
            async with two_nodes(middle.bus) as nodes:
                yield nodes


@pytest.fixture
def middle(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Middle]:
    with middle_of(request.param, tmp_path) as middle:
        yield middle


def read(seq: int = 1) -> RoomRead:
    return RoomRead(clock.new_id(), clock.new_id(), "agent", seq)


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_its_own_node_hears_everything_in_order_before_publish_returns(nodes: Nodes) -> None:
    here, _ = nodes
    events: list[Event | JobQueued] = [read(), JobQueued("mail"), read()]
    here.bus.publish(events)

    assert here.heard == events


@pytest.mark.parametrize("middle", BETWEEN_NODES, indirect=True)
async def test_it_has_started_as_soon_as_it_hears_itself(
    middle: Middle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_module, "LOOK", 3_600)
    bus = middle.bus()
    async with asyncio.timeout(PATIENCE):
        await bus.start()
    connected = bus.connected
    await bus.stop()

    assert connected


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_the_other_node_hears_the_same(nodes: Nodes) -> None:
    here, there = nodes
    events: list[Event | JobQueued] = [read(), JobQueued("mail"), read()]
    here.bus.publish(events)

    await there.hears(*events)


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_nobody_hears_anything_twice(nodes: Nodes) -> None:
    here, there = nodes
    first, last = read(), read()
    here.bus.publish([first])
    await there.hears(first)
    there.bus.publish([last])

    await here.hears(first, last)
    assert there.heard == [first, last]


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_whoever_stopped_listening_hears_nothing(nodes: Nodes) -> None:
    here, there = nodes
    heard: list[Event | JobQueued] = []
    stop = there.bus.subscribe(heard.append)
    stop()
    event = read()
    here.bus.publish([event])
    await there.hears(event)

    assert heard == []


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_a_listener_that_fails_harms_neither_the_others_nor_the_publisher(nodes: Nodes) -> None:
    here, there = nodes

    def broken(_: Event | JobQueued) -> None:
        raise RuntimeError

    there.bus._listeners.insert(0, broken)  # noqa: SLF001 before everyone else
    event = read()
    here.bus.publish([event])

    await there.hears(event)


@pytest.mark.parametrize("nodes", ALL, indirect=True)
async def test_ten_thousand_events_at_once_all_arrive_in_order(nodes: Nodes) -> None:
    here, there = nodes
    events = [read(number) for number in range(10_000)]
    here.bus.publish(events)

    await there.hears(*events)


@pytest.mark.parametrize("nodes", BETWEEN_NODES, indirect=True)
async def test_a_message_crosses_as_how_far_its_room_is(nodes: Nodes) -> None:
    here, there = nodes
    sender = ("customer", "x@y.example", "x")
    said = Message(clock.new_id(), clock.new_id(), 7, "a secret", *sender, None, clock.now())
    message = MessageSent(clock.new_id(), said)
    here.bus.publish([message])

    await there.hears(Head(message.workspace_id, message.room_id, 7))


@pytest.mark.parametrize("nodes", BETWEEN_NODES, indirect=True)
async def test_of_many_changes_of_one_ticket_the_newest_crosses(nodes: Nodes) -> None:
    here, there = nodes
    place = (clock.new_id(), clock.new_id(), clock.new_id(), 3)
    changes = [TicketChanged(*place, status, "low", None, n) for n, status in enumerate(["new", "open"])]
    here.bus.publish(changes[::-1])

    await there.hears(changes[1])


@pytest.mark.parametrize("middle", BETWEEN_NODES, indirect=True)
async def test_a_node_knows_that_it_missed_something_while_it_was_away(middle: Middle) -> None:
    async with two_nodes(middle.bus) as (_, there):
        missed = there.bus.missed
        await asyncio.to_thread(middle.stop)
        await until(lambda: not there.bus.connected)
        await asyncio.to_thread(middle.start)
        await until(lambda: there.bus.connected)

        assert there.bus.missed > missed


@pytest.mark.parametrize("middle", BETWEEN_NODES, indirect=True)
async def test_what_was_said_during_an_outage_arrives_after_it(middle: Middle) -> None:
    async with two_nodes(middle.bus) as (here, there):
        await asyncio.to_thread(middle.stop)
        await until(lambda: not here.bus.connected)
        event = read()
        here.bus.publish([event])
        await asyncio.sleep(2)
        await asyncio.to_thread(middle.start)

        await there.hears(event)


@pytest.mark.parametrize("middle", BETWEEN_NODES, indirect=True)
async def test_it_ends_quickly_during_an_outage(middle: Middle) -> None:
    bus = middle.bus()
    await bus.start()
    await asyncio.to_thread(middle.stop)
    await until(lambda: not bus.connected)
    ending = monotonic()
    await bus.stop()

    assert monotonic() - ending < 2


@pytest.mark.parametrize("middle", BETWEEN_NODES, indirect=True)
async def test_a_node_that_died_makes_the_others_doubt_and_one_that_left_does_not(middle: Middle) -> None:
    async with two_nodes(middle.bus) as (here, _):
        dying, leaving = middle.bus(), middle.bus()
        await dying.start()
        await leaving.start()
        await until(lambda: len(here.bus.peers) == 3)
        await leaving.stop()
        await until(lambda: len(here.bus.peers) == 2)
        assert here.bus.sound
        await die(dying)

        await until(lambda: not here.bus.sound, within=3)


def test_which_bus_it_is_follows_from_the_settings(tmp_path: Path) -> None:
    redis, postgresql = "redis://127.0.0.1:6379/0", "postgresql://parlour@127.0.0.1/parlour"
    chosen = [
        make_bus(settings_for(tmp_path, PARLOUR_DATABASE_URL=f"sqlite:///{tmp_path}/parlour.db")),
        make_bus(settings_for(tmp_path, PARLOUR_DATABASE_URL=postgresql)),
        make_bus(settings_for(tmp_path, PARLOUR_DATABASE_URL=postgresql, PARLOUR_REDIS_URL=redis)),
    ]

    assert [type(bus) for bus in chosen] == [MemoryBus, PostgresBus, RedisBus]


def test_a_redis_url_that_cannot_be_used_is_refused_by_its_name(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, PARLOUR_REDIS_URL="redis://127.0.0.1:6379/0?socket_timeout=soon")

    with pytest.raises(BadSetting, match="PARLOUR_REDIS_URL"):
        make_bus(settings)


@pytest.mark.postgres
@pytest.mark.pgbouncer
async def test_behind_a_pooling_proxy_the_bus_knows_that_it_hears_nothing(tmp_path: Path) -> None:
    server = postgres_server.server()
    with postgres_server.Bouncer(server.folder, server.port) as bouncer, capture_logs() as logs:
        bus = PostgresBus(server.direct_url("postgres").replace(str(server.port), str(bouncer.port)))
        await bus.start()
        await until(lambda: any("LISTEN" in str(entry.get("why")) for entry in logs))
        await bus.stop()

    assert not bus.connected
