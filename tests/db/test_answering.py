"""What travels with a statement to PostgreSQL, and what comes of it when a connection breaks meanwhile."""

import asyncio
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Integer, bindparam, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.postgres import answering, links
from parlour.db.postgres.answering import Answering
from parlour.db.postgres.lately import Lately
from parlour.db.schema import outbox, tickets, users, workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import NotFound
from tests import postgres_server
from tests.house import House, behind_its_back

pytestmark = pytest.mark.postgresql

NOW = func.now().is_not(None)
"""What asks for the time is asked each time."""
HERE_ALONE = select(workspaces.c.slug).where(workspaces.c.workspace_id == HERE, NOW)
WHO = text("SELECT current_setting('parlour.kind'), current_setting('parlour.workspace')")
KIND = select(func.current_setting("parlour.kind")).where(NOW)
NO_JOB = insert(outbox)
BROKEN = text("SELECT 1 / 0").columns(tickets.c.number)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> ContextVar[list[object]]:
    """Each time that a thread waited for an answer in this context."""
    made: ContextVar[list[object]] = ContextVar("made")
    wait = Answering.wait

    def note(line: Answering, *args: Any, **kwargs: Any) -> Any:
        made.get([]).append(line)
        return wait(line, *args, **kwargs)

    monkeypatch.setattr(Answering, "wait", note)
    return made


