"""Two nodes, one room: whoever is where, everybody gets the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from parlour.kernel.events import AccessChanged, TicketChanged
from parlour.realtime.redis import RedisBus
from tests.realtime.buses import die, joined, until
from tests.realtime.house import House, open_house, second_node
from tests.redis_server import RedisServer

pytestmark = pytest.mark.redis

Nodes = tuple[House, House]
DELAY = 2.0
"""Seconds that a message may be late while the bus is away."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@asynccontextmanager
async def open_nodes(path: Path, redis: RedisServer, **timings: float) -> AsyncIterator[Nodes]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(
            open_house(path, base_origin=None, bus=RedisBus(redis.url), **timings)
        )
        two = await stack.enter_async_context(second_node(one, path, RedisBus(redis.url), **timings))
        await joined(one.records.bus, two.records.bus)
        yield one, two


@pytest.fixture
async def nodes(tmp_path: Path, redis: RedisServer) -> AsyncIterator[Nodes]:
    async with open_nodes(tmp_path, redis) as nodes:
        yield nodes


async def test_a_message_stored_on_one_node_arrives_on_the_other(nodes: Nodes) -> None:
    one, two = nodes
    page = await two.enter("grace")
    one.records.say(one.room, "Hello from over there", one.actor("ada"))
    frame = await page.next("message")

    assert (frame["seq"], frame["content"]) == (1, "Hello from over there")


async def test_a_hundred_messages_from_both_nodes_arrive_everywhere_once_and_in_order(nodes: Nodes) -> None:
    one, two = nodes
    pages = [await one.enter("grace"), await two.enter("ada")]
    for number in range(50):
        one.records.say(one.room, f"one {number}")
        two.records.say(two.room, f"two {number}")
        await asyncio.sleep(0.002)

    for page in pages:
        assert await page.messages(100) == list(range(1, 101))


async def test_people_on_both_nodes_see_each_other(nodes: Nodes) -> None:
    one, two = nodes
    page = await one.enter("ada")
    other = await two.open("grace")
    await other.send("subscribe", room=two.room, after=0)

    ada = {"id": str(one.ada), "name": "Ada"}
    await page.next("presence", customer=True, agents=[ada])
    await other.next("presence", customer=True, agents=[ada])


async def test_whoever_leaves_one_node_is_gone_on_the_other(nodes: Nodes) -> None:
    one, two = nodes
    page, other = await one.enter("ada"), await two.enter("grace")
    await page.next("presence", customer=True)
    await other.socket.close()

    await page.next("presence", customer=False)


async def test_people_of_a_node_that_died_are_gone_after_a_while(tmp_path: Path, redis: RedisServer) -> None:
    async with open_nodes(tmp_path, redis, presence_every=0.2, presence_lasts=0.8) as (one, two):
        page, _ = await one.enter("ada"), await two.enter("grace")
        await page.next("presence", customer=True)
        await die(two.records.bus)

        await page.next("presence", customer=False)


async def test_a_customers_typing_shows_on_the_other_node_by_the_name_the_room_knows(nodes: Nodes) -> None:
    one, two = nodes
    one.records.store(one.room, "I need help", one.actor("grace"))
    page, other = await one.enter("ada"), await two.enter("grace")
    await other.send("typing", room=two.room)

    frame = await page.next("typing")
    assert (frame["side"], frame["name"]) == ("customer", "grace@customer.example")


async def test_nobody_is_shown_their_own_typing_by_the_other_node(nodes: Nodes) -> None:
    one, two = nodes
    page, same = await one.enter("ada"), await two.enter("ada")
    await page.send("typing", room=one.room)
    await two.enter("grace")

    assert [frame for frame in await same.until_quiet(0.5) if frame["t"] == "typing"] == []


async def test_a_right_taken_away_on_one_node_closes_the_sockets_of_the_other(nodes: Nodes) -> None:
    one, two = nodes
    page = await two.enter("alan")
    two.records.db.execute("DELETE FROM people WHERE secret = 'alan'")
    one.records.bus.publish([AccessChanged(one.workspace, user_id=one.alan)])

    assert await page.close_code() == 4401


