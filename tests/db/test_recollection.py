"""On PostgreSQL what was found is found again without asking, while its snapshot stays the same."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Text, Uuid, bindparam, event, select, text, update

from parlour.db import found
from parlour.db.database import HERE, Tx
from parlour.db.postgres import PostgresDatabase
from parlour.db.schema import tickets, workspaces
from parlour.features.workspaces import service
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Overloaded
from tests import postgres_server
from tests.house import Browser, House, behind_its_back
from tests.ports import free_port
from tests.postgres_files import DATABASE, Files, folder_for_servers
from tests.postgres_server import APP, PASSWORD
from tests.until import until

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(240)]

SUBJECTS = select(tickets.c.subject).where(tickets.c.workspace_id == HERE)
ONES_OF = select(tickets.c.subject).where(tickets.c.workspace_id == bindparam("place", type_=Uuid()))
SETTINGS = select(workspaces.c.settings).where(workspaces.c.workspace_id == HERE)
NOWHERE = UUID(int=0)
WRITER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
MOMENT = text("SELECT clock_timestamp()::text").columns(word=Text())
ANYTHING = text("SELECT 'anything'").columns(word=Text())
WORDS = text("SELECT word FROM words ORDER BY word").columns(word=Text())
direct = pytest.mark.skipif(postgres_server.ENGINE == "pgbouncer", reason="nothing is found again there")


def subjects(tx: Tx) -> list[str]:
    return [row[0] for row in tx.rows(SUBJECTS)]


def subjects_of(tx: Tx, place: UUID) -> list[str]:
    """Whoever asks: what comes of it is the database's decision."""
    return [row[0] for row in tx.rows(ONES_OF, place=place)]


def subjects_as_objects(tx: Tx) -> list[str]:
    return tx.objects(SUBJECTS, _subject)


def _subject(row: tuple[Any, ...]) -> str:
    return str(row[0])


def words(tx: Tx) -> list[str]:
    """Not with the first statement, which a thread asks in any case."""
    tx.rows(ANYTHING)
    return [row[0] for row in tx.rows(WORDS)]


def database(house: House) -> PostgresDatabase:
    assert isinstance(house.db, PostgresDatabase)
    return house.db


async def watched(db: PostgresDatabase) -> None:
    """It has begun to ask how the database stands, which it does once something was found."""
    if postgres_server.ENGINE != "pgbouncer":
        nobody = Actor.visitor()
        await db.read(nobody, service.workspace_at, "acme")
        with suppress(service.UnknownWorkspace):
            await db.read(nobody, service.workspace_at, "acme")
        await until(lambda: db._known._watch)  # noqa: SLF001 no test can see it otherwise


@contextmanager
def asked(db: PostgresDatabase) -> Iterator[list[str]]:
    """The statements that threads run meanwhile."""
    heard: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        heard.append(statement)

    event.listen(db._engine, "before_cursor_execute", note)  # noqa: SLF001 the house's alone
    try:
        yield heard
    finally:
        event.remove(db._engine, "before_cursor_execute", note)  # noqa: SLF001


async def nothing_is_asked(db: PostgresDatabase, read: Callable[[], Awaitable[object]]) -> None:
    """For once, at least: other tests store into other databases of the same server, which is a miss here."""
    deadline = time.monotonic() + 30
    while True:
        with asked(db) as statements:
            for _ in range(5):
                await read()
        if not statements:
            return
        assert time.monotonic() < deadline


@pytest.fixture
async def here(house: House, visitor: Browser) -> Actor:
    await house.open_ticket(visitor, subject="Before")
    await house.app.parlour.worker.stop()
    house.leave_chores()
    await watched(database(house))
    return Actor.system(house.workspace.workspace_id)


async def rename(house: House, here: Actor, subject: str) -> None:
    renamed = update(tickets).where(tickets.c.workspace_id == HERE).values(subject=subject)
    await house.db.write(here, lambda tx: tx.run(renamed).rowcount)


@direct
@pytest.mark.parametrize("read", [subjects, subjects_as_objects])
async def test_nothing_is_asked_until_something_is_stored(house: House, here: Actor, read: Any) -> None:
    first = await house.db.read(here, read)
    first.append("mine alone")

    async def look() -> None:
        assert await house.db.read(here, read) == ["Before"]

    await nothing_is_asked(database(house), look)
    await rename(house, here, "After")
    assert await house.db.read(here, read) == ["After"]


@direct
async def test_a_scan_for_somebody_is_found_again_and_no_other(house: House, here: Actor) -> None:
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")

    async def look() -> None:
        assert await house.db.scan(ada, subjects) == ["Before"]

    await nothing_is_asked(database(house), look)
    with asked(database(house)) as statements:
        await house.db.scan(here, subjects)
    assert len(statements) == 1
    await rename(house, here, "After")
    assert await house.db.scan(ada, subjects) == ["After"]


