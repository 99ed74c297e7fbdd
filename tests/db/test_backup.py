"""`parlour backup` and `restore`: everything, in one file, between any two databases."""

import json
import re
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from parlour.db import migrate, schema
from parlour.db.backup import archive, load, read
from parlour.db.backup.rows import STEP, BackupUnusable, Kind, Tally, counted
from parlour.db.database import DatabaseUnusable
from parlour.db.sqlite import SqliteDatabase
from parlour.db.sqlite.file import make_engine
from parlour.files.blocking import BlockingStore
from tests.db.place import Place
from tests.postgres_server import Bouncer, given_to_the_server
from tests.shell import Shell, sentence

Rows = dict[str, list[bytes]]


@pytest.fixture
def shell(demonstration: Path, tmp_path: Path) -> Shell:
    """Commands on a data folder that holds the demo's workspace."""
    shell = Shell(tmp_path / "old")
    shutil.copytree(demonstration.parent, shell.folder)
    shell.environment.pop("PARLOUR_DATABASE_URL", None)
    return shell


@pytest.fixture
def other(tmp_path: Path) -> Shell:
    """Commands on a data folder that holds nothing."""
    other = Shell(tmp_path / "new")
    other.environment.pop("PARLOUR_DATABASE_URL", None)
    return other


def of_file(shell: Shell) -> Rows:
    """Every row, as a line says it, in an order of its own."""
    with read.of_sqlite(shell.folder / "parlour.db") as snapshot:
        return {shape.name: sorted(snapshot.lines(shape)) for shape in snapshot.contents.shapes}


def of_server(url: str) -> Rows:
    with read.of_postgresql(url) as snapshot:
        return {shape.name: sorted(snapshot.lines(shape)) for shape in snapshot.contents.shapes}


def execute(shell: Shell, *statements: str) -> None:
    with closing(sqlite3.connect(shell.folder / "parlour.db")) as file, file:
        for statement in statements:
            file.execute(statement)


def backup(shell: Shell, file: Path, *options: str) -> Path:
    made = shell.run("backup", str(file), *options)
    assert made.returncode == 0, made.stderr
    return file


# ------------------------------------------------------------------------------- from file to file


@pytest.mark.sqlite
def test_everything_is_back_and_a_server_works_on_it(shell: Shell, other: Shell, tmp_path: Path) -> None:
    file = backup(shell, tmp_path / "of today")
    restored = other.run("restore", str(file))
    second = other.run("workspace", "create", "second", "--name", "Second")

    assert restored.returncode == 0, restored.stderr
    assert second.returncode == 0, second.stderr
    before, after = of_file(shell), of_file(other)
    assert len(before["messages"]) > 100
    assert {name: rows for name, rows in after.items() if name != "workspaces"} == {
        name: rows for name, rows in before.items() if name != "workspaces"
    }
    assert set(before["workspaces"]) < set(after["workspaces"])


@pytest.mark.sqlite
async def test_what_was_written_is_found_again(shell: Shell, other: Shell, tmp_path: Path) -> None:
    other.run("restore", str(backup(shell, tmp_path / "file")))
    found = "SELECT rowid FROM ticket_search WHERE ticket_search MATCH 'refund' ORDER BY rowid"

    assert other.rows(found) == shell.rows(found) != []
    terms = found.replace("ticket_search", "ticket_search_terms")
    assert other.rows(terms) == shell.rows(terms) == shell.rows(found)
    for index in ("ticket_search", "ticket_search_terms"):
        execute(other, f"INSERT INTO {index}({index}) VALUES ('integrity-check')")  # noqa: S608


@pytest.mark.sqlite
def test_a_restored_database_is_on_a_line_of_history_of_its_own(
    shell: Shell, other: Shell, tmp_path: Path
) -> None:
    file = backup(shell, tmp_path / "file")
    other.run("restore", str(file))
    epochs = [each.rows("SELECT epoch FROM history") for each in (shell, other)]

    assert epochs[0] != epochs[1]
    assert [(manifest(file)["epoch"],)] == epochs[0]


