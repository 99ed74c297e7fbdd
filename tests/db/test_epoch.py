"""The epoch of a database: it stays while history goes on, and is new when history goes back."""

from pathlib import Path
from typing import Any

import pytest

from parlour.db import epoch
from parlour.db.sqlite import SqliteDatabase
from parlour.features.workspaces import store as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import House, open_database


async def of(house: House) -> str:
    return await house.db.read(Actor.visitor(), epoch.current)


async def test_it_stays_whatever_is_written_and_through_a_restart(tmp_path: Path) -> None:
    async with open_database(tmp_path) as database:
        before = await database.read(Actor.visitor(), epoch.current)
        acme: dict[str, Any] = {"workspace_id": clock.new_id(), "slug": "acme", "name": "Acme"}
        await database.write(Actor.system(), lambda tx: workspaces.insert_workspace(tx, **acme))
        assert await database.read(Actor.visitor(), epoch.current) == before != ""
    async with open_database(tmp_path) as database:
        assert await database.read(Actor.visitor(), epoch.current) == before


@pytest.mark.sqlite
async def test_each_file_has_its_own(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "other"):
        database = SqliteDatabase(tmp_path / name / "parlour.db")
        await database.open()
        await database.migrate()
        found.add(await database.read(Actor.visitor(), epoch.current))
        await database.close()

    assert len(found) == 2


@pytest.mark.postgresql
async def test_each_database_of_a_server_has_its_own(tmp_path: Path) -> None:
    """Also when one was made as a copy of the other."""
    async with open_database(tmp_path / "one") as one, open_database(tmp_path / "other") as other:
        found = [await each.read(Actor.visitor(), epoch.current) for each in (one, other)]

    assert len(set(found)) == 2


async def test_a_renewed_one_was_never_there_before(house: House) -> None:
    seen = {await of(house)}
    for _ in range(3):
        await house.db.write(Actor.system(), epoch.renew)
        seen.add(await of(house))

    assert len(seen) == 4
