"""What a search, the making of its index, and a backup hold in memory: by characters, not only by rows."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.db import finding, search
from parlour.db.backup import archive, read, rows
from parlour.db.backup.rows import encode
from parlour.db.database import Tx
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Status, Whose
from parlour.files.blocking import BlockingStore
from parlour.kernel.access import Actor, Role
from tests import postgres_server
from tests.crowd import Crowd
from tests.house import House, behind_its_back, open_house

PLACES, LENGTH = 400, 15_000
LONG = {"sqlite": "replace(hex(zeroblob(2500)), '00', 'lorem ')", "postgresql": "repeat('lorem ', 2500)"}
OF_NOBODY = Filters(q="parcel", assignee=Whose.NOBODY, status=Status.NEW)
"""Every place is looked at: no ticket of the crowd is new and nobody's."""


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        house.leave_chores()
        settings = house.app.parlour.settings
        said = f"rtrim('parcel ' || {LONG['postgresql' if settings.is_postgresql else 'sqlite']})"
        Crowd(settings, house.workspace.workspace_id, house.ada, house.ada, said).grow(1, PLACES)
        yield house


def quietly(*_: object) -> None: ...


def agent(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")


def parts(tx: Tx, typed: str) -> list[int]:
    return [len(part.matches) for part in finding.newest(tx, typed, before=None)]


async def test_a_search_among_long_texts_keeps_hardly_any_of_them(full: House) -> None:
    db, ada = full.db, agent(full)
    await db.scan(ada, listing.workspace_tickets, Filters(q="once to warm up"))
    tracemalloc.start()
    try:
        none = await db.scan(ada, listing.workspace_tickets, OF_NOBODY)
        some = await db.scan(ada, listing.workspace_tickets, Filters(q="parcel"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not none.rows
    assert {excerpt[:20] for excerpt in some.excerpts} == {"\x02parcel\x03 lorem lorem"}
    assert peak < 1_500_000


@pytest.mark.sqlite
async def test_what_is_compared_one_by_one_ends_with_so_many_characters(
    full: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "TERMS", 0)  # as if too many began so
    looked = (await full.db.scan(agent(full), parts, "parcel"))[:2]

    assert max(looked) <= finding.LOOK_CHARACTERS // LENGTH + 1


async def test_a_step_of_the_index_takes_in_so_many_characters(full: House) -> None:
    behind_its_back(full.app.parlour.settings, "UPDATE search_progress SET low = 0, high = 0")
    system = Actor.system()
    tracemalloc.start()
    try:
        step = await full.db.write(system, search.take_in)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 1 < step <= search.STEP_BYTES // LENGTH + 1
    assert peak < 1_500_000


async def test_a_backup_holds_a_row_at_a_time(full: House, tmp_path: Path) -> None:
    settings, file = full.app.parlour.settings, tmp_path / "file"
    if settings.is_postgresql:
        owner = postgres_server.server().owner_url(settings.database_url.rsplit("/", 1)[1])
        source = read.of_postgresql(owner)
    else:
        source = read.of_sqlite(settings.sqlite_path)
    with source as snapshot, BlockingStore(str(tmp_path / "files")) as files:
        tracemalloc.start()
        try:
            archive.write(file, snapshot, files, quietly)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    with archive.Archive(file) as written:
        assert written.total(read.SEARCH) == PLACES
    assert peak < 2_000_000


def test_a_restore_stores_so_many_characters_at_once() -> None:
    lines = [encode(["lorem" * LENGTH])] * 40
    batches = [len(batch) for batch in rows.batches(iter(lines))]

    assert sum(batches) == 40
    assert max(batches) == rows.STEP_BYTES // len(lines[0]) + 1
    assert [len(batch) for batch in rows.batches(iter([b"[1]"] * (rows.STEP + 1)))] == [rows.STEP, 1]
