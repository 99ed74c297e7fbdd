import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from parlour.db.database import Database, Tx
from parlour.db.together import Together
from parlour.kernel.access import Actor
from tests.house import open_database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path) as db:
        yield db


def storing(seen: list[Sequence[str]]) -> Callable[[Tx, Sequence[str]], Sequence[str]]:
    """Stores jobs of these kinds, but for one."""

    def unit(tx: Tx, kinds: Sequence[str]) -> Sequence[str]:
        seen.append(kinds)
        for kind in kinds:
            tx.enqueue(kind, {})
        if "broken" in kinds:
            raise ValueError(kinds)
        return [f"{kind} is stored" for kind in kinds]

    return unit


async def kinds(db: Database) -> list[str]:
    query = "SELECT kind FROM outbox ORDER BY kind"
    return await db.read(Actor.system(), lambda tx: [row[0] for row in tx.connection.exec_driver_sql(query)])


async def test_what_comes_while_one_is_stored_goes_next_in_one_transaction(db: Database) -> None:
    seen: list[Sequence[str]] = []
    together = Together(db, storing(seen))
    answers = await asyncio.gather(*map(together.write, "abcd"))
    await together.write("e")

    assert answers == [f"{kind} is stored" for kind in "abcd"]
    assert await kinds(db) == list("abcde")
    assert len(seen) < 5
    assert seen[-1] == ["e"]


async def test_one_that_fails_is_the_only_one_that_is_not_stored(db: Database) -> None:
    together = Together(db, storing([]))

    answers = await asyncio.gather(*map(together.write, ("a", "broken", "b")), return_exceptions=True)

    assert [type(each) for each in answers] == [str, ValueError, str]
    assert await kinds(db) == ["a", "b"]


async def test_who_gives_up_waiting_takes_nothing_from_the_others(db: Database) -> None:
    together = Together(db, storing([]))
    first, second, third = (asyncio.create_task(together.write(kind)) for kind in "abc")
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, third)

    assert set(await kinds(db)) >= {"a", "c"}
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_events_of_all_of_them_are_told(db: Database) -> None:
    told: list[object] = []
    db.on_commit(told.extend)
    together = Together(db, storing([]))
    await asyncio.gather(*map(together.write, "abcd"))

    assert len(told) == 4