@pytest.mark.sqlite
def test_nobody_else_reads_the_copy_or_what_is_made_of_it(shell: Shell, other: Shell, tmp_path: Path) -> None:
    file = backup(shell, tmp_path / "file")
    other.run("restore", str(file))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, other.folder / "parlour.db", other.folder)]

    assert modes == [0o600, 0o600, 0o700]


def manifest(file: Path) -> dict[str, object]:
    with zipfile.ZipFile(file) as opened:
        said: dict[str, object] = json.loads(opened.read("manifest.json"))
        return said


@pytest.mark.sqlite
def test_the_log_of_the_file_that_was_there_is_not_taken_for_the_new_ones(
    shell: Shell, other: Shell, tmp_path: Path
) -> None:
    """Whoever takes the broken database away may leave its log behind."""
    file = backup(shell, tmp_path / "file")
    other.run("migrate")
    (other.folder / "parlour.db-wal").write_bytes(b"the log of another file")
    (other.folder / "parlour.db-shm").write_bytes(b"")
    restored = other.run("restore", str(file))

    assert restored.returncode == 0, restored.stderr
    assert of_file(other) == of_file(shell)
    assert sorted(path.name for path in other.folder.iterdir()) == [
        "files",
        "parlour.db",
        "parlour.lock",
        "secret_key",
    ]


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("there", "exists already"),
        ("link", "exists already"),
        (".", "exists already"),
        ("missing/file", "There is no folder"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_backup_that_cannot_be_put_there_is_refused(
    shell: Shell, tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "there").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())

    assert said in sentence(shell.run("backup", str(tmp_path / place)))
    assert (tmp_path / "there").read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.sqlite
@pytest.mark.parametrize("file", ["", "/"])
def test_a_backup_without_a_name_is_refused(shell: Shell, file: str) -> None:
    assert "is a folder: name the file to make" in sentence(shell.run("backup", file))


@pytest.mark.sqlite
def test_where_nobody_may_write_no_backup_is_made(shell: Shell) -> None:
    assert "/proc/backup cannot be written" in sentence(shell.run("backup", "/proc/backup"))


@pytest.mark.sqlite
def test_without_a_database_there_is_nothing_to_copy(other: Shell, tmp_path: Path) -> None:
    assert "There is no database at" in sentence(other.run("backup", str(tmp_path / "file")))
    assert not (tmp_path / "file").exists()


