"""On SQLite what a statement found is found again without asking, until anybody has stored anything."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from parlour.db import found
from parlour.db.database import HERE, Tx
from parlour.db.schema import UtcDateTime, tickets, workspaces
from parlour.db.sqlite import SqliteDatabase
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import Browser, House

pytestmark = pytest.mark.sqlite

SUBJECTS = select(tickets.c.subject).where(tickets.c.workspace_id == HERE)
SINCE = SUBJECTS.where(tickets.c.created_at > bindparam("since", type_=UtcDateTime()))
SETTINGS = select(workspaces.c.settings).where(workspaces.c.workspace_id == HERE)
WAYS: dict[str, Callable[[Tx], list[Any]]] = {
    "rows": lambda tx: [row[0] for row in tx.rows(SUBJECTS)],
    "objects": lambda tx: tx.objects(SUBJECTS, _subject),
}


def _subject(row: tuple[Any, ...]) -> str:
    return str(row[0])


class Asked:
    """The SELECTs that SQLite itself runs for reads on the loop."""

    def __init__(self, house: House) -> None:
        assert isinstance(house.db, SqliteDatabase)
        self.statements: list[str] = []
        raw: Any = house.db._reader.connection.dbapi_connection  # noqa: SLF001 no test can see it otherwise
        raw.set_trace_callback(self._note)

    def _note(self, sql: str) -> None:
        if sql.startswith("SELECT"):
            self.statements.append(sql)


@pytest.fixture
async def here(house: House, visitor: Browser) -> Actor:
    await house.open_ticket(visitor, subject="Before")
    await house.app.parlour.worker.stop()
    return Actor.system(house.workspace.workspace_id)


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_asked_once_until_something_is_stored(house: House, here: Actor, way: str) -> None:
    read, asked = WAYS[way], Asked(house)

    first = await house.db.read(here, read)
    first.append("mine alone")
    assert await house.db.read(here, read) == ["Before"]
    assert len(asked.statements) == 1

    renamed = update(tickets).where(tickets.c.workspace_id == HERE).values(subject="After")
    await house.db.write(here, lambda tx: tx.run(renamed).rowcount)
    assert await house.db.read(here, read) == ["After"]
    assert len(asked.statements) == 2


async def test_what_another_process_stores_is_seen_at_once(house: House, here: Actor) -> None:
    assert isinstance(house.db, SqliteDatabase)
    assert await house.db.read(here, WAYS["rows"]) == ["Before"]

    with sqlite3.connect(house.db.path) as other:
        other.execute("UPDATE tickets SET subject = 'After'")
    other.close()

    assert await house.db.read(here, WAYS["rows"]) == ["After"]


async def test_each_has_what_its_own_values_find(house: House, here: Actor) -> None:
    nowhere = Actor.system(clock.new_id())

    assert await house.db.read(here, WAYS["rows"]) == ["Before"]
    assert await house.db.read(nowhere, WAYS["rows"]) == []
    assert await house.db.read(here, WAYS["rows"]) == ["Before"]


async def test_what_is_asked_of_a_moment_or_may_be_changed_by_who_has_it_is_not_kept(
    house: House, here: Actor
) -> None:
    def read(tx: Tx) -> None:
        assert len(tx.rows(SINCE, since=clock.now() - timedelta(days=1))) == 1
        [(settings,)] = tx.rows(SETTINGS)
        assert settings == {}
        settings["changed"] = True

    asked = Asked(house)
    await house.db.read(here, read)
    await house.db.read(here, read)

    assert len(asked.statements) == 4


async def test_no_more_is_kept_than_there_is_room_for(
    house: House, here: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "MOST", 0)
    asked = Asked(house)
    for _ in range(3):
        await house.db.read(here, WAYS["rows"])

    assert len(asked.statements) == 3
