"""`parlour move`: from one file to PostgreSQL, everything or nothing."""

import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from parlour.db.sqlite import SqliteDatabase
from tests.db.place import Place
from tests.shell import sentence

pytestmark = pytest.mark.postgresql

MANY = 60_000
"""Messages that take long enough to be interrupted in the middle."""


@pytest.fixture
def source(demonstration: Path, tmp_path: Path) -> Path:
    """The demo's workspace in a file."""
    return shutil.copytree(demonstration.parent, tmp_path / "old") / demonstration.name


def move(place: Place, file: Path, **other: str) -> subprocess.CompletedProcess[str]:
    urls = {"source": f"sqlite:///{file}", "target": place.owner_url, **other}
    return place.shell.run("move", "--from", urls["source"], "--to", urls["target"])


def rows_of(source: Path, table: str) -> int:
    with sqlite3.connect(source) as connection:
        counted: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    connection.close()
    return counted


def add_messages(source: Path) -> None:
    with sqlite3.connect(source) as connection:
        connection.execute(
            """WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < ?),
                last AS (SELECT * FROM messages ORDER BY room_id, seq DESC LIMIT 1)
            INSERT INTO messages (workspace_id, room_id, seq, message_id, content, sender_type, sender_id,
                sender_name, created_at)
            SELECT workspace_id, room_id, seq + n, lower(hex(randomblob(16))), content, sender_type,
                sender_id, sender_name, created_at FROM last, more""",
            (MANY,),
        )
    connection.close()


def test_everything_arrives_and_a_server_works_on_it(place: Place, source: Path) -> None:
    moved = move(place, source)
    place.migrate()
    signed = place.shell.run("workspace", "create", "second", "--name", "Second")

    assert moved.returncode == 0, moved.stderr
    assert signed.returncode == 0, signed.stderr
    told = {
        name: int(count.replace(",", ""))
        for name, count in re.findall(r"^(\w+) +([\d,]+)$", moved.stdout, re.MULTILINE)
    }
    tables = ("tickets", "messages", "chat_rooms", "users", "audit_log", "saved_views", "ticket_search")
    assert {name: told[name] for name in tables} == {name: rows_of(source, name) for name in tables}
    with place.admin() as admin:
        assert admin.execute("SELECT count(*) FROM messages").fetchall() == [(told["messages"],)]
        [(last, following)] = admin.execute(
            "SELECT max(position), nextval(pg_get_serial_sequence('ticket_search', 'position')) "
            "FROM ticket_search"
        ).fetchall()
        assert following == last + 1  # type: ignore[operator]
        counted = "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND reltuples > 0"
        assert {name for (name,) in admin.execute(counted, [list(tables)])} == set(tables)


def test_what_only_a_file_could_hold_does_not_keep_the_rest_back(place: Place, source: Path) -> None:
    """Names could hold a NUL before they were cleaned, and PostgreSQL stores none."""
    with sqlite3.connect(source) as connection:
        connection.execute("UPDATE workspaces SET name = 'Ac' || char(0) || 'me'")
    connection.close()
    moved = move(place, source)

    assert moved.returncode == 0, moved.stderr
    with place.admin() as admin:
        assert admin.execute("SELECT name FROM workspaces").fetchall() == [("Acme",)]


def test_a_target_that_holds_anything_is_left_alone(place: Place, source: Path) -> None:
    place.migrate()
    place.shell.run("workspace", "create", "mine", "--name", "Mine")
    refused = move(place, source)

    assert sentence(refused) == "The target is not empty: there are rows in workspaces."
    with place.admin() as admin:
        assert admin.execute("SELECT slug FROM workspaces").fetchall() == [("mine",)]


def test_killed_in_the_middle_it_leaves_nothing_and_starts_over(place: Place, source: Path) -> None:
    add_messages(source)
    moving = place.shell.start("move", "--from", f"sqlite:///{source}", "--to", place.owner_url)
    with place.admin() as admin:
        until = time.monotonic() + 30
        while not admin.execute("SELECT 1 FROM pg_stat_progress_copy").fetchone():
            assert time.monotonic() < until
            assert moving.poll() is None
            time.sleep(0.005)
    moving.kill()
    moving.communicate()
    with place.admin() as admin:
        tables = admin.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall()
    again = move(place, source)

    assert tables == [(0,)]
    assert again.returncode == 0, again.stderr
    assert f"{rows_of(source, 'messages'):,}" in again.stdout


def test_what_postgresql_cannot_hold_is_named_and_nothing_is_kept(place: Place, source: Path) -> None:
    with sqlite3.connect(source) as connection:
        connection.execute("UPDATE tickets SET mailed_seq = 9999999999")
    connection.close()
    refused = move(place, source)

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("tickets could not be copied; nothing was kept: ")
    with place.admin() as admin:
        assert admin.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
            (0,)
        ]


def test_a_source_older_than_any_on_postgresql_is_refused(place: Place, source: Path) -> None:
    with sqlite3.connect(source) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()

    assert "bring it to the newest on SQLite first" in sentence(move(place, source))


async def test_while_a_server_runs_on_it_nothing_is_moved(place: Place, source: Path) -> None:
    server = SqliteDatabase(source)
    await server.open()
    refused = move(place, source)
    await server.close()

    assert "Another Parlour is already running" in sentence(refused)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"source": "postgresql://a@b/c"}, "--from must begin with sqlite:///"),
        ({"source": "sqlite:////nowhere/parlour.db"}, "There is no database at /nowhere/parlour.db."),
        ({"target": "sqlite:///other.db"}, "--to must begin with postgresql://"),
        ({"target": "postgresql://a:secret@127.0.0.1:1/x"}, "cannot be reached"),
    ],
)
def test_wrong_addresses_get_a_sentence(
    place: Place, source: Path, changed: dict[str, str], said: str
) -> None:
    answer = sentence(move(place, source, **changed))

    assert said in answer
    assert "secret" not in answer
