"""An older copy of a server's SQLite file, put back as people do: by a restore, or by hand."""

import secrets
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.live import Live


def copy_of(live: Live, to: Path) -> Path:
    """What the database holds now, while its server goes on."""
    with closing(sqlite3.connect(live.settings.sqlite_path)) as here, closing(sqlite3.connect(to)) as there:
        here.backup(there)
    return to


def put_back(live: Live, copy: Path, *, renewed: bool) -> None:
    """In place of the file of a stopped server; `renewed`: with a new epoch, as a restore leaves it."""
    path = live.settings.sqlite_path
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)
    shutil.copyfile(copy, path)
    if renewed:
        with closing(sqlite3.connect(path, isolation_level=None)) as there:
            there.execute("UPDATE history SET epoch = ?", [secrets.token_hex(8)])
