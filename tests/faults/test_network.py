"""Whatever the network does, both sides end with exactly what is stored, in its order, and nothing twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.faults.people import Agent, Customer, Records, Said, check_nothing_lost
from tests.faults.proxy import Proxy
from tests.faults.rooms import Room, open_room
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

HEALS_WITHIN = 45
"""Seconds. A lost connection is tried again within 30, a lost frame is noticed within 20."""


@dataclass
class Scene:
    """One ticket: the customer's and the agent's page behind a network of their own, and Ben beside it."""

    live: Live
    proxy: Proxy
    ticket_id: str
    customer: Room
    agent: Room
    ben: Agent

    @property
    def records(self) -> Records:
        return Records(self.live.settings)

    @asynccontextmanager
    async def ben_talks(self) -> AsyncIterator[None]:
        """Over a network that has no faults, within the block; nothing of it may be lost either."""
        over = asyncio.Event()
        said: list[Said] = []
        talking = asyncio.create_task(self.ben.talk(self.ticket_id, over, said, pause=0.4))
        try:
            yield
        finally:
            over.set()
            await talking
        check_nothing_lost(self.records, self.ticket_id, said)

    async def check_both_show_everything(self) -> None:
        for room in (self.customer, self.agent):
            await room.check_shows(self.records, self.ticket_id, HEALS_WITHIN)

    def stored_from(self, room: Room) -> list[str]:
        return [words for words in self.records.contents(self.ticket_id) if words.startswith(room.name)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("network")) as live:
        yield live


@pytest_asyncio.fixture(loop_scope="module")
async def scene(server: Live, chromium: Browser) -> AsyncIterator[Scene]:
    proxy = Proxy(server.port)
    await proxy.open()
    async with AsyncExitStack() as stack:
        customer = await stack.enter_async_context(Customer(server, "maria", url=proxy.url))
        ada, ben = [await stack.enter_async_context(Agent(server, name)) for name in ("ada", "ben")]
        ticket = await customer.open_ticket()
        for agent in (ada, ben):
            await agent.sign_in()
        for_customer = await open_room(chromium, customer, proxy.url, customer.chat_at(ticket))
        for_agent = await open_room(chromium, ada, proxy.url, ada.ticket_at(ticket))
        yield Scene(server, proxy, ticket, for_customer, for_agent, ben)
        for room in (for_customer, for_agent):
            await room.page.context.close()
    await proxy.refuse()


async def test_connections_that_are_cut_again_and_again_lose_nothing(scene: Scene) -> None:
    over = asyncio.Event()
    async with scene.ben_talks():
        pages = [asyncio.create_task(room.talk(over, 0.5)) for room in (scene.customer, scene.agent)]
        for _ in range(12):
            await asyncio.sleep(random.uniform(0.1, 0.7))
            scene.proxy.cut()
        over.set()
        await asyncio.gather(*pages)

    await scene.check_both_show_everything()
    for room in (scene.customer, scene.agent):
        assert scene.stored_from(room) == [f"{room.name} {number}" for number in range(room.said)]


async def test_what_is_written_while_nothing_can_be_reached_goes_out_once_and_in_order(scene: Scene) -> None:
    await scene.proxy.refuse()
    async with scene.ben_talks():
        for _ in range(4):
            written = [await room.say() for room in (scene.customer, scene.agent)]
            await asyncio.sleep(0.8)
        assert await scene.customer.unsent() > 4
    await scene.proxy.open()

    await scene.check_both_show_everything()
    for room, last in zip((scene.customer, scene.agent), written, strict=True):
        assert scene.stored_from(room) == [f"{room.name} {number}" for number in range(4)]
        assert scene.stored_from(room)[-1] == last


async def test_what_is_written_while_the_server_is_away_goes_out_once_and_in_order(scene: Scene) -> None:
    await asyncio.to_thread(scene.live.stop)
    for _ in range(3):
        for room in (scene.customer, scene.agent):
            await room.say()
        await asyncio.sleep(0.8)
    await asyncio.to_thread(scene.live.start)

    await scene.check_both_show_everything()
    for room in (scene.customer, scene.agent):
        assert scene.stored_from(room) == [f"{room.name} {number}" for number in range(3)]


async def test_a_message_whose_answer_is_lost_three_times_is_stored_once(scene: Scene) -> None:
    scene.proxy.answers_to_lose = 3
    await scene.customer.say("Where is my parcel?")

    await scene.check_both_show_everything()
    assert scene.proxy.answers_lost == 3
    assert scene.records.contents(scene.ticket_id).count("Where is my parcel?") == 1


async def test_lost_and_doubled_and_late_frames_leave_no_trace(scene: Scene) -> None:
    chance = random.Random(7)
    late: list[bytes] = []
    fates = {"lost": 0, "doubled": 0, "late": 0, "whole": 0}

    def tamper(frame: bytes) -> list[bytes]:
        fate = chance.choices(list(fates), weights=[3, 2, 1, 4])[0]
        fates[fate] += 1
        if fate == "late":
            late.append(frame)
        before = [late.pop(0)] if late and fate == "whole" else []
        return {"lost": [], "late": [], "doubled": [frame, frame], "whole": [frame, *before]}[fate]

    scene.proxy.tamper = tamper
    async with scene.ben_talks():
        for _ in range(10):
            for room in (scene.customer, scene.agent):
                await room.say()
            await asyncio.sleep(0.6)
    scene.proxy.tamper = lambda _: []
    await scene.ben.say(scene.ticket_id, "Nothing follows that could show that this was lost.")
    await asyncio.sleep(0.5)
    scene.proxy.tamper = None

    await scene.check_both_show_everything()
    assert all(fates.values())


async def test_a_slow_line_keeps_the_order_and_doubles_nothing(scene: Scene) -> None:
    scene.proxy.delay = 0.4
    async with scene.ben_talks():
        for _ in range(6):
            for room in (scene.customer, scene.agent):
                await room.say()
            await asyncio.sleep(0.2)

    await scene.check_both_show_everything()
    for room in (scene.customer, scene.agent):
        assert scene.stored_from(room) == [f"{room.name} {number}" for number in range(6)]
