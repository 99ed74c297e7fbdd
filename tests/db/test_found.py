"""On SQLite what a statement found is found again without asking, until anybody has stored anything."""

import sqlite3
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import select, update

from parlour.db import found
from parlour.db.database import HERE, Tx
from parlour.db.schema import tickets, workspaces
from parlour.db.sqlite import SqliteDatabase
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House

pytestmark = pytest.mark.sqlite

SUBJECTS = select(tickets.c.subject).where(tickets.c.workspace_id == HERE)
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


async def test_scans_in_a_row_ask_once_until_something_is_stored(house: House, here: Actor) -> None:
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")
    asked: list[str] = []

    def read(tx: Tx) -> list[Any]:
        raw: Any = tx.connection.connection.dbapi_connection
        raw.set_trace_callback(lambda sql: asked.append(sql) if sql.startswith("SELECT") else None)
        return WAYS["rows"](tx)

    assert [await house.db.scan(agent, read) for _ in range(20)] == [["Before"]] * 20
    assert len(asked) == 1

    renamed = update(tickets).where(tickets.c.workspace_id == HERE).values(subject="After")
    await house.db.write(here, lambda tx: tx.run(renamed).rowcount)
    assert [await house.db.scan(agent, read) for _ in range(20)] == [["After"]] * 20


def test_what_one_transaction_finds_is_kept_as_far_as_there_is_room() -> None:
    kept = found.Found(None, one_of=found.ROOM // (3 * found.ENTRY))
    for number in range(10):
        kept.keep((number,), number)

    assert [kept.get((number,)) for number in range(10)] == [0, 1, 2, *[None] * 7]


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


async def test_what_may_be_changed_by_who_has_it_is_read_anew(house: House, here: Actor) -> None:
    def read(tx: Tx) -> None:
        [(settings,)] = tx.rows(SETTINGS)
        assert settings == {}
        settings["changed"] = True

    asked = Asked(house)
    await house.db.read(here, read)
    await house.db.read(here, read)

    assert len(asked.statements) == 1


@pytest.mark.parametrize(("characters", "times"), [(10, 1), (20_000, 3)])
async def test_no_more_is_kept_than_there_is_room_for(
    house: House, here: Actor, monkeypatch: pytest.MonkeyPatch, characters: int, times: int
) -> None:
    monkeypatch.setattr(found, "ROOM", 20_000)
    longer = update(tickets).where(tickets.c.workspace_id == HERE).values(subject="x" * characters)
    await house.db.write(here, lambda tx: tx.run(longer).rowcount)
    asked = Asked(house)
    for _ in range(3):
        await house.db.read(here, WAYS["rows"])

    assert len(asked.statements) == times


async def test_a_unit_runs_once_for_each_actor_and_what_it_is_given(house: House, here: Actor) -> None:
    ran: list[tuple[str, str]] = []

    def unit(tx: Tx, word: str) -> str:
        ran.append((tx.actor.id, word))
        return f"{word} {WAYS['rows'](tx)[0]}"

    def read(tx: Tx) -> list[str]:
        other = tx.acting_as(Actor.visitor(here.workspace_id))
        return [who.same(unit, word) for who in (tx, other) for word in ("a", "b")]

    for _ in range(3):
        assert await house.db.read(here, read) == ["a Before", "b Before"] * 2
    assert ran == [(who, word) for who in ("system", "visitor") for word in "ab"]

    renamed = update(tickets).where(tickets.c.workspace_id == HERE).values(subject="After")
    await house.db.write(here, lambda tx: tx.run(renamed).rowcount)
    assert await house.db.read(here, read) == ["a After", "b After"] * 2
    assert await house.db.scan(here, read) == ["a After", "b After"] * 2
    assert len(ran) == 12


@pytest.fixture
def timeless(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What runs as the same for everybody learns no time of day. Says what ran."""
    same, ran = Tx.same, set()

    def no_time() -> Any:
        raise AssertionError("what is kept until something is stored must not depend on the time of day")

    def run(tx: Tx, unit: Any, /, *args: Any) -> Any:
        ran.add(unit.__name__)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(clock, "_now", no_time)
            meanwhile.setattr(clock, "_steady", no_time)
            return same(tx, unit, *args)

    monkeypatch.setattr(Tx, "same", run)
    return ran


async def test_what_pages_keep_depends_on_no_time_of_day(
    house: House, visitor: Browser, timeless: set[str]
) -> None:
    ticket = await house.open_ticket(visitor)
    desk = f"/workspace/{house.workspace.workspace_id}"
    addresses = (
        "",
        "/tickets",
        "/tickets?status=snoozed",
        "/tickets?waiting=yes",
        f"/tickets/{ticket.ticket_id}",
    )
    async with aclosing(await house.sign_in()) as ada:
        for address in addresses:
            assert (await ada.get(f"{desk}{address}")).status_code == 200
    assert (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")).status_code == 200

    assert timeless == {"overview", "_table", "_sidebar", "_ticket_page", "_conversation"}
