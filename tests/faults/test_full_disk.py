"""A disk that takes nothing more: what was not acknowledged fails, reading goes on, and it mends itself."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert

from parlour.db import schema
from parlour.db.database import Tx
from parlour.db.sqlite import SqliteDatabase
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import StorageFull
from tests.faults.people import Agent, Customer, Person, Records, Ticket
from tests.live import SLUG, Live
from tests.ports import free_port
from tests.shell import Shell, sentence

SYSTEM = Actor.system()
MEGABYTE = 2**20

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    db = SqliteDatabase(tmp_path / "parlour.db")
    await db.migrate()
    await db.open()
    yield db
    await db.close()


def add(tx: Tx, slug: str, size: int) -> None:
    values = {"workspace_id": clock.new_id(), "slug": slug, "name": "x" * size, "created_at": clock.now()}
    tx.execute(insert(schema.workspaces).values(values))


def slugs(tx: Tx) -> list[str]:
    return list(tx.connection.exec_driver_sql("SELECT slug FROM workspaces ORDER BY rowid").scalars())


async def set_limit(db: SqliteDatabase, pages: int) -> None:
    """The writer's connection then answers as it does when the disk is full."""

    def limit(tx: Tx) -> None:
        used = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count={used + pages}")

    await db.write(SYSTEM, limit)


async def test_only_the_writes_that_do_not_fit_fail(db: SqliteDatabase) -> None:
    await set_limit(db, pages=10)

    asked = [db.write(SYSTEM, add, f"w{number}", MEGABYTE if number % 2 else 1) for number in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [answer is None for answer in answers] == [True, False] * 3
    assert all(isinstance(answer, StorageFull) for answer in answers[1::2])
    assert await db.read(SYSTEM, slugs) == ["w0", "w2", "w4"]


async def test_an_error_holds_none_of_the_words_that_were_to_be_stored(db: SqliteDatabase) -> None:
    await set_limit(db, pages=0)

    [error] = await asyncio.gather(db.write(SYSTEM, add, "secret", MEGABYTE), return_exceptions=True)

    assert "secret" not in str(error)


async def test_the_writer_goes_on_as_soon_as_there_is_room(db: SqliteDatabase) -> None:
    await set_limit(db, pages=0)
    with pytest.raises(StorageFull):
        await db.write(SYSTEM, add, "early", MEGABYTE)

    await set_limit(db, pages=1000)
    await db.write(SYSTEM, add, "later", MEGABYTE)

    assert await db.read(SYSTEM, slugs) == ["later"]


@contextmanager
def no_file_may_grow(live: Live) -> Iterator[None]:
    """The kernel refuses the server every byte beyond what the database's log holds now."""
    held = (live.data / "parlour.db-wal").stat().st_size
    before = resource.prlimit(live.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(live.pid, resource.RLIMIT_FSIZE, (held, before[1]))
    try:
        yield
    finally:
        resource.prlimit(live.pid, resource.RLIMIT_FSIZE, before)


async def test_a_server_says_no_while_its_disk_refuses_and_takes_the_same_words_afterwards(
    live: Live,
) -> None:
    async with Customer(live, "maria") as maria:
        ticket = await maria.open_ticket()
        words = {f"word {number}": uuid4() for number in range(5)}
        with no_file_may_grow(live):
            refused = [await maria.post_message(ticket, *each) for each in words.items()]
            page = await maria.get(maria.chat_at(ticket))
        taken = [await maria.post_message(ticket, *each) for each in words.items()]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "storage_full")}
    assert page.status_code == 200
    assert [answer.status_code for answer in taken] == [201] * 5
    assert Records(live.settings).contents(ticket)[1:] == list(words)


SMALL = 48 * MEGABYTE
MOUNT = ("unshare", "--map-root-user", "--mount", "sh", "-c")


