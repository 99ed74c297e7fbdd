"""PostgreSQL's own ways back, by the guide's own lines: to a point in time, and to a synchronous standby."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import SECRET, Node
from tests.faults.people import Customer, Said, check_nothing_lost
from tests.live import SLUG, free_port
from tests.postgres_files import Files, folder_for_servers, guided

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(120)]


ON_THIS_MACHINE = {
    r"/srv": "{folder}",
    r"/var/lib/postgresql/15/": "{folder}/",
    r"postgresql://(\w+)@db(?:1|2)?\.example\.com/": r"postgresql://\1@{host}:{port}/",
}


class Place:
    """A first PostgreSQL with Parlour's database, room for a second, and Parlour on it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.first = Files(folder / "main", free_port())
        self.second = Files(folder / "second" / "main", self.first.port, "127.0.0.2")
        self._node: Node | None = None

    def lines(self, heading: str, language: str, server: Files) -> list[str]:
        """The guide's, with what its folders and machines are called here."""
        found = guided(heading, language)
        for name, here in ON_THIS_MACHINE.items():
            meant = here.format(folder=server.data.parent, host=self.first.host, port=self.first.port)
            found = [re.sub(name, meant, block) for block in found]
        return found

    def parlour(self, url: str) -> Node:
        self._node = Node(
            self.home / "node", "", PARLOUR_DATABASE_URL=url, PARLOUR_SECRET_KEY=SECRET
        )
        self._node.command("workspace", "create", SLUG, "--name", "Acme Outdoor")
        self._node.start()
        return self._node

    def close(self) -> None:
        if self._node is not None:
            self._node.kill()
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


async def test_a_standby_that_takes_over_has_everything_that_was_acknowledged(place: Place) -> None:
    chapter, first, second = "A standby that has everything", place.first, place.second
    make_role, wait_for_it = place.lines(chapter, "sql", first)
    copy, address, _ = place.lines(chapter, "sh", second)
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
    both = re.sub(r"^.*@db1\.example\.com,db2\.example\.com/parlour|'\n$", "", address)
    node = place.parlour(url.replace(first.host, f"{first.host},{second.host}") + both)
    said: list[Said] = []
    async with Customer(node, "maria") as maria:
        ticket = await maria.open_ticket()
        old, enough = await shown(maria, ticket), asyncio.Event()
        talking = asyncio.create_task(maria.talk(ticket, enough, said, pause=0.01))
        while len(said) < 20:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(first.kill)
        acknowledged = len(said)
        [promote] = re.findall(r"^psql .*$", "\n".join(place.lines(chapter, "sh", first)), re.M)
        first.run("sh", "-ec", promote.replace(first.host, second.host))
        async with asyncio.timeout(30):
            while len(said) < acknowledged + 10:
                await asyncio.sleep(0.05)
        enough.set()
        await talking
        new = await shown(maria, ticket)

    check_nothing_lost(second, ticket, said)
    assert new["epoch"] != old["epoch"]


def url_of(server: Files) -> str:
    return f"postgresql://postgres@{server.host}:{server.port}/postgres"