async def test_the_next_read_sees_what_another_process_stored(house: House, here: Actor) -> None:
    settings = house.app.parlour.settings
    for number in range(100):
        behind_its_back(settings, "UPDATE tickets SET subject = ?", f"Subject {number}")
        for _ in range(1 + number % 3):
            assert await house.db.read(here, subjects) == [f"Subject {number}"]


async def test_whoever_has_stored_something_sees_it_whoever_else_asks(house: House, here: Actor) -> None:
    """Many ask how the database stands at once, and none is told what was true before it asked."""
    stored = [0]

    async def look() -> None:
        for _ in range(100):
            least = stored[0]
            assert int((await house.db.read(here, subjects))[0]) >= least

    async def store() -> None:
        for number in range(1, 60):
            await rename(house, here, str(number))
            stored[0] = number
            assert await house.db.read(here, subjects) == [str(number)]

    await rename(house, here, "0")
    await asyncio.gather(store(), *(look() for _ in range(12)))


async def test_a_statement_finds_for_each_what_that_one_may_see(house: House, here: Actor) -> None:
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")
    elsewhere = Actor.agent(house.other.workspace_id, house.ada, Role.AGENT, "Ada")
    stranger = Actor.visitor(house.workspace.workspace_id)
    customer = Actor.customer(house.workspace.workspace_id, clock.new_id(), "m@example.com")
    for _ in range(5):
        for who, expected in ((agent, ["Before"]), (elsewhere, []), (stranger, []), (customer, [])):
            assert await house.db.read(who, subjects_of, house.workspace.workspace_id) == expected

    def in_turn(tx: Tx) -> list[list[str]]:
        place = house.workspace.workspace_id
        return [subjects_of(tx.acting_as(who), place) for who in (agent, elsewhere, agent, stranger)]

    for _ in range(5):
        assert await house.db.read(agent, in_turn) == [["Before"], [], ["Before"], []]


async def test_who_was_removed_sees_nothing_any_more(house: House, visitor: Browser, here: Actor) -> None:
    ticket = await house.open_ticket(visitor)
    place = f"/workspace/{house.workspace.workspace_id}"
    pages = (place, f"{place}/tickets", f"{place}/tickets/{ticket.ticket_id}")
    bo = await house.add_agent("bo@acme.example", Role.AGENT)
    async with await house.sign_in("bo@acme.example") as browser:
        for page in pages * 3:
            assert (await browser.get(page)).status_code == 200
        behind_its_back(house.app.parlour.settings, "DELETE FROM members WHERE user_id = ?", bo)
        assert [(await browser.get(page)).status_code for page in pages] == [404] * 3
    assert here.workspace_id == ticket.workspace_id


async def test_what_may_be_changed_by_who_has_it_is_read_anew(house: House, here: Actor) -> None:
    def read(tx: Tx) -> None:
        [(settings,)] = tx.rows(SETTINGS)
        assert settings == {}
        settings["changed"] = True

    for _ in range(10):
        await house.db.read(here, read)


async def test_the_time_is_asked_for_each_time(house: House, here: Actor) -> None:
    seen = {await house.db.read(here, lambda tx: tx.rows(MOMENT)[0][0]) for _ in range(5)}

    assert len(seen) == 5


@direct
async def test_no_more_is_kept_than_there_is_room_for(
    house: House, here: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "ROOM", 10_000)

    async def look() -> None:
        await house.db.read(here, subjects)

    await rename(house, here, "x" * 10)
    await nothing_is_asked(database(house), look)

    await rename(house, here, "x" * 20_000)
    await look()
    with asked(database(house)) as statements:
        for _ in range(5):
            await look()
    assert len(statements) == 5


async def test_what_a_unit_raises_it_raises_again(house: House, here: Actor) -> None:
    def look(tx: Tx) -> None:
        raise LookupError(subjects(tx)[0])

    for subject in ("One", "Two"):
        await rename(house, here, subject)
        for _ in range(3):
            with pytest.raises(LookupError, match=subject):
                await house.db.read(here, look)


@direct
async def test_it_goes_on_when_the_connection_that_watches_is_cut(house: House, here: Actor) -> None:
    await house.db.read(here, subjects)
    for subject in ("One", "Two"):
        behind_its_back(
            house.app.parlour.settings,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = ? AND pid <> pg_backend_pid()",
            APP,
        )
        await rename(house, here, subject)
        assert await house.db.read(here, subjects) == [subject]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresDatabase]:
    db = PostgresDatabase(url)
    await db.open()
    try:
        yield db
    finally:
        await db.close()