def cut(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size * 2 // 3)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def say_it_is_encrypted(file: Path) -> None:
    """By one bit of what the archive says of a member at its end."""
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\1\2", content.index(b"PK\1\2") + 1) + 8] |= 1
    file.write_bytes(content)


def lose_a_row(file: Path) -> None:
    """As somebody would who edits it by hand."""
    with zipfile.ZipFile(file) as opened:
        members = {info: opened.read(info) for info in opened.infolist()}
    with zipfile.ZipFile(file, "w") as changed:
        for info, content in members.items():
            kept = content.split(b"\n", 1)[1] if info.filename == "tables/messages.jsonl" else content
            changed.writestr(info.filename, kept)


def come_from_the_future(file: Path) -> None:
    _say(file, format=archive.FORMAT + 1, program="9.0")


def be_of_a_later_schema(file: Path) -> None:
    _say(file, schema="9999")


def _say(file: Path, **changed: object) -> None:
    said = json.dumps(manifest(file) | changed)
    with zipfile.ZipFile(file) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    with zipfile.ZipFile(file, "w") as written:
        for name, content in members.items():
            written.writestr(name, said if name == "manifest.json" else content)


def be_another_archive(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("manifest.json", "{}")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "damaged or not all of it"),
        (flip, "damaged or not all of it"),
        (say_it_is_encrypted, "damaged or not all of it"),
        (lose_a_row, "damaged or not all of it"),
        (come_from_the_future, "made by a newer Parlour, 9.0"),
        (be_of_a_later_schema, "A newer Parlour made this backup (schema 9999)"),
        (be_another_archive, "is no backup of Parlour"),
        (lambda file: file.write_bytes(b""), "is no backup of Parlour"),
        (lambda file: file.unlink(), "There is no file"),
        (lambda file: (file.unlink(), file.mkdir()), "cannot be read"),
    ],
)
async def test_what_is_no_whole_backup_of_ours_is_not_restored(
    shell: Shell, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    file, target = tmp_path / "file", tmp_path / "new" / "parlour.db"
    with read.of_sqlite(shell.folder / "parlour.db") as snapshot, BlockingStore(str(tmp_path)) as files:
        archive.write(file, snapshot, files, quietly)
    damage(file)

    with (
        pytest.raises((BackupUnusable, DatabaseUnusable), match=re.escape(said)),
        archive.Archive(file) as source,
    ):
        load.into_sqlite(target, source, quietly)
    assert not target.exists() or objects(target) == []
    assert not target.with_name("parlour.db.unfinished").exists()


@pytest.mark.parametrize("rows", [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP])
def test_the_end_of_a_table_is_told_once(rows: int) -> None:
    told: list[int] = []
    lines = (b"[1]" for _ in range(rows))
    for _ in counted(lines, Tally(), "tickets", rows, lambda _, done, __: told.append(done)):
        pass

    assert told == [*range(STEP, rows, STEP), rows]


def objects(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT name FROM sqlite_master").fetchall()


def quietly(_: str, __: int, ___: int) -> None:
    pass


@pytest.mark.sqlite
def test_a_damaged_backup_is_refused_with_a_sentence(shell: Shell, other: Shell, tmp_path: Path) -> None:
    file = backup(shell, tmp_path / "file")
    cut(file)

    assert "damaged or not all of it" in sentence(other.run("restore", str(file)))


@pytest.mark.sqlite
async def test_a_database_that_holds_anything_is_left_alone(
    shell: Shell, other: Shell, tmp_path: Path
) -> None:
    file = backup(shell, tmp_path / "file")
    other.run("workspace", "create", "mine", "--name", "Mine")
    before = of_file(other)

    assert sentence(other.run("restore", str(file))) == (
        "The target is not empty: there are rows in workspaces."
    )
    assert of_file(other) == before


@pytest.mark.sqlite
async def test_while_a_server_runs_there_nothing_is_restored(
    shell: Shell, other: Shell, tmp_path: Path
) -> None:
    file = backup(shell, tmp_path / "file")
    server = SqliteDatabase(other.folder / "parlour.db")
    await server.open()
    refused = other.run("restore", str(file))
    await server.close()

    assert "Another Parlour is already running" in sentence(refused)


# --------------------------------------------------------------------------------- other schemas


@pytest.mark.sqlite
async def test_a_backup_of_an_older_schema_is_migrated(other: Shell, tmp_path: Path) -> None:
    """Taken before an upgrade, as one should, and restored with the program after it."""
    with make_engine(tmp_path / "older.db", writer=True).connect().execution_options(migration=True) as older:
        older.exec_driver_sql("BEGIN")
        migrate.upgrade_to(older, "0004")
        older.exec_driver_sql("COMMIT")
        workspace = (
            "INSERT INTO workspaces VALUES (?, 'acme', 'Acme', 0, '{}', '2026-05-01T00:00:00.000000Z')"
        )
        older.exec_driver_sql(workspace, ("a" * 32,))
    with read.of_sqlite(tmp_path / "older.db") as snapshot, BlockingStore(str(tmp_path)) as files:
        archive.write(tmp_path / "file", snapshot, files, quietly)
    restored = other.run("restore", str(tmp_path / "file"))

    assert restored.returncode == 0, restored.stderr
    assert other.rows("SELECT slug FROM workspaces") == [("acme",)]
    assert other.rows("SELECT version_num FROM alembic_version") == [(migrate.newest(),)]


def test_a_line_says_every_kind_of_column_that_there_is(tmp_path: Path) -> None:
    """A type that no backup knows would be found out by whoever needs one; it is found out here."""
    with make_engine(tmp_path / "meant.db", writer=True).connect() as meant:
        schema.metadata.create_all(meant)
        for table in schema.metadata.tables.values():
            for column in table.columns:
                assert read.kind_of(meant, table.name, column.name, column.type) in Kind


# --------------------------------------------------------------------------------- on PostgreSQL


@pytest.mark.postgresql
def test_from_sqlite_to_postgresql_and_back_nothing_changes(
    shell: Shell, other: Shell, place: Place, tmp_path: Path
) -> None:
    first = backup(shell, tmp_path / "first")
    restored = place.shell.run("restore", str(first), "--owner-url", place.owner_url)
    assert restored.returncode == 0, restored.stderr
    there = of_server(place.owner_url)
    second = backup(place.shell, tmp_path / "second", "--owner-url", place.owner_url)
    back = other.run("restore", str(second))

    assert back.returncode == 0, back.stderr
    assert of_file(shell) == there == of_file(other)
    assert manifest(first)["tables"] != []
    assert checksums(first) == checksums(second)


def checksums(file: Path) -> dict[str, tuple[int, str]]:
    tables: list[dict[str, object]] = manifest(file)["tables"]  # type: ignore[assignment]
    return {str(each["name"]): (int(str(each["rows"])), str(each["checksum"])) for each in tables}


@pytest.mark.postgresql
def test_the_servers_role_is_let_in_and_works_on_what_was_restored(
    shell: Shell, place: Place, tmp_path: Path
) -> None:
    place.shell.run("restore", str(backup(shell, tmp_path / "file")), "--owner-url", place.owner_url)
    made = place.shell.run("workspace", "create", "second", "--name", "Second")

    assert made.returncode == 0, made.stderr
    with place.admin() as admin:
        [(last, following)] = admin.execute(
            "SELECT max(position), nextval(pg_get_serial_sequence('ticket_search', 'position')) "
            "FROM ticket_search"
        ).fetchall()
        unforced = "SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        assert following == last + 1  # type: ignore[operator]
        assert admin.execute(unforced).fetchall() == []


@pytest.mark.postgresql
def test_a_role_that_does_not_see_every_row_makes_no_backup(place: Place, tmp_path: Path) -> None:
    place.migrate()
    refused = place.shell.run("backup", str(tmp_path / "file"))

    assert "add --owner-url" in sentence(refused)
    assert not (tmp_path / "file").exists()


@pytest.mark.postgresql
@pytest.mark.pgbouncer
def test_a_backup_through_a_proxy_keeps_no_migration_waiting(
    shell: Shell, place: Place, tmp_path: Path
) -> None:
    """Whose connections go on when whoever was lent one has left."""
    place.shell.run("restore", str(backup(shell, tmp_path / "file")), "--owner-url", place.owner_url)
    folder = Path(mkdtemp(dir=place.server.folder))
    given_to_the_server(folder)
    with Bouncer(folder, place.server.port) as proxy:
        by_the_proxy = place.owner_url.replace(f":{place.server.port}/", f":{proxy.port}/")
        backup(place.shell, tmp_path / "second", "--owner-url", by_the_proxy)
        with place.admin() as admin:
            held = admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()

    assert held == (0,)


@pytest.mark.postgresql
def test_tables_that_hold_nothing_are_filled_and_those_that_do_are_not(
    shell: Shell, place: Place, tmp_path: Path
) -> None:
    file = backup(shell, tmp_path / "file")
    place.migrate()
    filled = place.shell.run("restore", str(file), "--owner-url", place.owner_url)
    refused = place.shell.run("restore", str(file), "--owner-url", place.owner_url)

    assert filled.returncode == 0, filled.stderr
    assert "The target is not empty" in sentence(refused)
