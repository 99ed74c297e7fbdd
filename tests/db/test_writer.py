"""What the one writer promises to everyone who waits for it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from parlour.db import schema, sqlite
from parlour.db.database import Tx
from parlour.db.sqlite import SqliteDatabase
from parlour.db.sqlite.file import DataFolderInUse
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import Overloaded
from parlour.kernel.events import AccessChanged

SYSTEM = Actor.system()


class Broken(Exception):
    """What a unit of a test fails with."""


def add(tx: Tx, slug: str) -> None:
    """A row that has to stay, and the event that tells of it."""
    workspace_id = clock.new_id()
    tx.execute(
        insert(schema.workspaces).values(
            workspace_id=workspace_id, slug=slug, name=slug, created_at=clock.now()
        )
    )
    tx.emit(AccessChanged(workspace_id))


def add_and_fail(tx: Tx, slug: str) -> None:
    add(tx, slug)
    raise Broken(slug)


def add_and_orphan(tx: Tx, slug: str) -> None:
    """Breaks a foreign key that is looked at only when the transaction commits."""
    add(tx, slug)
    nowhere = UUID(tx.connection.exec_driver_sql("SELECT workspace_id FROM workspaces").scalars().all()[-1])
    tx.execute(
        insert(schema.chat_rooms).values(
            workspace_id=nowhere, room_id=clock.new_id(), ticket_id=clock.new_id(), created_at=clock.now()
        )
    )


def slugs(path: Path) -> list[str]:
    """What another program finds in the file, in the order of its birth."""
    other = sqlite3.connect(path)
    try:
        return [row[0] for row in other.execute("SELECT slug FROM workspaces ORDER BY rowid")]
    finally:
        other.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parlour.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[SqliteDatabase]:
    db = SqliteDatabase(path)
    await db.migrate()
    await db.open()
    yield db
    await db.close()


@asynccontextmanager
async def one_batch(db: SqliteDatabase) -> AsyncIterator[None]:
    """Whatever is asked for inside waits behind one slow unit, so that the writer finds all of it at once."""
    started, gate = threading.Event(), threading.Event()

    def hold(_: Tx) -> None:
        started.set()
        assert gate.wait(10)

    held = asyncio.create_task(db.write(SYSTEM, hold))
    await asyncio.to_thread(started.wait, 10)
    try:
        yield
        await asyncio.sleep(0)  # the tasks made inside reach the queue
    finally:
        gate.set()
        await held


async def outcomes(*asked: Awaitable[Any]) -> list[Any]:
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_an_answer_means_that_every_other_program_sees_the_row(db: SqliteDatabase, path: Path) -> None:
    await db.write(SYSTEM, add, "acme")

    assert slugs(path) == ["acme"]


async def test_what_waits_together_is_committed_together(db: SqliteDatabase, path: Path) -> None:
    async with one_batch(db):
        before = db.commits
        asked = [asyncio.create_task(db.write(SYSTEM, add, f"w{number}")) for number in range(50)]
    await asyncio.gather(*asked)

    assert db.commits == before + 2  # the slow one, then the fifty
    assert slugs(path) == [f"w{number}" for number in range(50)]


async def test_nobody_in_a_batch_is_answered_before_its_commit(db: SqliteDatabase, path: Path) -> None:
    found: list[list[str]] = []

    async def add_and_look(slug: str) -> None:
        await db.write(SYSTEM, add, slug)
        found.append(slugs(path))

    async with one_batch(db):
        asked = [asyncio.create_task(add_and_look(f"w{number}")) for number in range(5)]
    await asyncio.gather(*asked)

    assert found == [[f"w{number}" for number in range(5)]] * 5


async def test_a_unit_that_raises_undoes_itself_alone(db: SqliteDatabase, path: Path) -> None:
    async with one_batch(db):
        asked = [
            asyncio.create_task(db.write(SYSTEM, unit, slug))
            for unit, slug in ((add, "first"), (add_and_fail, "second"), (add, "third"))
        ]
    first, second, third = await outcomes(*asked)

    assert (first, third) == (None, None)
    assert isinstance(second, Broken)
    assert slugs(path) == ["first", "third"]


async def test_a_unit_that_breaks_the_commit_of_all_fails_alone(db: SqliteDatabase, path: Path) -> None:
    async with one_batch(db):
        asked = [
            asyncio.create_task(db.write(SYSTEM, unit, slug))
            for unit, slug in ((add, "first"), (add_and_orphan, "second"), (add, "third"))
        ]
    first, second, third = await outcomes(*asked)

    assert (first, third) == (None, None)
    assert isinstance(second, sqlite3.IntegrityError)
    assert slugs(path) == ["first", "third"]


async def test_a_caller_that_gave_up_does_not_take_its_batch_with_it(db: SqliteDatabase, path: Path) -> None:
    async with one_batch(db):
        left = asyncio.create_task(db.write(SYSTEM, add, "left"))
        stayed = asyncio.create_task(db.write(SYSTEM, add, "stayed"))
        await asyncio.sleep(0)
        left.cancel()
    await stayed

    assert left.cancelled()
    assert slugs(path) == ["left", "stayed"]  # it was on its way already, and gave no answer


async def test_events_come_after_the_commit_in_its_order_and_never_from_failures(
    db: SqliteDatabase, path: Path
) -> None:
    told: list[UUID] = []
    stored: list[int] = []

    def listen(events: Any) -> None:
        told.extend(event.workspace_id for event in events)
        stored.append(len(slugs(path)))

    db.on_commit(listen)
    async with one_batch(db):
        asked = [
            asyncio.create_task(db.write(SYSTEM, unit, f"w{number}"))
            for number, unit in enumerate([add, add_and_fail, add, add_and_orphan, add])
        ]
    await outcomes(*asked)
    await db.write(SYSTEM, add, "later")

    other = sqlite3.connect(path)
    order = [UUID(row[0]) for row in other.execute("SELECT workspace_id FROM workspaces ORDER BY rowid")]
    other.close()
    assert told == order
    assert stored == [3, 3, 3, 4]


async def test_a_listener_that_fails_keeps_nobody_waiting(db: SqliteDatabase, path: Path) -> None:
    told: list[int] = []

    def fail(_: Any) -> None:
        raise Broken

    db.on_commit(fail)
    db.on_commit(lambda events: told.append(len(events)))
    async with asyncio.timeout(30):
        await asyncio.gather(*[db.write(SYSTEM, add, f"w{number}") for number in range(3)])

    assert slugs(path) == ["w0", "w1", "w2"]
    assert told == [1, 1, 1]


@pytest.mark.parametrize("odd", [StopIteration, asyncio.CancelledError, SystemExit])
async def test_whatever_a_unit_raises_the_writer_goes_on(
    db: SqliteDatabase, path: Path, odd: type[BaseException]
) -> None:
    def end(tx: Tx) -> None:
        add(tx, "half")
        raise odd

    async with asyncio.timeout(30):
        [ended] = await outcomes(db.write(SYSTEM, end))
        await db.write(SYSTEM, add, "after")

    assert isinstance(ended, RuntimeError)
    assert slugs(path) == ["after"]


async def test_close_finishes_what_is_queued(db: SqliteDatabase, path: Path) -> None:
    async with one_batch(db):
        asked = [asyncio.create_task(db.write(SYSTEM, add, f"w{number}")) for number in range(100)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(db.close())
    await asyncio.gather(closing, *asked)

    assert slugs(path) == [f"w{number}" for number in range(100)]


async def test_after_close_every_call_raises(db: SqliteDatabase) -> None:
    await db.close()

    for call in (db.read, db.scan, db.write):
        with pytest.raises(RuntimeError):
            await call(SYSTEM, add, "late")


async def test_a_queue_that_is_full_turns_callers_away_at_once(
    db: SqliteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUEUE_LIMIT", 3)
    async with one_batch(db):
        asked = [asyncio.create_task(db.write(SYSTEM, add, f"w{number}")) for number in range(5)]
        await asyncio.sleep(0)
        turned_away = [task.done() for task in asked]
    answers = await outcomes(*asked)

    assert turned_away == [False, False, False, True, True]
    assert [type(answer) for answer in answers[3:]] == [Overloaded, Overloaded]
    assert slugs(path) == ["w0", "w1", "w2"]


async def test_a_second_server_is_kept_off_the_data_folder(db: SqliteDatabase, path: Path) -> None:
    second = SqliteDatabase(path)

    with pytest.raises(DataFolderInUse, match="already running"):
        await second.open()

    await db.write(SYSTEM, add, "acme")  # and the first goes on
    assert slugs(path) == ["acme"]


async def test_the_data_folder_is_free_again_after_close(db: SqliteDatabase, path: Path) -> None:
    await db.close()
    second = SqliteDatabase(path)
    await second.open()
    await second.write(SYSTEM, add, "acme")
    await second.close()

    assert slugs(path) == ["acme"]


@pytest.fixture
def folder_without_database(tmp_path: Path) -> Iterator[Path]:
    """Where the database file should be, there is a folder."""
    path = tmp_path / "broken" / "parlour.db"
    path.mkdir(parents=True)
    yield path
    path.rmdir()


async def test_a_server_that_could_not_open_its_file_holds_no_lock(folder_without_database: Path) -> None:
    with pytest.raises(Exception, match="cannot be opened"):
        await SqliteDatabase(folder_without_database).open()

    with pytest.raises(Exception, match="cannot be opened"):
        await SqliteDatabase(folder_without_database).open()


async def test_a_short_command_writes_beside_a_busy_server(db: SqliteDatabase, path: Path) -> None:
    command = SqliteDatabase(path, exclusive=False)
    await command.open()

    async def work(who: SqliteDatabase, name: str) -> None:
        for number in range(100):
            await who.write(SYSTEM, add, f"{name}-{number}")

    await asyncio.gather(work(db, "server"), work(db, "more"), work(command, "command"))
    await command.close()

    found = slugs(path)
    for name in ("server", "more", "command"):
        assert [slug for slug in found if slug.startswith(name)] == [f"{name}-{n}" for n in range(100)]


async def test_a_file_that_another_program_keeps_locked_fails_everyone_until_it_lets_go(
    db: SqliteDatabase, path: Path
) -> None:
    await db.write(SYSTEM, lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout=200"))
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")

    async with asyncio.timeout(25):  # one wait for all, not one each
        refused = await outcomes(*[db.write(SYSTEM, add, f"w{number}") for number in range(150)])
    other.close()
    await db.write(SYSTEM, add, "after")

    assert {str(error) for error in refused} == {"database is locked"}
    assert slugs(path) == ["after"]


async def test_readers_go_on_while_the_writer_is_busy(db: SqliteDatabase) -> None:
    await db.write(SYSTEM, add, "acme")

    def count(tx: Tx) -> int:
        return int(tx.connection.exec_driver_sql("SELECT count(*) FROM workspaces").scalar_one())

    async with one_batch(db):
        assert await db.read(SYSTEM, count) == 1
        assert await db.scan(SYSTEM, count) == 1


async def test_a_reader_cannot_write(db: SqliteDatabase, path: Path) -> None:
    for call in (db.read, db.scan):
        with pytest.raises(Exception, match="readonly"):
            await call(SYSTEM, add, "sneaky")

    assert slugs(path) == []
