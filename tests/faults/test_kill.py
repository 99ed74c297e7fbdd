"""The server is killed again and again under load, and nobody who was told "stored" was told wrong."""

import asyncio
import random
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from functools import partial

import pytest
from playwright.async_api import Browser

from tests.faults.people import Agent, Customer, Person, Records, Said, check_nothing_lost
from tests.faults.rooms import open_room
from tests.live import Live
from tests.postgres_server import ON_POSTGRESQL

KILLS = 5 if ON_POSTGRESQL else 20
"""There the file is somebody else's to keep whole; test_chaos.py kills that too."""
TICKETS = 5


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(300)
async def test_many_kills_lose_double_and_disorder_nothing(live: Live, chromium: Browser) -> None:
    async with AsyncExitStack() as stack:
        customers = [await stack.enter_async_context(Customer(live, f"c{n}")) for n in range(TICKETS)]
        ada, ben = [await stack.enter_async_context(Agent(live, name)) for name in ("ada", "ben")]
        tickets = [await customer.open_ticket() for customer in customers]
        for agent in (ada, ben):
            await agent.sign_in()
        watched = tickets[0]
        rooms = [
            await open_room(chromium, customers[0], live.url, customers[0].chat_at(watched)),
            await open_room(chromium, ada, live.url, ada.ticket_at(watched)),
        ]
        over = asyncio.Event()
        said: dict[str, list[Said]] = {ticket: [] for ticket in tickets}
        people: list[tuple[Person, str]] = [(ben, watched)]
        people += [(who, t) for c, t in zip(customers[1:], tickets[1:], strict=True) for who in (c, ada, ben)]
        async with asyncio.TaskGroup() as load:
            for who, ticket in people:
                load.create_task(who.talk(ticket, over, said[ticket], pause=0.3))
            for room in rooms:
                load.create_task(room.talk(over, 0.8))
            await kill_again_and_again(live, said.values())
            over.set()
        for room in rooms:
            await room.hears_that_the_network_is_back()
        records = Records(live.settings)
        for room in rooms:
            await room.check_shows(records, watched, within=60)
            written = [words for words in records.contents(watched) if words.startswith(room.name)]
            assert written == [f"{room.name} {number}" for number in range(room.said)]

    for ticket in tickets:
        check_nothing_lost(records, ticket, said[ticket])


async def kill_again_and_again(live: Live, said: Collection[list[Said]]) -> None:
    """However slow the machine is: something was said before each of them, and in every ticket at last."""
    for _ in range(KILLS):
        await until(partial(_is_more, said, sum(map(len, said))))
        await asyncio.sleep(random.uniform(0.1, 0.8))
        await asyncio.to_thread(live.kill)
        await asyncio.to_thread(live.start)
    await until(lambda: all(len(each) > KILLS // 2 for each in said))


def _is_more(said: Collection[list[Said]], than: int) -> bool:
    return sum(map(len, said)) > than


async def until(enough: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not enough():
            await asyncio.sleep(0.05)
