"""A schema is there as a whole or not at all, is the one that the program means, and is never a newer one."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from parlour.db import schema
from parlour.db.database import DatabaseUnusable
from parlour.db.migrate import SCRIPTS, SchemaTooNew
from parlour.db.sqlite import SqliteDatabase
from parlour.db.sqlite.file import make_engine
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Priority
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.live import environment_for

DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from parlour.db.sqlite import SqliteDatabase

left = int(sys.argv[2])

@event.listens_for(Engine, "after_cursor_execute")
def die(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(SqliteDatabase(Path(sys.argv[1])).migrate())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parlour.db"


def objects(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as file:
        return {row[0] for row in file.execute("SELECT name FROM sqlite_master")}


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute(statement)
        file.commit()


def not_of_the_search(name: str | None, *_: object) -> bool:
    """SQLite's full-text index is a virtual table with tables of its own; SQLAlchemy has no word for it."""
    return not (name or "").startswith("ticket_search")


def first_release(path: Path) -> None:
    """The schema as it was before the desk."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with make_engine(path, writer=True).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()


def details(connection: Connection) -> dict[str, object]:
    """What the comparison of Alembic does not look at, or misreads: checks, defaults, all of an index."""
    found: dict[str, object] = {}
    for table in schema.metadata.tables:
        checks = inspect(connection).get_check_constraints(table)
        defaults = [(column["name"], column["default"]) for column in inspect(connection).get_columns(table)]
        found[table] = sorted((str(check["name"]), check["sqltext"]) for check in checks), sorted(defaults)
    indexes = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOTNULL"
    )
    return {**found, **{name: " ".join(sql.split()) for name, sql in indexes}}


# Alembic cannot compare an index on an expression; `details` compares its SQL.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_migrations_from_nothing_make_the_schema_that_the_program_means(path: Path) -> None:
    await SqliteDatabase(path).migrate()

    with make_engine(path, writer=False).connect() as migrated:
        context = MigrationContext.configure(migrated, opts={"include_name": not_of_the_search})
        assert compare_metadata(context, schema.metadata) == []
        with make_engine(path.with_name("meant.db"), writer=True).connect() as meant:
            schema.metadata.create_all(meant)
            assert details(migrated) == details(meant)


async def test_migrating_twice_changes_nothing(path: Path) -> None:
    await SqliteDatabase(path).migrate()
    before = objects(path)
    await SqliteDatabase(path).migrate()

    assert objects(path) == before


@pytest.mark.parametrize("statements", [6, 18, 40, 62])
async def test_a_migration_that_is_killed_leaves_nothing_half(path: Path, statements: int) -> None:
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", DYING, str(path), str(statements)],
        env=environment_for(path.parent),
        capture_output=True,
        timeout=60,
        check=False,
    )
    left = objects(path)
    await SqliteDatabase(path).migrate()

    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert left == set()
    assert set(schema.metadata.tables) < objects(path)


WORKSPACE = """
INSERT INTO workspaces (workspace_id, slug, name, last_ticket_number, settings, created_at)
VALUES ('{workspace}', 'acme', 'Acme', 3, '{{}}', '{day}1{time}');
"""
TICKET = """
INSERT INTO tickets (ticket_id, workspace_id, number, subject, description, status, priority, email,
                     chat_room_id, client_id, version, created_at, updated_at, last_message_at, mailed_seq)
VALUES ('{ticket}', '{workspace}', {number}, 'Tent', 'Torn', 'open', 'urgent', 'm@example.com',
        '{room}', '{ticket}', 1, '{day}1{time}', '{day}1{time}', '{day}1{time}', 0);
INSERT INTO chat_rooms (workspace_id, room_id, ticket_id, audience, status, last_seq, created_at)
VALUES ('{workspace}', '{room}', '{ticket}', 'public', 'open', 9, '{day}1{time}');
"""
MESSAGE = """
INSERT INTO messages (workspace_id, room_id, seq, message_id, content, sender_type, sender_id, sender_name,
                      client_id, created_at)
VALUES ('{workspace}', '{room}', {seq}, '{message}', '{sender} said {seq}', '{sender}', '{sender}', '',
        '{message}', '{day}{seq}{time}');
"""
CONVERSATIONS = {
    1: ["customer"],
    2: ["customer", "agent", "customer", "customer"],
    3: ["customer", "agent", "system"],
}
"""Of each ticket, who spoke on the first, second … of May."""


def conversations(workspace: UUID, ids: dict[int, UUID]) -> str:
    """SQL that tells them to a database of the first release."""
    moment = {"workspace": workspace.hex, "day": "2026-05-0", "time": "T00:00:00.000000Z"}
    script = [WORKSPACE.format(**moment)]
    for number, senders in CONVERSATIONS.items():
        room = clock.new_id().hex
        script.append(TICKET.format(**moment, room=room, ticket=ids[number].hex, number=number))
        for seq, sender in enumerate(senders, 1):
            message = clock.new_id().hex
            script.append(MESSAGE.format(**moment, room=room, seq=seq, sender=sender, message=message))
    return "".join(script)


async def test_what_happened_before_the_desk_is_known_to_it(path: Path) -> None:
    """Who waits and since when, who was answered, what is urgent, what was said."""
    workspace, ids = clock.new_id(), {number: clock.new_id() for number in CONVERSATIONS}
    first_release(path)
    with closing(sqlite3.connect(path)) as file:
        file.executescript(conversations(workspace, ids))
    db, here = SqliteDatabase(path), Actor.system(workspace)
    await db.migrate()
    await db.open()
    urgent = await db.read(here, listing.workspace_tickets, Filters(priority=Priority.URGENT))
    found = await db.read(here, listing.workspace_tickets, Filters(q="agent said"))
    made = [await db.read(here, tickets.ticket, ticket_id) for ticket_id in ids.values()]
    await db.close()
    first, second, third = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 3))

    assert {row.number for row in urgent.rows} == {1, 2, 3}
    assert {row.number for row in found.rows} == {2, 3}
    assert [ticket.waiting_since for ticket in made] == [first, third, None]
    assert [ticket.first_answer_at for ticket in made] == [None, second, second]


async def test_a_database_that_is_not_what_its_revision_says_is_left_alone(path: Path) -> None:
    """As one that a version between two releases made, whose migrations were others by the same numbers."""
    first_release(path)
    execute(path, "ALTER TABLE users DROP COLUMN name")
    before = objects(path)

    with pytest.raises(DatabaseUnusable, match=r"\(0001\), this database would lack users\.name"):
        await SqliteDatabase(path).migrate()

    assert objects(path) == before
    execute(path, "CREATE TABLE proof (that_nobody_holds_the_file INTEGER)")


@pytest.mark.parametrize("known", ["UPDATE schema_floor SET revision = '9998'", "DROP TABLE schema_floor"])
async def test_a_database_that_a_newer_program_made_unfit_is_left_alone(path: Path, known: str) -> None:
    await SqliteDatabase(path).migrate()
    execute(path, "UPDATE alembic_version SET version_num = '9999_from_the_future'")
    execute(path, known)
    before = objects(path)

    with pytest.raises(SchemaTooNew, match="9999_from_the_future"):
        await SqliteDatabase(path).migrate()

    assert objects(path) == before
    execute(path, "CREATE TABLE proof (that_nobody_holds_the_file INTEGER)")
