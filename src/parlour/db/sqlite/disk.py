"""The disk under SQLite: when it counts as full, and which errors mean that it takes nothing."""

import os
import sqlite3
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from parlour.kernel.errors import StorageFull
from parlour.logs import Episode

RESERVE = 64 * 2**20
"""Bytes kept free: four times the write-ahead log of 4,000 pages that may still have to be folded. What is
under way can be finished, old rows can be swept, and an operator can still work on this machine."""
SHARE = 20
"""On a small disk, this part of it is kept free instead."""
_REFUSALS = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}

log = structlog.get_logger(__name__)


class Disk:
    """One line in the log when it begins to refuse, one when it takes again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._episode = Episode(log, "storage.full", "storage.back")

    @property
    def free(self) -> int:
        """Bytes that this process may still write; 0 when nobody can say."""
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize

    def is_low(self) -> bool:
        """Whether what is left is kept for what must go on. Where nobody can say, a write will tell."""
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return False
        return found.f_bavail < min(RESERVE // found.f_frsize, found.f_blocks // SHARE)

    def refused(self, why: object) -> None:
        self._episode.begins(why=str(why), folder=str(self._folder), free=self.free)

    def took(self) -> None:
        self._episode.ends()

    def told(self, error: BaseException) -> StorageFull | None:
        """`error` in the domain's words, when it is the disk that refused."""
        if not refuses(error):
            return None
        self.refused(getattr(error, "orig", error))
        full = StorageFull()
        full.__cause__ = error
        return full


def is_out_of_room(error: BaseException, folder: Path) -> bool:
    """Whether the disk said no because it is full: of the file beside the database that processes share,
    SQLite says that there was an "I/O error".
    """
    return refuses(error) and Disk(folder).is_low()


def refuses(error: BaseException) -> bool:
    """Whether it is the disk that said no."""
    return _code(error) in _REFUSALS


def is_damage(error: BaseException) -> bool:
    """Whether what stands in the file cannot be."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: BaseException) -> int:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF if isinstance(cause, sqlite3.Error) else 0
