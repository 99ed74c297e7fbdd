import asyncio
from collections.abc import AsyncIterator, Callable
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


def storing(kind: str, seen: list[Tx]) -> Callable[[Tx], Callable[[], str]]:
    def unit(tx: Tx) -> Callable[[], str]:
        seen.append(tx)
        tx.enqueue(kind, {})
        return lambda: kind

    return unit


async def kinds(db: Database) -> list[str]:
    query = "SELECT kind FROM outbox ORDER BY kind"
    return await db.read(Actor.system(), lambda tx: [row[0] for row in tx.connection.exec_driver_sql(query)])


async def test_what_comes_while_one_is_stored_goes_next_in_one_transaction(db: Database) -> None:
    together, seen = Together(db), list[Tx]()
    answers = await asyncio.gather(
        together.write(storing("a", seen)), *(together.write(storing("b", seen)) for _ in range(3))
    )
    await together.write(storing("c", seen))

    assert answers == ["a", "b", "b", "b"]
    assert await kinds(db) == ["a", "b", "b", "b", "c"]
    assert len({id(tx) for tx in seen}) < len(seen)
    assert seen[-1] not in seen[:-1]


async def test_one_that_fails_is_the_only_one_that_is_not_stored(db: Database) -> None:
    together, seen = Together(db), list[Tx]()

    def broken(tx: Tx) -> Callable[[], str]:
        tx.enqueue("broken", {})
        raise ValueError("no")

    answers = await asyncio.gather(
        together.write(storing("a", seen)),
        together.write(broken),
        together.write(storing("b", seen)),
        return_exceptions=True,
    )

    assert [type(each) for each in answers] == [str, ValueError, str]
    assert await kinds(db) == ["a", "b"]


async def test_who_gives_up_waiting_takes_nothing_from_the_others(db: Database) -> None:
    together, seen = Together(db), list[Tx]()
    first, second, third = (asyncio.create_task(together.write(storing(kind, seen))) for kind in "abc")
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, third)

    assert set(await kinds(db)) >= {"a", "c"}
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_all_of_them_ask_before_the_first_one_answers(db: Database) -> None:
    together, done = Together(db), list[str]()

    def unit(name: str) -> Callable[[Tx], Callable[[], None]]:
        def ask(_: Tx) -> Callable[[], None]:
            done.append(f"{name} asks")
            return lambda: done.append(f"{name} answers")

        return ask

    await asyncio.gather(*(together.write(unit(name)) for name in "ab"))

    assert done == ["a asks", "b asks", "a answers", "b answers"]


async def test_events_of_all_of_them_are_told(db: Database) -> None:
    told: list[object] = []
    db.on_commit(told.extend)
    together, seen = Together(db), list[Tx]()
    await asyncio.gather(*(together.write(storing(kind, seen)) for kind in "abcd"))

    assert len(told) == 4