def agent(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")


def process(tx: Tx) -> int:
    """That serves this connection."""
    return int(tx.rows(select(func.pg_backend_pid()))[0][0])


@pytest.mark.parametrize("asks", ["read", "scan", "write"])
async def test_one_after_the_other_units_share_the_connection_that_was_used_last(
    house: House, asks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its process knows lies in the caches of the processor, whichever thread asks."""
    if postgres_server.ENGINE != "postgresql":
        pytest.skip("A proxy has connections of its own.")

    monkeypatch.setattr(links, "GROWTH_SECONDS", 0)
    run = getattr(house.db, asks)
    together = await asyncio.gather(*(run(agent(house), process_after, 0.5) for _ in range(2)))
    alone = [await run(agent(house), process_after, 0) for _ in range(10)]

    assert len(set(together)) == 2
    assert len(set(alone)) == 1


async def test_a_busy_connection_is_waited_for_before_another_is_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one takes longer than most units: it plans all that it is asked."""
    monkeypatch.setattr(links, "WAIT_SECONDS", 60)
    await house.db.write(agent(house), process_after, 0)  # the first one is waited for by nobody
    together = [house.db.write(agent(house), process_after, 0.2) for _ in range(3)]

    assert len(set(await asyncio.gather(*together))) == 1


async def test_a_burst_makes_one_connection_after_the_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes the processor for its first plans; made all at once they hold up what they were made for."""
    monkeypatch.setattr(links, "GROWTH_SECONDS", 60)
    await house.db.write(agent(house), process_after, 0)
    together = [house.db.write(agent(house), process_after, 0.1) for _ in range(6)]

    assert len(set(await asyncio.gather(*together))) == 1


async def test_where_all_stay_busy_another_connection_is_made(house: House) -> None:
    """Whoever waits for a row holds up nobody else."""
    if postgres_server.ENGINE != "postgresql":
        pytest.skip("A proxy has connections of its own.")
    begun, others_are_done = threading.Event(), threading.Event()

    def hold(tx: Tx) -> int:
        answered = process(tx)
        begun.set()
        others_are_done.wait(60)
        return answered

    held = asyncio.create_task(house.db.write(agent(house), hold))
    assert await asyncio.to_thread(begun.wait, 30)

    others = [await house.db.write(agent(house), process_after, 0) for _ in range(2)]

    others_are_done.set()
    assert await held not in others


async def test_nor_are_the_first_connections_made_all_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "GROWTH_SECONDS", 60)
    together = [house.db.scan(agent(house), process_after, 0.1) for _ in range(6)]

    assert len(set(await asyncio.gather(*together))) == 1


async def test_a_unit_tries_one_broken_connection_and_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover all are broken, and whoever tried each in its turn would take seconds."""
    if postgres_server.ENGINE != "postgresql":
        pytest.skip("A proxy has connections of its own.")
    monkeypatch.setattr(links, "GROWTH_SECONDS", 0)
    runs = []

    def ask(tx: Tx) -> int:
        runs.append(tx)
        return process(tx)

    together = await asyncio.gather(*(house.db.write(agent(house), process_after, 0.5) for _ in range(4)))
    behind_its_back(
        house.app.parlour.settings,
        "SELECT count(pg_terminate_backend(pid)) FROM unnest(?::int[]) pid",
        together,
    )

    assert await house.db.write(agent(house), ask) not in together
    assert len(set(together)) > 2
    assert len(runs) <= 2


def process_after(tx: Tx, seconds: float) -> int:
    [(answered, _)] = tx.execute(select(func.pg_backend_pid(), func.pg_sleep(seconds)))
    return int(answered)


def two_names(tx: Tx) -> tuple[Any, ...]:
    return tx.first(HERE_ALONE), tx.as_system().first(HERE_ALONE), tx.first(HERE_ALONE)


async def test_a_read_waits_for_its_statements_and_for_nothing_else(
    house: House, trips: ContextVar[list[object]]
) -> None:
    """A proxy is told all of it for itself: BEGIN, two changes of the name, COMMIT."""
    counts = []
    for _ in range(12):  # more than there are threads: each connects once
        waited: list[object] = []
        trips.set(waited)
        await house.db.read(agent(house), two_names)
        counts.append(len(waited))

    assert min(counts) == (3 if postgres_server.ENGINE == "postgresql" else 7)


def slug(tx: Tx) -> tuple[Any, ...] | None:
    return tx.first(HERE_ALONE)


def kind(tx: Tx) -> tuple[Any, ...] | None:
    return tx.first(KIND)


@pytest.mark.parametrize("other_first", [False, True])
async def test_what_goes_ahead_costs_no_trip_and_is_found_in_the_name_that_asks(
    house: House, trips: ContextVar[list[object]], *, other_first: bool
) -> None:
    def ask(tx: Tx) -> list[Any]:
        tx.ahead(slug, kind)
        first = tx.as_system() if other_first else tx
        return [process(first), slug(tx), kind(tx), kind(tx.as_system()), kind(tx)]

    counts = []
    for _ in range(12):
        waited: list[object] = []
        trips.set(waited)
        _, *found = await house.db.read(agent(house), ask)
        counts.append(len(waited))
        assert found == [("acme",), ("agent",), ("system",), ("agent",)]

    if postgres_server.ENGINE == "postgresql":
        assert min(counts) == 3


NAMED = select(workspaces.c.name).where(workspaces.c.workspace_id == HERE)
SAME_NAME = select(workspaces.c.slug).where(
    workspaces.c.workspace_id == HERE, workspaces.c.name == bindparam("called")
)


def by_its_name(tx: Tx) -> tuple[Any, ...] | None:
    """Its second statement depends on what the first one finds."""
    name = tx.one(NAMED)[0]
    return (name, *tx.one(SAME_NAME, called=name))


def rename(tx: Tx, name: str) -> None:
    tx.run(update(workspaces).where(workspaces.c.workspace_id == HERE).values(name=name))


async def test_what_a_unit_asked_lately_goes_at_once_and_what_changed_is_asked_anew(
    house: House, trips: ContextVar[list[object]]
) -> None:
    counts: dict[str, list[int]] = {"as it was": [], "renamed": []}
    system = Actor.system(house.workspace.workspace_id)
    for number in range(24):
        name = f"Acme {number // 2}"
        await house.db.write(system, rename, name)
        waited: list[object] = []
        trips.set(waited)
        assert await house.db.read(agent(house), lambda tx: tx.same(by_its_name)) == (name, "acme")
        counts["as it was" if number % 2 else "renamed"].append(len(waited))

    if postgres_server.ENGINE == "postgresql":
        assert (min(counts["as it was"]), min(counts["renamed"])) == (1, 2)


async def test_what_follows_from_what_was_found_lately_goes_along_and_counts_if_it_is_found_again(
    house: House, trips: ContextVar[list[object]]
) -> None:
    """Each answer is got in the name that asks for it, whoever it was lately."""
    system = Actor.system(house.workspace.workspace_id)

    def whose(tx: Tx) -> Actor:
        return system if tx.one(NAMED)[0].startswith("System") else agent(house)

    def look(tx: Tx) -> list[Any]:
        def then(here: Tx, who: Actor) -> list[Any]:
            return [kind(here.acting_as(who)), kind(here), slug(here.acting_as(who))]

        return tx.led(whose, then, known_by="whose")

    counts: dict[str, list[int]] = {"as it was": [], "another": []}
    visitor = Actor.visitor(house.workspace.workspace_id)
    for number in range(32):
        name = f"{('System', 'Agent')[number // 4 % 2]} {number}"
        await house.db.write(system, rename, name)
        waited: list[object] = []
        trips.set(waited)
        who = "system" if name.startswith("System") else "agent"
        assert await house.db.read(visitor, look) == [(who,), ("visitor",), ("acme",)]
        counts["as it was" if number % 4 else "another"].append(len(waited))

    if postgres_server.ENGINE == "postgresql":
        assert min(counts["as it was"]) < min(counts["another"])


async def test_whoever_is_found_no_more_is_forgotten_and_who_never_was_is_not_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a stranger could fill the memory with what they invent, and have pages read for nobody."""
    noted: list[object] = []
    note = Lately.note_found

    def watch(lately: Lately, unit: Hashable, found: object) -> None:
        noted.append(found)
        note(lately, unit, found)

    async def visit(who: Actor | None, name: str) -> int:
        """How often the second half began, ahead or in its turn."""
        began = 0

        def whose(tx: Tx) -> Actor:
            slug(tx)
            if who is None:
                raise NotFound
            return who

        def then(tx: Tx, who: Actor) -> None:
            nonlocal began
            began += 1
            kind(tx.acting_as(who))

        with suppress(NotFound):
            await house.db.read(visitor, lambda tx: tx.led(whose, then, known_by=name))
        return began

    monkeypatch.setattr(Lately, "note_found", watch)
    visitor, ada = Actor.visitor(house.workspace.workspace_id), agent(house)
    assert [await visit(who, "of Ada") for who in (ada, ada, None, None, ada)] == [1, 2, 1, 0, 1]
    noted.clear()
    assert [await visit(None, f"invented {number}") for number in range(3)] == [0, 0, 0]
    assert noted == []


async def test_in_a_unit_that_writes_nothing_goes_ahead_of_what_is_written(house: House) -> None:
    def rename(tx: Tx) -> tuple[Any, ...] | None:
        tx.ahead(slug)
        mine = workspaces.c.workspace_id == HERE
        tx.run(update(workspaces).where(mine).values(slug="renamed"))
        return slug(tx)

    assert await house.db.write(Actor.system(house.workspace.workspace_id), rename) == ("renamed",)


async def test_what_went_ahead_is_not_found_by_the_next_unit(house: House) -> None:
    def foresee(tx: Tx) -> None:
        tx.ahead(slug)
        process(tx)

    def rename(tx: Tx, name: str) -> None:
        tx.run(update(workspaces).where(workspaces.c.workspace_id == HERE).values(slug=name))

    system = Actor.system(house.workspace.workspace_id)
    for number in range(6):
        await house.db.read(system, foresee)
        await house.db.write(system, rename, f"slug{number}")
        assert await house.db.read(system, slug) == (f"slug{number}",)


async def test_what_goes_another_way_is_said_in_the_same_name(house: House) -> None:
    def ask(tx: Tx) -> list[Any]:
        return [
            tuple(tx.connection.exec_driver_sql(str(WHO)).one()),
            tuple(tx.as_system().execute(WHO).one()),
            tx.first(HERE_ALONE),
            tuple(tx.execute(WHO).one()),
        ]

    here = str(house.workspace.workspace_id)
    for run in (house.db.read, house.db.scan, house.db.write):
        found = await run(agent(house), ask)
        assert found == [("agent", here), ("system", here), ("acme",), ("agent", here)]


async def test_a_unit_that_asks_nothing_ends_well_and_leaves_nothing_to_the_next(house: House) -> None:
    def nothing(_: Tx) -> None:
        pass

    def who(tx: Tx) -> tuple[Any, ...]:
        return tuple(tx.execute(WHO).one())

    for _ in range(8):
        await house.db.read(agent(house), nothing)
        await house.db.write(agent(house), nothing)
    assert {await house.db.read(Actor.visitor(), who) for _ in range(8)} == {("visitor", "")}


async def test_a_connection_that_broke_after_an_answer_is_replaced(house: House) -> None:
    """The end of a read is not waited for: that it went wrong is found by the next unit, which runs again."""

    before = {await house.db.read(agent(house), process) for _ in range(12)}
    with postgres_server.server().admin_connection() as admin:
        for one in before:
            admin.execute("SELECT pg_terminate_backend(%s, 1000)", [one])
    after = {await house.db.read(agent(house), process) for _ in range(12)}
    assert not before & after


async def test_what_is_refused_says_why_and_leaves_the_connection_of_use(house: House) -> None:
    def refuse(tx: Tx) -> None:
        tx.first(HERE_ALONE)
        tx.rows(BROKEN)

    async def processes() -> set[int]:
        return {await house.db.read(agent(house), process) for _ in range(12)}

    before = await processes()
    for _ in range(12):
        with pytest.raises(DBAPIError, match="division by zero"):
            await house.db.read(agent(house), refuse)
    assert await processes() & before


async def test_what_is_written_travels_with_what_comes_next(
    house: House, trips: ContextVar[list[object]]
) -> None:
    def store(tx: Tx) -> list[UUID]:
        return [tx.enqueue("work", {}, after=timedelta(days=1)) for _ in range(3)]

    counts, stored = [], []
    for _ in range(12):
        waited: list[object] = []
        trips.set(waited)
        stored += await house.as_system(store)
        counts.append(len(waited))

    if postgres_server.ENGINE == "postgresql":
        assert min(counts) == 1
    there = select(func.count()).select_from(outbox).where(dialect.one_of(outbox.c.job_id, "these"))
    assert await house.as_system(lambda tx: tx.one(there, these=stored)) == (len(stored),)


async def test_what_was_asked_with_what_comes_next_is_answered_after_the_commit(
    house: House, trips: ContextVar[list[object]]
) -> None:
    def ask(tx: Tx) -> tuple[Callable[[], str], Callable[[], str]]:
        tx.enqueue("work", {}, after=timedelta(days=1))
        slug = tx.asking(HERE_ALONE, lambda found: str(found.rows[0][0]))
        return slug, tx.as_system().asking(KIND, lambda found: str(found.rows[0][0]))

    counts = []
    for _ in range(12):
        waited: list[object] = []
        trips.set(waited)
        slug, kind = await house.db.write(agent(house), ask)
        counts.append(len(waited))
        assert (slug(), kind()) == ("acme", "system")

    assert min(counts) == 1


async def test_what_was_asked_and_undone_has_no_answer(house: House) -> None:
    asked: list[Callable[[], int]] = []

    def give_up(tx: Tx) -> None:
        asked.append(tx.asking(HERE_ALONE, lambda found: len(found.rows)))
        raise NotFound

    with pytest.raises(NotFound):
        await house.as_system(give_up)
    with pytest.raises(LookupError):
        asked[0]()


async def test_a_unit_that_says_all_in_one_message_runs_again_if_its_connection_was_gone_before(
    house: House,
) -> None:
    def store(tx: Tx) -> UUID:
        return tx.enqueue("work", {}, after=timedelta(days=1))

    lines = {await house.as_system(process) for _ in range(16)}
    with postgres_server.server().admin_connection() as admin:
        for line in lines:
            admin.execute("SELECT pg_terminate_backend(%s, 1000)", [line])
    stored = [await house.as_system(store) for _ in range(16)]

    there = select(func.count()).select_from(outbox).where(dialect.one_of(outbox.c.job_id, "these"))
    assert await house.as_system(lambda tx: tx.one(there, these=stored)) == (16,)


@pytest.mark.parametrize("asks_on", [True, False])
async def test_what_is_refused_when_it_is_written_later_undoes_all_and_leaves_the_connection_of_use(
    house: House, asks_on: bool
) -> None:
    stored: list[UUID] = []

    def spoil(tx: Tx) -> None:
        stored.append(tx.enqueue("work", {}, after=timedelta(days=1)))
        tx.put(NO_JOB, [{"job_id": clock.new_id(), "kind": None}])
        if asks_on:
            tx.first(HERE_ALONE)

    async def processes() -> set[int]:
        return {await house.as_system(process) for _ in range(16)}

    before = await processes()
    for _ in range(16):
        with pytest.raises((DBAPIError, psycopg.Error), match="row-level security"):
            await house.as_system(spoil)
    assert await processes() & before
    there = select(outbox.c.job_id).where(dialect.one_of(outbox.c.job_id, "these"))
    assert await house.as_system(lambda tx: tx.rows(there, these=stored)) == []


async def test_a_refusal_that_a_read_swallows_is_no_success(house: House) -> None:
    def swallow(tx: Tx) -> None:
        with pytest.raises(DBAPIError):
            tx.rows(BROKEN)

    with pytest.raises(RuntimeError, match="had failed"):
        await house.db.read(agent(house), swallow)


async def test_no_more_statements_stay_prepared_than_a_connection_may_keep(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PREPARED_LIMIT", 6)

    def many(tx: Tx) -> tuple[list[int], int]:
        found = [tx.rows(select(literal(each, Integer()).label(f"n{each}")))[0][0] for each in range(20)]
        kept = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'parlour%'"
        return found, tx.connection.exec_driver_sql(kept.replace("%", "%%")).scalar_one()

    for _ in range(12):
        found, kept = await house.db.read(agent(house), many)
        assert found == list(range(20))
        assert kept <= 6


async def test_a_text_that_postgresql_cannot_hold_finds_nothing(house: House) -> None:
    """Not what stands before the sign that it cannot hold."""
    named = select(users.c.user_id).where(users.c.email == text("CAST(:name AS text)"))

    def look(tx: Tx) -> list[tuple[Any, ...]]:
        return list(tx.rows(named, name="ada@example.com\0"))

    with pytest.raises(NotFound):
        await house.db.read(agent(house), look)
