"""PostgreSQL's own ways back, by the guide's own lines: to a point in time, and to a synchronous standby."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import SECRET, Node
from tests.faults.people import Customer, Said, check_nothing_lost
from tests.live import SLUG
from tests.ports import free_port
from tests.postgres_files import Files, folder_for_servers, guided

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]


ON_THIS_MACHINE = {
    r"/srv": "{folder}",
    r"/var/lib/postgresql/15/": "{folder}/",
    r"postgresql://(\w+)@db(?:1|2)?\.example\.com/": r"postgresql://\1@{host}:{port}/",
}


class Place:
    """A first PostgreSQL with Parlour's database, room for a second, and Parlour on it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.first = Files(folder / "main", free_port())
        self.second = Files(folder / "second" / "main", self.first.port, "127.0.0.2")
        self.node = Node(home / "node", "")

    def lines(self, heading: str, language: str, server: Files) -> list[str]:
        """The guide's, with what its folders and machines are called here."""
        found = guided(heading, language)
        for name, here in ON_THIS_MACHINE.items():
            meant = here.format(folder=server.data.parent, host=self.first.host, port=self.first.port)
            found = [re.sub(name, meant, block) for block in found]
        return found

    def parlour(self, url: str) -> Node:
        self.node.environment |= {"PARLOUR_DATABASE_URL": url, "PARLOUR_SECRET_KEY": SECRET}
        self.node.command("workspace", "create", SLUG, "--name", "Acme Outdoor")
        self.node.start()
        return self.node

    def close(self) -> None:
        self.node.kill()
        self.first.kill()
        self.second.kill()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with folder_for_servers() as folder:
        place = Place(folder, tmp_path)
        try:
            yield place
        finally:
            place.close()


async def shown(who: Customer, ticket: str) -> dict[str, Any]:
    """What a page's script loads."""
    answer = await who.get(who.chat_at(ticket), headers={"accept": "application/json"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_recovery_to_a_point_in_time_keeps_what_was_before_it(place: Place) -> None:
    chapter, server = "A point in time", place.first
    archiving, recovery = place.lines(chapter, "ini", server)
    back_up, put_back = place.lines(chapter, "sh", server)
    server.make()
    server.run("mkdir", str(place.folder / "archive"))
    server.configure(archiving)
    server.start()
    node = place.parlour(server.furnish())
    async with Customer(node, "maria") as maria:
        ticket = await maria.open_ticket()
        before = await maria.say(ticket, "before 0")
        server.run("sh", "-ec", back_up)
        kept = [before, *[await maria.say(ticket, f"kept {number}") for number in range(5)]]
        [(moment,)] = server.rows("SELECT clock_timestamp()::text")
        gone = [await maria.say(ticket, f"gone {number}") for number in range(5)]
        old = await shown(maria, ticket)

        server.stop()
        server.run("mv", str(server.data), str(place.folder / "set-aside"))
        server.run("sh", "-ec", put_back)
        server.configure(recovery.replace("2026-11-26 14:00:00+00", str(moment)))
        server.start()
        server.wait_until("SELECT NOT pg_is_in_recovery()")
        new = await shown(maria, ticket)
        after = await maria.say(ticket, "after 0")

    check_nothing_lost(server, ticket, [*kept, after])
    assert not {each.content for each in gone} & {row[2] for row in server.conversation(ticket)}
    assert old["epoch"] != new["epoch"], "open pages would go on from what is gone"
    assert [message["content"] for message in new["messages"]][-5:] == [each.content for each in kept[1:]]


STANDBY = "A standby that has everything"


@pytest.fixture
def pair(place: Place) -> Place:
    """With a standby that every commit waits for, and Parlour that has both addresses."""
    first, second = place.first, place.second
    make_role, wait_for_it = place.lines(STANDBY, "sql", first)
    copy, address, _ = place.lines(STANDBY, "sh", second)
    first.make()
    first.configure("host all,replication all 127.0.0.0/8 trust\n", "pg_hba.conf")
    first.start()
    url = first.furnish()
    first.run("psql", url_of(first), "--command", make_role)
    first.run("mkdir", str(second.data.parent))
    first.run("sh", "-ec", copy)
    second.start()
    for statement in wait_for_it.splitlines():
        first.run("psql", url_of(first), "--command", statement)
    first.wait_until("SELECT bool_or(sync_state = 'sync') FROM pg_stat_replication")
    [options] = re.findall(r"@db1\.example\.com,db2\.example\.com/parlour(\?.*)'", address)
    place.parlour(url.replace(first.host, f"{first.host},{second.host}") + options)
    return place


async def ready(who: Customer) -> tuple[int, str]:
    answer = await who.get("/readyz")
    return answer.status_code, answer.text


async def is_well(who: Customer) -> None:
    """Soon, and with news between nodes."""
    async with asyncio.timeout(20):
        while await ready(who) != (200, "ok\n"):
            await asyncio.sleep(0.2)


async def test_a_standby_that_takes_over_has_everything_that_was_acknowledged(pair: Place) -> None:
    first, second = pair.first, pair.second
    said: list[Said] = []
    async with Customer(pair.node, "maria") as maria:
        ticket = await maria.open_ticket()
        old, enough = await shown(maria, ticket), asyncio.Event()
        talking = asyncio.create_task(maria.talk(ticket, enough, said, pause=0.01))
        while len(said) < 20:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(first.kill)
        acknowledged = len(said)
        [promote] = re.findall(r"^psql .*$", "\n".join(pair.lines(STANDBY, "sh", first)), re.MULTILINE)
        first.run("sh", "-ec", promote.replace(first.host, second.host))
        async with asyncio.timeout(30):
            while len(said) < acknowledged + 10:
                await asyncio.sleep(0.05)
        enough.set()
        await talking
        new = await shown(maria, ticket)
        await is_well(maria)

    check_nothing_lost(second, ticket, said)
    assert new["epoch"] != old["epoch"]


async def test_while_the_only_standby_is_away_nothing_is_acknowledged_and_it_is_said(pair: Place) -> None:
    async with Customer(pair.node, "maria") as maria:
        ticket = await maria.open_ticket()
        await asyncio.to_thread(pair.second.kill)
        saying = asyncio.create_task(maria.say(ticket, "maria 0"))
        async with asyncio.timeout(20):
            while (without := await ready(maria))[0] == 200:
                await asyncio.sleep(0.2)
        reading = await shown(maria, ticket)
        acknowledged = saying.done()
        await asyncio.to_thread(pair.second.start)
        said = await saying
        await is_well(maria)

    assert without == (503, "a commit waits for a standby that does not answer: nothing can be stored\n")
    assert not acknowledged
    assert len(reading["messages"]) == 1
    check_nothing_lost(pair.first, ticket, [said])


def url_of(server: Files) -> str:
    return f"postgresql://postgres@{server.host}:{server.port}/postgres"