@pytest.fixture
def files() -> Iterator[Files]:
    """A server with one table of words, of which nobody but the test stores anything."""
    with folder_for_servers() as folder:
        files = Files(folder / "data", free_port())
        files.make()
        files.configure("autovacuum = off\nwal_writer_delay = 10s\n")
        files.start()
        files.furnish()
        with files.admin(DATABASE) as admin:
            admin.execute("CREATE TABLE words (word text)")
            admin.execute(f"GRANT SELECT ON words TO {APP}".encode())
        try:
            yield files
        finally:
            files.kill()


def store(files: Files, word: str, *, durably: bool = True) -> object:
    """Returns the snapshot that shows it."""
    with files.admin(DATABASE) as admin:
        admin.execute(f"SET synchronous_commit = {'on' if durably else 'off'}".encode())
        admin.execute("INSERT INTO words VALUES (%s)", [word])
        return admin.execute("SELECT pg_current_snapshot()::text").fetchone()


async def known(db: PostgresDatabase, expected: list[str]) -> None:
    """The words are found, and found again without asking."""
    assert await db.read(Actor.visitor(), words) == expected
    await until(lambda: db._known._watch)  # noqa: SLF001
    assert await db.read(Actor.visitor(), words) == expected
    with asked(db) as statements:
        assert await db.read(Actor.visitor(), words) == expected
    assert statements == []


async def found_in_time(db: PostgresDatabase) -> list[str]:
    """What is read once the server answers again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await db.read(Actor.visitor(), words)
        except Overloaded:
            assert time.monotonic() < deadline


def crash(files: Files) -> None:
    """One of the server's processes is killed: it cuts all connections, and starts again with what is on the
    disk.
    """
    before = files.rows(WRITER)
    with files.admin() as admin, suppress(psycopg.OperationalError):
        os.kill(admin.info.backend_pid, signal.SIGKILL)
        admin.execute("SELECT pg_sleep(60)")
    deadline = time.monotonic() + 60
    while True:
        with suppress(psycopg.OperationalError):
            if files.rows(WRITER) not in ([], before):
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_nothing_is_found_that_a_crashed_server_has_lost(files: Files) -> None:
    """It gives the numbers of lost transactions again, so that other words stand in the same snapshot."""
    [(writer,)] = files.rows(WRITER)
    async with opened(url_of(files)) as db:
        os.kill(int(str(writer)), signal.SIGSTOP)
        before = store(files, "lost", durably=False)
        await known(db, ["lost"])
        await asyncio.to_thread(crash, files)
        after = store(files, "another")

        assert after == before
        assert await found_in_time(db) == ["another"]


async def test_nothing_is_found_that_an_older_copy_does_not_hold(files: Files) -> None:
    files.stop()
    copy = files.data.with_name("copy")
    files.run("cp", "-a", str(files.data), str(copy))
    files.start()
    async with opened(url_of(files)) as db:
        before = store(files, "gone")
        await known(db, ["gone"])
        files.stop()
        shutil.rmtree(files.data)
        copy.rename(files.data)
        files.start()
        after = store(files, "another")

        assert after == before
        assert await found_in_time(db) == ["another"]


def url_of(files: Files) -> str:
    return f"postgresql://{APP}:{PASSWORD}@127.0.0.1:{files.port}/{DATABASE}"


async def each_read_asks(db: PostgresDatabase) -> None:
    with asked(db) as statements:
        for _ in range(10):
            await db.read(Actor.visitor(), subjects_of, NOWHERE)
            await asyncio.sleep(0.1)
    assert len(statements) == 10


async def test_on_a_standby_nothing_is_found_again(tmp_path: Path) -> None:
    """There a snapshot does not name what is under way."""
    server = postgres_server.server()
    url = server.direct_url(server.of_folder(tmp_path))
    standby = await asyncio.to_thread(postgres_server.Standby, server)
    try:
        async with opened(url.replace(f":{server.port}/", f":{standby.port}/")) as db:
            await each_read_asks(db)
    finally:
        standby.stop()
        postgres_server.left(url)


@pytest.mark.pgbouncer
async def test_behind_a_proxy_nothing_is_found_again(tmp_path: Path) -> None:
    server = postgres_server.server()
    url = server.direct_url(server.of_folder(tmp_path))
    with postgres_server.Bouncer(server.folder, server.port) as bouncer:
        async with opened(url.replace(f":{server.port}/", f":{bouncer.port}/")) as db:
            await each_read_asks(db)
    postgres_server.left(url)


async def test_a_server_that_hangs_is_not_waited_for_by_what_is_known(files: Files) -> None:
    async with opened(url_of(files)) as db:
        store(files, "word")
        await known(db, ["word"])
        with postgres_server.halted(files.processes), pytest.raises(Overloaded):
            await db.read(Actor.visitor(), words)
        assert await found_in_time(db) == ["word"]
