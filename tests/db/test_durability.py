"""A commit of PostgreSQL that was acknowledged is on its disk, whatever somebody has set on the server."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from parlour.db.database import DatabaseUnusable, Tx
from parlour.db.postgres import PostgresDatabase
from parlour.kernel.access import Actor
from tests.db.place import Place
from tests.shell import sentence

pytestmark = pytest.mark.postgresql

STANDBYS = "synchronous_standby_names"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.migrate()
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE IF EXISTS "{place.role}"'.encode())


def database(place: Place) -> PostgresDatabase:
    url = place.shell.environment["PARLOUR_DATABASE_URL"]
    return PostgresDatabase(url.replace("postgres:", "postgresql:"))


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
    db = database(place)
    await db.open()
    try:
        assert await db.write(Actor.system(), waits_for) == kept
    finally:
        await db.close()


def test_a_server_that_does_not_keep_what_it_says_is_refused(place: Place) -> None:
    with place.server.set_to("fsync", "off"):
        said = sentence(place.shell.run("serve", "--port", "0"))

    assert "runs with fsync = off" in said
    assert "ALTER SYSTEM SET fsync = on" in said


@pytest.mark.parametrize(
    "settings",
    [
        {"fsync": "off", STANDBYS: "elsewhere"},
        {"full_page_writes": "off"},
    ],
    ids=["a standby keeps it", "the storage writes whole pages"],
)
async def test_what_a_provider_keeps_by_other_means_is_said_and_not_refused(
    place: Place, settings: dict[str, str]
) -> None:
    [off] = [name for name, value in settings.items() if value == "off"]
    with ExitStack() as stack, capture_logs() as logged:
        for name, value in settings.items():
            stack.enter_context(place.server.set_to(name, value))
        await database(place).prepare()

    assert [entry["setting"] for entry in logged if entry["event"] == "database.may.forget"] == [
        f"{off} = off"
    ]


async def test_a_standby_that_no_commit_waits_for_keeps_nothing(place: Place) -> None:
    with place.admin() as admin:
        admin.execute(f'ALTER ROLE "{place.role}" SET synchronous_commit = local'.encode())
    off, standby = place.server.set_to("fsync", "off"), place.server.set_to(STANDBYS, "elsewhere")
    with off, standby, pytest.raises(DatabaseUnusable, match="fsync = off"):
        await database(place).prepare()