class OnASmallDisk(Live):
    """Its data are on a disk of `SMALL` bytes, which only it can see, and whoever looks through its eyes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.disk = folder / "disk"
        self.disk.mkdir()
        script = f'mount -t tmpfs -o size={SMALL} tmpfs "$0" && cp -a "$1/." "$0" && shift && exec "$@"'
        self.within = (*MOUNT, script, str(self.disk), str(self.data))
        self.environment["PARLOUR_DATA_DIR"] = str(self.disk)

    @property
    def filler(self) -> Path:
        return Path(f"/proc/{self.pid}/root{self.disk}/filler")

    def fill(self, leave: int) -> None:
        """Take all of the disk but `leave` bytes."""
        self.filler.write_bytes(bytes(max(0, free_at(self.filler.parent) - leave)))


def free_at(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@pytest.fixture
def small(tmp_path: Path) -> Iterator[OnASmallDisk]:
    live = OnASmallDisk(tmp_path)
    with live:
        yield live


def forms(maria: Customer, ada: Agent, ticket: str) -> list[tuple[Person, str, dict[str, str]]]:
    """What people type into, as plain forms."""
    words = {"content": "Words that took an hour"}
    opening = Ticket(description="Words that took an hour").fields("", maria.email)
    return [
        (maria, f"/support/{SLUG}/ticket/new", opening),
        (maria, maria.chat_at(ticket), {**words, "client_id": str(uuid4())}),
        (ada, ada.chat_at(ticket), {**words, "client_id": str(uuid4())}),
        (ada, f"{ada.ticket_at(ticket)}/notes", {**words, "client_id": str(uuid4())}),
    ]


@pytest.mark.sqlite
def test_a_command_says_that_the_disk_is_full_where_sqlite_speaks_of_an_error(tmp_path: Path) -> None:
    shell, disk = Shell(tmp_path / "data"), tmp_path / "disk"
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=8m tmpfs "$0" && cp -a "$1/." "$0" && '
        '{ cat /dev/zero > "$0/filler" 2> "$1/full"; exec "$2" -m parlour workspace list; }'
    )
    environment = {**shell.environment, "PARLOUR_DATA_DIR": str(disk)}

    refused = subprocess.run(
        [*MOUNT, script, str(disk), str(shell.folder), sys.executable],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Its disk is nearly full: make room there." in sentence(refused)


@pytest.mark.parametrize("leave", [2 * MEGABYTE, 0], ids=["nearly full", "to the last byte"])
async def test_a_full_disk_is_said_on_every_page_that_keeps_the_words(
    small: OnASmallDisk, leave: int
) -> None:
    async with Customer(small, "maria") as maria, Agent(small, "ada") as ada:
        ticket = await maria.open_ticket()
        await ada.sign_in()
        asked = forms(maria, ada, ticket)
        small.fill(leave)
        refused = [await who.post(at, data={**typed, "csrf": who.csrf}) for who, at, typed in asked]
        ready = await maria.get("/readyz")
        reading = await maria.get(maria.chat_at(ticket)), await ada.get(ada.ticket_at(ticket))
        small.filler.unlink()
        taken = [await who.post(at, data={**typed, "csrf": who.csrf}) for who, at, typed in asked]
        ready_again = await maria.get("/readyz")

    assert [answer.status_code for answer in refused] == [503] * len(asked)
    for page in refused:
        assert "Words that took an hour" in page.text
        assert "We cannot store anything at the moment" in page.text
    assert (ready.status_code, ready.text) == (503, "the disk is full: nothing can be stored\n")
    assert [page.status_code for page in reading] == [200, 200]
    assert [answer.status_code for answer in taken] == [303] * len(asked)
    assert ready_again.status_code == 200
    log = small.log.read_text()
    assert log.count("storage.full") == 1
    assert "Traceback" not in log


async def test_a_file_that_does_not_fit_is_said_to_and_the_words_beside_it_stay(small: OnASmallDisk) -> None:
    """The database could still be written to: what is full up is what the file would take."""
    files = {"files": ("film.bin", os.urandom(6 * MEGABYTE), "application/octet-stream")}
    async with Customer(small, "maria") as maria, Agent(small, "ada") as ada:
        ticket = await maria.open_ticket()
        await ada.sign_in()
        small.fill(4 * MEGABYTE)
        asked = forms(maria, ada, ticket)
        refused = [
            await who.post(at, data={**typed, "csrf": who.csrf}, files=files) for who, at, typed in asked
        ]
        alone = [
            await who.post(
                f"{who.chat_at(ticket).removesuffix('chat')}files",
                data={"csrf": who.csrf},
                files=files,
                headers={"accept": "application/json"},
            )
            for who in (maria, ada)
        ]
        free = free_at(small.filler.parent)

    assert [answer.status_code for answer in refused + alone] == [503] * (len(asked) + 2)
    for page in refused:
        assert "Words that took an hour" in page.text
    assert {answer.json()["code"] for answer in alone} == {"storage_full"}
    assert free > 3 * MEGABYTE
    assert "Traceback" not in small.log.read_text()


@pytest.mark.parametrize("database", ["", "parlour.db"], ids=["a new one", "one that was there"])
def test_starting_on_a_full_disk_gets_a_sentence(tmp_path: Path, live: Live, database: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    live.stop()
    take = f'cp "{live.data}"/{database}* "$0";' if database else ""
    script = (
        f'mount -t tmpfs -o size={SMALL} tmpfs "$0"; {take} '
        'dd if=/dev/zero of="$0/filler" bs=4k 2>/dev/null; exec "$@"'
    )
    serve = (sys.executable, "-m", "parlour", "serve", "--port", str(free_port()))
    environment = live.environment | {"PARLOUR_DATA_DIR": str(disk)}
    refused = subprocess.run(
        [*MOUNT, script, str(disk), *serve], env=environment, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    assert "full" in refused.stderr or "space" in refused.stderr
    assert str(disk) in refused.stderr
