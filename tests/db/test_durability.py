"""A commit of PostgreSQL that was acknowledged is on its disk, whatever somebody has set on the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from parlour.db.database import Tx
from parlour.db.postgres import PostgresDatabase
from parlour.kernel.access import Actor
from tests.db.place import Place
from tests.shell import sentence

pytestmark = pytest.mark.postgresql


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.migrate()
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE IF EXISTS "{place.role}"'.encode())


def waits_for(tx: Tx) -> str:
    return str(tx.execute(text("SHOW synchronous_commit")).scalar())


@pytest.mark.parametrize("who", ["DATABASE {name}", 'ROLE "{role}"', 'ROLE "{role}" IN DATABASE {name}'])
@pytest.mark.parametrize(
    ("given", "kept"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
async def test_every_unit_waits_for_the_disk(place: Place, who: str, given: str, kept: str) -> None:
    """Which replicas it waits for besides is the operator's choice."""
    whose = who.format(name=place.name, role=place.role)
    with place.admin() as admin:
        admin.execute(f"ALTER {whose} SET synchronous_commit = {given}".encode())
    db = PostgresDatabase(place.shell.environment["PARLOUR_DATABASE_URL"].replace("postgres:", "postgresql:"))
    await db.open()
    try:
        assert await db.write(Actor.system(), waits_for) == kept
    finally:
        await db.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_keep_what_it_says_is_refused(place: Place, setting: str) -> None:
    with place.server.set_to(setting, "off"):
        said = sentence(place.shell.run("serve", "--port", "0"))

    assert f"runs with {setting} = off" in said
    assert f"ALTER SYSTEM SET {setting} = on" in said