async def test_a_ticket_changed_on_one_node_shows_on_the_other(nodes: Nodes) -> None:
    one, two = nodes
    page = await two.enter("ada")
    change = TicketChanged(one.workspace, one.ticket, one.room, 7, "open", "high", one.ada, 3)
    one.records.bus.publish([change])

    assert (await page.next("ticket"))["status"] == "open"


# ------------------------------------------------------------------------------------- outages


@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_while_the_bus_is_away_messages_are_at_most_two_seconds_late(
    nodes: Nodes, redis: RedisServer, how: str
) -> None:
    one, two = nodes
    page = await two.enter("grace")
    getattr(redis, how)()
    late = []
    for seq in range(1, 11):
        sent = monotonic()
        one.records.say(one.room, f"number {seq}")
        await page.next("message", seq=seq)
        late.append(monotonic() - sent)
        await asyncio.sleep(0.3)

    assert sorted(late)[-2] < DELAY, late  # one may fall on a busy moment


async def test_after_an_outage_the_bus_works_again(nodes: Nodes, redis: RedisServer) -> None:
    one, two = nodes
    page = await two.enter("grace")
    await asyncio.to_thread(redis.stop)
    await until(lambda: not two.records.bus.connected)
    await asyncio.sleep(3)
    await asyncio.to_thread(redis.start)
    await until(lambda: one.records.bus.connected and two.records.bus.connected)
    await until(lambda: one.records.bus.sound and two.records.bus.sound)
    await asyncio.sleep(1.5)
    late = []
    for seq in range(1, 6):
        sent = monotonic()
        one.records.say(one.room)
        await page.next("message", seq=seq)
        late.append(monotonic() - sent)

    assert sorted(late)[2] < DELAY / 5, late  # not only where the database is looked at


async def test_a_ticket_change_told_during_an_outage_arrives_after_it(
    nodes: Nodes, redis: RedisServer
) -> None:
    one, two = nodes
    page = await two.enter("ada")
    await asyncio.to_thread(redis.stop)
    await until(lambda: not one.records.bus.connected)
    one.records.bus.publish(
        [TicketChanged(one.workspace, one.ticket, one.room, 7, "resolved", "high", one.ada, 3)]
    )
    await asyncio.sleep(0.5)
    await asyncio.to_thread(redis.start)

    assert (await page.next("ticket"))["status"] == "resolved"


async def test_after_an_outage_every_page_is_greeted_anew_so_that_it_reads_again(
    nodes: Nodes, redis: RedisServer
) -> None:
    _, two = nodes
    page = await two.enter("ada")
    await page.until_quiet()
    await asyncio.to_thread(redis.stop)
    await until(lambda: not two.records.bus.connected)
    await asyncio.to_thread(redis.start)

    await page.next("hello")


async def test_a_right_taken_away_during_an_outage_closes_the_sockets_after_it(
    nodes: Nodes, redis: RedisServer
) -> None:
    _, two = nodes
    page = await two.enter("alan")
    await asyncio.to_thread(redis.stop)
    await until(lambda: not two.records.bus.connected)
    two.records.db.execute("DELETE FROM people WHERE secret = 'alan'")
    await asyncio.to_thread(redis.start)

    assert await page.close_code() == 4401


@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_a_node_ends_within_five_seconds_while_its_bus_is_away(
    tmp_path: Path, redis: RedisServer, how: str
) -> None:
    async with open_nodes(tmp_path, redis) as (_, two):
        await two.enter("grace")
        getattr(redis, how)()
        await until(lambda: not two.records.bus.connected)
        ending = monotonic()

    assert monotonic() - ending < 5


async def test_a_bus_that_was_never_there_delays_no_start_and_is_joined_when_it_comes(
    tmp_path: Path, redis: RedisServer
) -> None:
    await asyncio.to_thread(redis.stop)
    bus = RedisBus(redis.url)
    started = monotonic()
    await bus.start()
    took = monotonic() - started
    await asyncio.to_thread(redis.start)
    await until(lambda: bus.connected)
    await bus.stop()

    assert took < 3


async def test_what_a_node_said_before_it_died_unheard_is_found_in_the_database(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with open_nodes(tmp_path, redis) as (one, two):
        page = await one.enter("ada")
        await die(two.records.bus)
        two.records.store(two.room, "my last words", two.actor("alan"))

        await page.next("message", seq=1)
