"""SQLite's file: one owner whatever it is called, nobody else's to read, and safe or not used at all."""

import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parlour.db.database import DatabaseUnusable
from parlour.db.sqlite import SqliteDatabase
from parlour.db.sqlite.file import DataFolderInUse, make_engine
from tests.shell import Shell, sentence

pytestmark = pytest.mark.sqlite


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Path]:
    """A database that a server has open."""
    db = SqliteDatabase(tmp_path / "data" / "parlour.db")
    await db.open()
    await db.prepare()
    yield db.path
    await db.close()


def by_symbolic_link(path: Path, folder: Path) -> Path:
    (folder / "parlour.db").symlink_to(path)
    return folder / "parlour.db"


def by_linked_folder(path: Path, folder: Path) -> Path:
    (folder / "data").symlink_to(path.parent)
    return folder / "data" / "parlour.db"


def by_hard_link(path: Path, folder: Path) -> Path:
    """To the locks the same as another mount: another path to one file, with no link to follow."""
    (folder / "parlour.db").hardlink_to(path)
    return folder / "parlour.db"


def after_the_lock_was_removed(path: Path, _: Path) -> Path:
    path.with_suffix(".lock").unlink()
    return path


WAYS = [by_symbolic_link, by_linked_folder, by_hard_link, after_the_lock_was_removed]


def test_of_what_was_erased_or_deleted_nothing_stays_in_the_file(tmp_path: Path) -> None:
    """Not in the pages that it filled alone either, which hold nothing now."""
    path, long, short = tmp_path / "parlour.db", "zanzibar " * 5_000, "a word of zanzibar"
    with make_engine(path, writer=True).connect() as connection:
        say = connection.exec_driver_sql
        say("CREATE TABLE said (id INTEGER PRIMARY KEY, words TEXT)")
        for word in (long, short, long, short):
            say("INSERT INTO said (words) VALUES (?)", (word,))
        say("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        say("UPDATE said SET words = '[erased]' WHERE id < 3")
        say("DELETE FROM said WHERE id > 2")
        say("PRAGMA wal_checkpoint(TRUNCATE)")

    assert path.stat().st_size == before
    assert b"zanzibar" not in path.read_bytes()


@pytest.mark.parametrize("way", WAYS)
async def test_a_second_server_is_refused_whatever_it_calls_the_file(
    served: Path, tmp_path: Path, way: Callable[[Path, Path], Path]
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    url = f"sqlite:///{way(served, folder)}"
    shell = Shell(tmp_path / "second")

    for command in (["serve", "--port", "0"], ["worker"]):
        refused = shell.run(*command, PARLOUR_DATABASE_URL=url)
        assert "Another Parlour is already running" in sentence(refused)
    with pytest.raises(DataFolderInUse):
        await SqliteDatabase(Path(url.removeprefix("sqlite:///"))).open()


async def test_one_who_was_refused_leaves_sqlites_own_locks_alone(served: Path) -> None:
    """POSIX drops every lock that a process has on a file as soon as it closes any descriptor of it."""
    before = locks_on(served)
    served.with_suffix(".lock").unlink()
    with pytest.raises(DataFolderInUse):
        await SqliteDatabase(served).open()

    assert before
    assert locks_on(served) == before


def locks_on(path: Path) -> list[list[str]]:
    """As the kernel lists them, without their numbers."""
    inode = str(path.stat().st_ino)
    lines = [line.split()[1:] for line in Path("/proc/locks").read_text().splitlines()]
    return sorted(line for line in lines if inode in "".join(line[4:5]).split(":"))


async def test_the_file_is_free_again_after_its_server(served: Path, tmp_path: Path) -> None:
    db = SqliteDatabase(tmp_path / "another" / "parlour.db")
    for _ in range(2):
        await db.open()
        await db.close()


async def test_other_programs_still_write_beside_the_server(served: Path) -> None:
    with closing(sqlite3.connect(served, timeout=5)) as beside, beside:
        beside.execute("UPDATE history SET epoch = 'changed beside it'")


# -------------------------------------------------------------------------------- who may read it


async def test_what_is_made_is_for_its_owner_alone(served: Path) -> None:
    names = ("", "-wal", "-shm")
    files = [*(served.with_name(served.name + name) for name in names), served.with_suffix(".lock")]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(served.parent.stat().st_mode) == 0o700


async def test_what_others_can_read_is_said(tmp_path: Path) -> None:
    db = SqliteDatabase(tmp_path / "data" / "parlour.db")
    await db.open()
    with capture_logs() as quiet:
        await db.prepare()
    db.path.chmod(0o644)
    db.path.parent.chmod(0o750)
    with capture_logs() as said:
        await db.prepare()
    await db.close()

    assert quiet == []
    assert [(each["event"], each["path"]) for each in said] == [
        ("others.can.read", str(db.path)),
        ("others.can.read", str(db.path.parent)),
    ]


# ------------------------------------------------------------------------------------- safe or not


@pytest.mark.parametrize(
    ("place", "setting"),
    [(":memory:", "journal_mode"), ("file:{}?vfs=unix-dotfile&uri=true", "journal_mode")],
)
def test_where_sqlite_cannot_keep_a_log_it_is_not_used(tmp_path: Path, place: str, setting: str) -> None:
    """As on a file system of a network, which cannot share memory."""
    path = Path(place.format(tmp_path / "parlour.db"))

    with pytest.raises(DatabaseUnusable, match=r"cannot work safely on .*journal_mode"):
        make_engine(path, writer=True).connect()
