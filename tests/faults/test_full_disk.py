"""A disk that takes nothing more: what was not acknowledged fails, reading goes on, and it mends itself."""

import asyncio
import resource
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
from tests.faults.people import Customer, Records
from tests.live import Live

SYSTEM = Actor.system()
MEGABYTE = 2**20

pytestmark = pytest.mark.timeout(120)


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
    assert all("database or disk is full" in str(answer) for answer in answers[1::2])
    assert await db.read(SYSTEM, slugs) == ["w0", "w2", "w4"]


async def test_an_error_holds_none_of_the_words_that_were_to_be_stored(db: SqliteDatabase) -> None:
    await set_limit(db, pages=0)

    [error] = await asyncio.gather(db.write(SYSTEM, add, "secret", MEGABYTE), return_exceptions=True)

    assert "secret" not in str(error)


async def test_the_writer_goes_on_as_soon_as_there_is_room(db: SqliteDatabase) -> None:
    await set_limit(db, pages=0)
    with pytest.raises(Exception, match="full"):
        await db.write(SYSTEM, add, "early", MEGABYTE)

    await set_limit(db, pages=1000)
    await db.write(SYSTEM, add, "later", MEGABYTE)

    assert await db.read(SYSTEM, slugs) == ["later"]


@contextmanager
def no_file_may_grow(live: Live) -> Iterator[None]:
    """The kernel refuses the server every byte beyond what its files hold now."""
    largest = max(path.stat().st_size for path in live.data.iterdir() if path.is_file())
    before = resource.prlimit(live.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(live.pid, resource.RLIMIT_FSIZE, (largest // 2, before[1]))
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

    assert {answer.status_code for answer in refused} == {500}
    assert page.status_code == 200
    assert [answer.status_code for answer in taken] == [201] * 5
    assert Records(live.settings).contents(ticket)[1:] == list(words)
