"""`parlour …` on PostgreSQL: roles, migrations, and one sentence for whatever is not as it should be."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.db.place import Place
from tests.ports import free_port
from tests.postgres_server import OWNER, PASSWORD
from tests.shell import sentence

pytestmark = pytest.mark.postgresql

GUIDE = Path(__file__).parents[2] / "docs/postgresql.md"


@pytest.fixture
def owned(place: Place) -> Iterator[Place]:
    """With the roles and the database of the guide. The owner is called like the database."""
    [owner, app] = re.findall(
        r"CREATE ROLE parlour_(?:owner|app) (.*) PASSWORD", GUIDE.read_text(encoding="utf-8")
    )
    with place.admin() as admin:
        admin.execute(f'CREATE ROLE "{place.name}" {owner}'.encode())
        admin.execute(f'CREATE ROLE "{place.role}" {app}'.encode())
        admin.execute(f'ALTER DATABASE {place.name} OWNER TO "{place.name}"'.encode())
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE "{place.name}"'.encode())


def test_the_owner_makes_the_tables_and_the_servers_role_which_then_works(place: Place) -> None:
    said = place.migrate()
    made = place.shell.run("workspace", "create", "acme", "--name", "Acme")

    assert said == "The database has the newest schema.\n"
    assert made.returncode == 0, made.stderr
    assert str(UUID(made.stdout.splitlines()[-1])) in made.stdout


def test_an_agent_is_made_and_let_in(place: Place) -> None:
    place.migrate()
    place.shell.run("workspace", "create", "acme", "--name", "Acme")
    options = ("--workspace", "acme", "--role", "owner", "--password-stdin")
    made = place.shell.run("agent", "create", "ada@acme.example", *options, typed="correct horse battery\n")

    assert made.returncode == 0, made.stderr
    with place.admin() as admin:
        assert admin.execute("SELECT role FROM members").fetchall() == [("owner",)]


@pytest.mark.parametrize("command", [("workspace", "create", "a b", "--name", "A"), ("jobs", "retry", "x")])
def test_bad_input_is_refused_as_everywhere(place: Place, command: tuple[str, ...]) -> None:
    place.migrate()
    refused = place.shell.run(*command)

    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_migrating_again_changes_nothing_and_two_at_once_wait_for_each_other(place: Place) -> None:
    with ThreadPoolExecutor() as at_once:
        said = list(at_once.map(lambda _: place.migrate(), range(2)))

    assert said == ["The database has the newest schema.\n"] * 2


COMMANDS = [("serve", "--port", "0"), ("worker",), ("workspace", "create", "acme", "--name", "Acme")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_without_tables_is_refused_with_the_command_to_run(
    place: Place, command: tuple[str, ...]
) -> None:
    with place.admin() as admin:
        admin.execute(f'CREATE ROLE "{place.role}" LOGIN'.encode())
    said = sentence(place.shell.run(*command))

    assert "has no tables yet" in said
    assert "parlour migrate --owner-url" in said


@pytest.mark.parametrize(
    ("version", "floor", "words"),
    [("0001", "0001", "parlour migrate --owner-url"), ("9999", "9998", "A newer Parlour")],
)
def test_another_schema_is_refused(place: Place, version: str, floor: str, words: str) -> None:
    place.migrate()
    with place.admin() as admin:
        admin.execute("UPDATE alembic_version SET version_num = %s", [version])
        admin.execute("UPDATE schema_floor SET revision = %s", [floor])

    assert words in sentence(place.shell.run("serve", "--port", "0"))


@pytest.mark.parametrize("role", [OWNER, "postgres"])
def test_a_role_that_policies_do_not_bind_is_refused(place: Place, role: str) -> None:
    place.migrate()
    said = sentence(place.shell.run("serve", "--port", "0", PARLOUR_DATABASE_URL=place.url(role)))

    assert "nothing would keep workspaces apart" in said


def test_a_database_that_does_not_answer_is_named_without_its_password(place: Place) -> None:
    url = f"postgresql://parlour:{PASSWORD}@127.0.0.1:{free_port()}/parlour"
    said = sentence(place.shell.run("workspace", "list", PARLOUR_DATABASE_URL=url))

    assert "cannot be reached: connection failed" in said
    assert said.rstrip().endswith("Connection refused.")
    assert PASSWORD not in said


def test_an_owner_who_may_not_make_roles_hears_what_an_administrator_has_to_do(place: Place) -> None:
    with place.admin() as admin:
        admin.execute(f"ALTER DATABASE {place.name} OWNER TO {OWNER}".encode())
        admin.execute(f"ALTER ROLE {OWNER} NOCREATEROLE".encode())
    try:
        said = sentence(place.shell.run("migrate", "--owner-url", place.owner_url))
    finally:
        with place.admin() as admin:
            admin.execute(f"ALTER ROLE {OWNER} CREATEROLE".encode())

    assert f'CREATE ROLE "{place.role}" LOGIN NOSUPERUSER NOBYPASSRLS' in said
    assert "p#ss" not in said


MIGHTY = [
    ("CREATEROLE", "NOCREATEROLE", "CREATEROLE"),
    ("CREATEDB", "NOCREATEDB", "CREATEDB"),
    ("REPLICATION", "NOREPLICATION", "REPLICATION"),
]


@pytest.mark.parametrize(("given", "taken", "named"), MIGHTY, ids=str)
def test_an_owner_who_may_more_than_it_needs_is_told(
    owned: Place, given: str, taken: str, named: str
) -> None:
    with owned.admin() as admin:
        admin.execute(f'ALTER ROLE "{owned.name}" {given}'.encode())
    told = owned.shell.run("migrate", "--owner-url", owned.url(owned.name))
    with owned.admin() as admin:
        admin.execute(f'ALTER ROLE "{owned.name}" {taken}'.encode())
    quiet = owned.shell.run("migrate", "--owner-url", owned.url(owned.name))

    assert (told.returncode, quiet.returncode, quiet.stderr) == (0, 0, "")
    assert f"has={named}" in told.stderr
    assert "take over the database's machine" in told.stderr


def test_with_the_roles_of_the_guide_the_owner_cannot_reach_the_machine(owned: Place) -> None:
    """On PostgreSQL 15 a role with CREATEROLE could give itself this one."""
    made = owned.shell.run("migrate", "--owner-url", owned.url(owned.name))

    assert (made.returncode, made.stderr) == (0, "")
    with psycopg.connect(owned.url(owned.name), autocommit=True) as owner:
        for statement in (
            f'GRANT pg_execute_server_program TO "{owned.name}"',
            "COPY workspaces FROM PROGRAM 'true'",
            "CREATE ROLE another",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement.encode())


def test_what_the_servers_role_may_not_do_it_may_not_do_by_hand(place: Place) -> None:
    place.migrate()
    with (
        psycopg.connect(place.url(place.role.replace(" ", "%20")), autocommit=True) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("DELETE FROM audit_log")
    with psycopg.connect(place.url(place.role.replace(" ", "%20")), autocommit=True) as app:
        assert app.execute("SELECT count(*) FROM workspaces").fetchone() == (0,)
