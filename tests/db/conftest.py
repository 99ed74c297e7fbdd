import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from parlour import demo
from parlour.db.sqlite import SqliteDatabase
from tests.db.place import Place


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds the demo's workspace: made once, to be copied."""
    path = tmp_path_factory.mktemp("demonstration") / "parlour.db"

    async def make() -> None:
        db = SqliteDatabase(path)
        await db.open()
        await db.migrate()
        await demo.fill(db)
        await db.close()

    asyncio.run(make())
    return path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE IF EXISTS "{place.role}"'.encode())
