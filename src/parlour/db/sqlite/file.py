"""SQLite's file: opened with our settings, owned by one process, readable by nobody else.

Settings and their reasons (measured; see docs/adr): WAL, so that readers never wait; synchronous=FULL,
because NORMAL loses acknowledged rows in a power cut; secure_delete, so that of what was erased nothing
stays in the file, which costs less than can be measured.
"""

import fcntl
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from parlour.db.database import DatabaseUnusable
from parlour.db.sqlite.disk import is_out_of_room

OWN = 2**62
"""The byte of the database file that its owner locks: far beyond those that SQLite locks, and any content."""
OTHERS = 0o077
SETTINGS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "busy_timeout": 10_000,
    "cache_size": -32_768,
    "temp_store": 2,  # MEMORY
    "secure_delete": 1,  # ON, which only some builds of SQLite are by themselves
}
VOCABULARY = (
    "CREATE VIRTUAL TABLE temp.ticket_search_vocabulary USING fts5vocab(main, ticket_search_terms, instance)"
)
"""The terms of the search, as their index has them: each connection makes it, and nothing is kept of it."""
BUILDING = {"journal_mode": "off", "synchronous": 0, "foreign_keys": 0, "cache_size": -65_536}
"""For a file that is thrown away when its making breaks off."""

log = structlog.get_logger("parlour.db")

_held: set[tuple[int, int]] = set()
"""The files that this process owns. It must not so much as open and close one of them by another way: that
would drop the locks of SQLite itself (POSIX says so)."""


class DataFolderInUse(Exception):
    """Another server holds the data folder; two writers would break each other's promises."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Another Parlour is already running on {path.parent}. Stop it first, or set PARLOUR_DATA_DIR."
        )


def make_engine(path: Path, *, writer: bool, checkpoints: bool = True, builds: bool = False) -> Engine:
    """An engine whose connections carry our pragmas. Transactions are opened by hand, not by the driver.

    A file that `builds` is made from nothing, without a journal and without waiting for the disk.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # what people wrote has no place in a log
        connect_args={"check_same_thread": False, "timeout": 10.0, "cached_statements": 256},
    )

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: object) -> None:
        for name, value in (BUILDING if builds else SETTINGS).items():
            connection.execute(f"PRAGMA {name}={value}")
            [(said,)] = connection.execute(f"PRAGMA {name}")
            if said != value:
                raise DatabaseUnusable(
                    f"SQLite cannot work safely on {path}: {name} stays {said} where it has to be {value}. "
                    "Keep the database on a local disk."
                )
        connection.execute(f"PRAGMA wal_autocheckpoint={4000 if checkpoints else 0}")
        connection.execute(VOCABULARY)
        connection.execute(f"PRAGMA query_only={'OFF' if writer else 'ON'}")

    return engine


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Raises DatabaseUnusable for what the system or SQLite says against opening the file."""
    try:
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        why = getattr(error, "orig", error)
        room = " Its disk is nearly full: make room there." if is_out_of_room(error, path.parent) else ""
        raise DatabaseUnusable(f"The database {path} cannot be opened: {why}.{room}") from error


def is_there(path: Path) -> bool:
    """Raises DatabaseUnusable when that cannot be found out, as by who may not look into the folder."""
    try:
        return path.is_file()
    except OSError as error:
        raise DatabaseUnusable(f"{path} cannot be looked at: {error.strerror}.") from None


class Ownership:
    """The right of this process to write to one file, by whatever name somebody else may reach it.

    Two locks hold it: `parlour.lock` beside the file, which is there before the file is, and one on the file
    itself, for whoever comes by a link, by another mount, or after the first was removed.

    Raises DataFolderInUse.
    """

    def __init__(self, path: Path) -> None:
        self._descriptors: list[int] = []
        self._key = (0, 0)
        try:
            self._lock_beside(path)
            self._lock_file(path)
        except BaseException:
            self.release()
            raise

    def _lock_beside(self, path: Path) -> None:
        self._descriptors.append(os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600))
        try:
            fcntl.flock(self._descriptors[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderInUse(path) from None

    def _lock_file(self, path: Path) -> None:
        while True:
            if path.exists() and _identity(path.stat()) in _held:
                raise DataFolderInUse(path)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            self._descriptors.append(descriptor)
            try:
                _lock_byte(descriptor)
            except OSError:
                raise DataFolderInUse(path) from None
            self._key = _identity(os.fstat(descriptor))
            if path.exists() and _identity(path.stat()) == self._key:
                _held.add(self._key)
                return
            os.close(self._descriptors.pop())  # somebody put another file there meanwhile

    def release(self) -> None:
        """Not before the process has closed its connections to the file."""
        _held.discard(self._key)
        while self._descriptors:
            os.close(self._descriptors.pop())


def is_owned(path: Path) -> bool:
    """Whether a server, or another program that needs the file to itself, is known to have it now."""
    try:
        Ownership(path).release()
    except DataFolderInUse:
        return True
    except OSError:
        return False
    return False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _lock_byte(descriptor: int) -> None:
    """With a lock of the descriptor, where the system has them: no other close can drop it."""
    if hasattr(fcntl, "F_OFD_SETLK"):
        wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, OWN, 1, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    else:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, OWN)


def warn_of_readers(path: Path) -> None:
    """Say so when other users of this machine can read what is kept here."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.parent):
        if each.exists() and each.stat().st_mode & OTHERS:
            log.warning(
                "others.can.read",
                path=str(each),
                because="its mode lets other users of this machine in: "
                f"chmod {'700' if each.is_dir() else '600'} it",
            )
