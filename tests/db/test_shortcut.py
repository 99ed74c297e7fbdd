"""Statements that go to the driver as text find what SQLAlchemy finds."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Executable, Integer, bindparam, event, func, insert, select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import contacts, tickets, workspaces
from parlour.features.tickets.models import Status
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import Browser, House

EVERY_KIND = select(
    tickets.c.ticket_id,
    tickets.c.number,
    tickets.c.subject,
    tickets.c.created_at,
    tickets.c.assignee_id,
    tickets.c.snoozed_until,
    tickets.c.tagged,
).where(tickets.c.workspace_id == HERE)
STATEMENTS: dict[str, tuple[Executable, dict[str, Any]]] = {
    "ids, moments, switches and nothing at all": (EVERY_KIND, {}),
    "JSON": (select(workspaces.c.settings).where(workspaces.c.workspace_id == HERE), {}),
    "a value that the statement holds": (EVERY_KIND.where(tickets.c.status == "new"), {}),
    "a list that the statement holds": (EVERY_KIND.where(tickets.c.status.in_(list(Status))), {}),
    "a list that comes with the run": (
        EVERY_KIND.where(dialect.one_of(tickets.c.ticket_id, "these")),
        {"these": []},
    ),
    "a limit": (EVERY_KIND.limit(bindparam("limit", type_=Integer())), {"limit": 1}),
    "a union": (EVERY_KIND.union_all(EVERY_KIND), {}),
    "a number": (select(func.count()).select_from(EVERY_KIND.subquery()), {}),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_the_short_way_finds_the_same(house: House, visitor: Browser, name: str) -> None:
    ticket = await house.open_ticket(visitor)
    await house.open_ticket(visitor, subject="Another")
    statement, values = STATEMENTS[name]
    if "these" in values:
        values = {"these": [ticket.ticket_id]}

    def both(tx: Tx) -> tuple[Any, Any]:
        return tx.rows(statement, **values), [tuple(row) for row in tx.run(statement, **values)]

    short, long = await house.db.read(Actor.system(house.workspace.workspace_id), both)
    assert short
    assert short == long
    assert [list(map(type, row)) for row in short] == [list(map(type, row)) for row in long]


async def test_a_row_that_reads_as_it_did_is_the_same_object_and_a_changed_one_another(
    house: House, visitor: Browser
) -> None:
    first = await house.open_ticket(visitor)
    await house.open_ticket(visitor, subject="Another")
    system = Actor.system(house.workspace.workspace_id)

    def read(tx: Tx) -> dict[UUID, tuple[Any, ...]]:
        assert tx.objects(EVERY_KIND, tuple) == tx.rows(EVERY_KIND)
        return {row[0]: row for row in tx.objects(EVERY_KIND, tuple)}

    def rename(tx: Tx) -> None:
        this = (tickets.c.workspace_id == HERE) & (tickets.c.ticket_id == first.ticket_id)
        tx.run(update(tickets).where(this).values(subject="Renamed"))

    before = await house.db.read(system, read)
    await house.db.write(system, rename)
    after = await house.db.read(system, read)

    assert [ticket_id for ticket_id in after if after[ticket_id] is not before[ticket_id]] == [
        first.ticket_id
    ]
    assert after[first.ticket_id][2] == "Renamed"


async def test_a_value_that_nobody_gave_is_refused(house: House) -> None:
    """It would be NULL, and a filter with it would find nothing where there is something."""
    with pytest.raises(LookupError, match="workspace"):
        await house.db.read(Actor.system(), lambda tx: tx.rows(EVERY_KIND))


async def test_what_is_refused_is_told_in_sqlalchemys_words_without_the_values(house: House) -> None:
    broken = text("SELECT nothing FROM tickets WHERE number = :secret").columns(tickets.c.number)

    with pytest.raises(DBAPIError) as refused:
        await house.db.read(Actor.system(), lambda tx: tx.rows(broken, secret="s3cret"))

    assert "s3cret" not in str(refused.value)


async def test_whoever_listens_to_the_engine_hears_of_them(house: House) -> None:
    heard: list[str] = []

    def hear(_: Connection, __: Any, sql: Any, *___: Any) -> None:
        heard.append(sql)

    event.listen(Engine, "before_cursor_execute", hear)
    event.listen(Engine, "after_cursor_execute", hear)
    try:
        await house.db.read(Actor.system(house.workspace.workspace_id), lambda tx: tx.rows(EVERY_KIND))
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
        event.remove(Engine, "after_cursor_execute", hear)

    assert len([sql for sql in heard if "FROM tickets" in sql]) == 2


async def test_rows_are_written_as_sqlalchemy_writes_them(house: House) -> None:
    """With the values that the schema gives where none comes."""
    kind = insert(contacts)

    def row(tx: Tx, email: str) -> dict[str, Any]:
        facts = {"workspace_id": tx.workspace_id, "email": email, "name": "Maria", "note": ""}
        return {**facts, "contact_id": clock.new_id(), "created_at": clock.now()}

    def write(tx: Tx) -> list[tuple[Any, ...]]:
        long, short, *both = [row(tx, f"{letter}@example.com") for letter in "abcd"]
        tx.execute(kind, long)
        assert tx.change(kind, **short) == 1
        tx.put(kind, both)
        tx.put(kind, [])
        asked = (contacts.c.name, contacts.c.name_typed, contacts.c.note, contacts.c.blocked_at)
        told = select(contacts.c.email, *asked).where(contacts.c.workspace_id == HERE)
        return [tuple(found) for found in tx.rows(told.order_by(contacts.c.email))]

    found = await house.db.write(Actor.system(house.workspace.workspace_id), write)

    assert found == [(f"{letter}@example.com", "Maria", False, "", None) for letter in "abcd"]


async def test_what_is_written_is_counted_and_given_back(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    renamed = (
        update(tickets)
        .where(tickets.c.workspace_id == HERE, tickets.c.ticket_id == bindparam("this"))
        .values(subject=bindparam("to"))
    )

    def write(tx: Tx) -> tuple[int, int, Any]:
        met = tx.change(renamed, this=ticket.ticket_id, to="Once")
        missed = tx.change(renamed, this=clock.new_id(), to="Never")
        given_back = renamed.returning(tickets.c.subject, tickets.c.created_at)
        return met, missed, tx.first(given_back, this=ticket.ticket_id, to="Twice")

    found = await house.db.write(Actor.system(house.workspace.workspace_id), write)

    assert found == (1, 0, ("Twice", ticket.created_at))


async def test_a_default_that_is_made_anew_each_time_goes_the_long_way(house: House) -> None:
    def write(tx: Tx) -> Any:
        here = {"workspace_id": clock.new_id(), "name": "Other", "slug": "a-third", "created_at": clock.now()}
        tx.change(insert(workspaces), **here)
        return tx.execute(select(workspaces.c.settings).where(workspaces.c.slug == "a-third")).scalar_one()

    assert await house.db.write(Actor.system(), write) == {}
