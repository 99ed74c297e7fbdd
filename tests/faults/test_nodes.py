"""Two web nodes, each a process of its own, on one PostgreSQL: with Redis, and with nothing else."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.cluster import Cluster, Ear, RoamingAgent, RoamingCustomer, open_cluster
from tests.faults.people import Said
from tests.live import PASSWORD, SLUG, email_of
from tests.until import until

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=["redis", "postgresql"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests: each leaves it as whole as it was."""
    with open_cluster(tmp_path_factory.mktemp("cluster"), redis=request.param == "redis") as cluster:
        yield cluster


async def hears(ear: Ear, messages: int) -> None:
    await until(lambda: len(ear.log) == messages)


async def shows(ear: Ear, stored: list[tuple[int, str]]) -> None:
    await until(lambda: ear.log == stored)


async def test_any_node_serves_any_request(cluster: Cluster) -> None:
    one, two = cluster.nodes
    async with RoamingCustomer(cluster, "grace") as grace, RoamingAgent(cluster, "ada") as ada:
        grace.go(one.url)
        await grace.open_ticket()
        grace.go(two.url)
        page = await grace.get(grace.chat_at(grace.ticket_id))
        ada.go(two.url)
        await ada.sign_in()
        ada.go(one.url)
        desk = await ada.get(ada.ticket_at(grace.ticket_id))

    assert (page.status_code, desk.status_code) == (200, 200)


async def test_a_message_to_one_node_is_at_once_on_a_page_of_the_other(cluster: Cluster) -> None:
    one, two = cluster.nodes
    async with RoamingCustomer(cluster, "grace") as grace:
        ticket = await grace.open_ticket()
        ear = Ear(grace, cluster.room_of(ticket), after=1)
        cluster.nodes = [two]
        listening = asyncio.create_task(ear.listen())
        await until(lambda: ear.url == two.url)
        await asyncio.sleep(0.5)
        cluster.nodes = [one]
        took = []
        for number in range(11):
            sent = monotonic()
            await grace.say(ticket, f"number {number}")
            await hears(ear, number + 1)
            took.append(monotonic() - sent)
            await asyncio.sleep(0.55)
        cluster.nodes = [one, two]
        listening.cancel()

    assert sorted(took)[5] < 0.4, took


async def test_a_program_that_waits_at_one_node_hears_of_what_is_done_at_the_other(cluster: Cluster) -> None:
    one, two = cluster.nodes
    admin = ("--workspace", SLUG, "--name", "Follower", "--role", "admin")
    key = one.command("apikey", "create", *admin).splitlines()[-1]
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60) as api:
        changes = f"{two.url}/api/v1/changes"
        start = (await api.get(changes, params={"after": "now"})).json()["next"]
        waiting = asyncio.create_task(api.get(changes, params={"after": start, "wait": 30}))
        while "parlour_api_waiting 1.0" not in (await api.get(f"{two.url}/metrics")).text:
            await asyncio.sleep(0.05)
        made = await api.post(f"{one.url}/api/v1/contacts", json={"email": "followed@example.com"})
        told = (await waiting).json()["items"]

    assert [(each["type"], each["contact_id"]) for each in told] == [
        ("contact.updated", made.json()["contact_id"])
    ]


async def test_sign_in_tries_on_both_nodes_count_together(cluster: Cluster) -> None:
    answers = []
    async with RoamingAgent(cluster, "ada") as ada:
        for turn in range(12):
            ada.go(cluster.nodes[turn % 2].url)
            await ada.visit("/auth/login")
            fields = {"csrf": ada.csrf, "email": email_of("ada"), "password": "wrong" + PASSWORD, "next": "/"}
            answers.append((await ada.post("/auth/login", data=fields)).status_code)

    assert answers[-2:] == [429, 429]
    assert 429 not in answers[:10]


async def test_a_rolling_restart_loses_and_doubles_nothing(cluster: Cluster) -> None:
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(RoamingCustomer(cluster, f"c{n}")) for n in range(4)]
        said: list[list[Said]] = [[] for _ in people]
        over = asyncio.Event()
        tickets = [await each.open_ticket() for each in people]
        ears = [Ear(each, cluster.room_of(ticket)) for each, ticket in zip(people, tickets, strict=True)]
        listening = [asyncio.create_task(ear.listen()) for ear in ears]
        async with asyncio.TaskGroup() as load:
            for each, ticket, words in zip(people, tickets, said, strict=True):
                load.create_task(each.talk(ticket, over, words, pause=1.2))
            await asyncio.sleep(1)
            codes = []
            for node in cluster.nodes:
                codes.append(await asyncio.to_thread(node.stop))
                await asyncio.to_thread(node.start)
                await asyncio.sleep(1)
            over.set()
        for ear, ticket in zip(ears, tickets, strict=True):
            stored = [(seq, words) for seq, _, words, _ in cluster.conversation(ticket)]
            await shows(ear, stored)
        for task in listening:
            task.cancel()

    assert codes == [-signal.SIGTERM] * 2
    assert {code for ear in ears for code in ear.closes} <= {1001, None}
    assert any(1001 in ear.closes for ear in ears)
    for ticket, words in zip(tickets, said, strict=True):
        stored_words = {client: content for _, _, content, client in cluster.conversation(ticket) if client}
        assert len(words) > 3
        assert {each.client_id: each.content for each in words}.items() <= stored_words.items()


async def test_ready_says_when_the_bus_is_away_and_stays_ready(tmp_path: Path) -> None:
    with open_cluster(tmp_path, redis=True, nodes=1) as cluster:
        assert cluster.redis
        cluster.redis.stop()
        await asyncio.sleep(0.5)
        async with httpx.AsyncClient(base_url=cluster.nodes[0].url) as client:
            answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert "bus is away" in answer.text
