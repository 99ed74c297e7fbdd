"""After an upgrade the release before still starts on the new schema, and works there.

The release before is real: an earlier commit of this repository, run from its own source.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.people import Agent, Customer, Records
from tests.live import Live
from tests.postgres_server import ON_POSTGRESQL, server
from tests.releases import source_of
from tests.shell import Shell, sentence

RELEASE_BEFORE = "1ca0364dcf23f01621f0d35e956b5f99e2f87c2f"
"""The newest commit whose last migration is not this one's."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source_of(RELEASE_BEFORE, tmp_path_factory)


@pytest.fixture
def older(source: Path, tmp_path: Path) -> Iterator[Live]:
    """Its server, on a database that today's migrations made and today's commands filled."""
    with Live(tmp_path, PYTHONPATH=str(source)) as live:
        yield live


async def test_it_starts_opens_a_ticket_and_answers_it(older: Live) -> None:
    async with Customer(older, "maria") as maria, Agent(older, "ada") as ada:
        ready = await maria.get("/readyz")
        ticket_id = await maria.open_ticket()
        await ada.sign_in()
        pages = [
            await ada.visit(f"/workspace/{older.workspace_id}/tickets"),
            await ada.visit(ada.ticket_at(ticket_id)),
        ]
        await ada.say(ticket_id, "It comes tomorrow.")
        seen = await maria.visit(f"/support/acme/ticket/{ticket_id}")
        await maria.say(ticket_id, "Thank you.")

    assert "a newer Parlour has migrated the database" in ready.text
    assert all("The parcel is late" in page for page in pages)
    assert "It comes tomorrow." in seen
    assert Records(older.settings).contents(ticket_id)[-2:] == ["It comes tomorrow.", "Thank you."]


def test_its_commands_work_and_leave_the_schema_alone(older: Live) -> None:
    """Beside the server, and `migrate` alone, as a unit file may run it before each start."""
    older.command("workspace", "create", "second", "--name", "Second")
    older.stop()
    before = described(older)
    migrated = older.command("migrate", *as_owner(older))
    after = described(older)
    older.start()

    assert "has changed nothing" in migrated
    assert after == before


def test_a_schema_that_it_no_longer_fits_is_refused_with_a_sentence(older: Live) -> None:
    older.stop()
    Records(older.settings).rows("UPDATE schema_floor SET revision = '9999'")
    shell = Shell(older.data)
    shell.environment = older.environment

    for command in (["serve", "--port", "0"], ["worker"], ["migrate", *as_owner(older)]):
        assert "this one is too old for it" in sentence(shell.run(*command))


def as_owner(live: Live) -> list[str]:
    if not ON_POSTGRESQL:
        return []
    return ["--owner-url", server().owner_url(live.settings.database_url.rsplit("/", 1)[1])]


def described(live: Live) -> list[tuple[object, ...]]:
    """Tables, indexes and policies, who may do what, and the revision."""
    records = Records(live.settings)
    revision = records.rows("SELECT version_num, revision FROM alembic_version, schema_floor")
    if not ON_POSTGRESQL:
        return revision + records.rows("SELECT name, sql FROM sqlite_master ORDER BY name")
    tables = "SELECT oid, relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    policies = "SELECT oid, polname FROM pg_policy ORDER BY 1"
    return [*revision, *sorted(records.rows(tables), key=str), *records.rows(policies)]
