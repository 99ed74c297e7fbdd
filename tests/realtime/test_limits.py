"""What a page may not do: talk nonsense, talk too much, be too many."""

import asyncio
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlour.kernel import clock
from parlour.realtime import protocol
from parlour.realtime import socket as socket_module
from tests.realtime.house import House, open_house

WORDS = ["subscribe", "unsubscribe", "typing", "read", "alive", "watch", "message", ""]
KEYS = ["t", "room", "after", "seq", "other"]

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
frames = st.fixed_dictionaries(
    {"t": st.sampled_from(WORDS) | json_values},
    optional={key: json_values for key in KEYS if key != "t"},
).map(json.dumps)


@pytest.mark.parametrize("text", ["", "hello", "[]", "7", "null", '{"t":', "[" * 60_000, "1" * 5_000])
async def test_what_is_not_a_json_object_ends_the_connection_with_4400(house: House, text: str) -> None:
    page = await house.open("ada")

    await page.socket.send(text)

    assert await page.close_code() == 4400


async def test_a_binary_frame_ends_the_connection_with_4400(house: House) -> None:
    page = await house.open("ada")

    await page.socket.send(b'{"t":"alive"}')

    assert await page.close_code() == 4400


async def test_a_frame_of_more_than_64_kilobytes_ends_the_connection_with_4400(house: House) -> None:
    page = await house.open("ada")

    await page.send("alive", padding="ü" * (33 * 1024), ensure="x")

    assert await page.close_code() == 4400


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"t": "dance"},
        {"t": ["subscribe"]},
        {"t": "subscribe"},
        {"t": "subscribe", "room": "lobby", "after": 0},
        {"t": "subscribe", "room": 7, "after": 0},
        {"t": "subscribe", "room": str(clock.new_id())},
        {"t": "subscribe", "room": str(clock.new_id()), "after": -1},
        {"t": "subscribe", "room": str(clock.new_id()), "after": True},
        {"t": "subscribe", "room": str(clock.new_id()), "after": 1.5},
        {"t": "subscribe", "room": str(clock.new_id()), "after": 2**63},
        {"t": "subscribe", "room": "{" + str(clock.new_id()) + "}", "after": 0},
        {"t": "read", "room": str(clock.new_id()), "seq": "1"},
        {"t": "typing", "room": None},
    ],
)
async def test_an_object_that_makes_no_sense_is_answered_and_survived(house: House, frame: Any) -> None:
    page = await house.open("ada")

    await page.socket.send(json.dumps(frame))

    assert await page.next("error") == {"t": "error", "code": "bad_frame"}
    assert await page.enter(house.room)


@given(st.text(alphabet=string.printable) | st.text() | frames | json_values.map(json.dumps))
def test_whatever_is_sent_is_a_request_or_one_of_two_refusals(text: str) -> None:
    try:
        request = protocol.parse(text)
    except (protocol.NotAFrame, protocol.BadFrame):
        return
    assert isinstance(request, protocol.Request)


@given(texts=st.lists(frames, min_size=1, max_size=20))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_garbage_breaks_a_connection_that_speaks_json(
    standing: tuple[asyncio.Runner, House], texts: list[str]
) -> None:
    runner, house = standing
    runner.run(survives(house, texts))


async def survives(house: House, texts: list[str]) -> None:
    page = await house.open("ada")
    for text in texts:
        await page.socket.send(text)
    await page.enter(house.room)
    await page.socket.close()


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, House]]:
    """One house for all examples of a property; it lives in a loop of its own."""
    with asyncio.Runner() as runner:
        opening = open_house(tmp_path)
        yield runner, runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))


async def test_the_eleventh_connection_of_one_person_is_refused_with_4429(house: House) -> None:
    pages = [await house.open("ada") for _ in range(10)]

    eleventh = await house.open("ada")

    assert await eleventh.close_code() == 4429
    assert await pages[0].enter(house.room)


async def test_somebody_elses_connections_do_not_count(house: House) -> None:
    for _ in range(10):
        await house.open("ada")

    assert await (await house.open("alan")).next("hello")


async def test_a_closed_connection_makes_room_for_another(house: House) -> None:
    pages = [await house.open("ada") for _ in range(10)]
    await pages[0].socket.close()

    page = await house.open("ada")

    assert await page.next("hello")


async def test_a_page_may_enter_100_rooms_at_once_and_no_more(house: House) -> None:
    rooms = [house.records.room(house.workspace, clock.new_id()) for _ in range(101)]
    page = await house.open("ada")

    for room in rooms:
        await page.send("subscribe", room=room, after=0)

    assert await page.next("error") == {"t": "error", "code": "too_many", "room": str(rooms[100])}
    assert house.realtime.listeners == 100


async def test_whoever_never_stops_talking_is_closed_with_4429(house: House) -> None:
    page = await house.open("ada")

    for _ in range(200):
        await page.send("alive")

    assert await page.close_code() == 4429


async def test_customers_of_one_network_have_a_hundred_sockets_and_agents_are_not_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "CUSTOMERS_PER_NETWORK", 3)
    pages = [await house.open("grace") for _ in range(3)]
    refused = await house.open("grace")

    assert await refused.close_code() == 4429
    assert (await (await house.open("ada")).receive())["t"] == "hello"
    await pages[0].socket.close()
    async with asyncio.timeout(30):
        while house.realtime.connections > 3:
            await asyncio.sleep(0.01)
    assert (await (await house.open("grace")).receive())["t"] == "hello"
