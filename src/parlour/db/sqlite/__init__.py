"""SQLite: one writer thread with group commit, readers on their own connections.

One writer, because SQLite has one writer anyway and a queue in front of it turns many small fsyncs into one.
How the file is opened and kept to one process: `parlour.db.sqlite.file`.
"""

import asyncio
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from parlour.db import database, migrate, outbox
from parlour.db.database import Database, DatabaseUnusable, P, R, Standing, Tx, Unit
from parlour.db.found import Latest
from parlour.db.sqlite.deadlines import Deadlines
from parlour.db.sqlite.disk import Disk, refuses
from parlour.db.sqlite.file import Ownership, make_engine, sentences, warn_of_readers
from parlour.db.storing import tellable
from parlour.kernel.access import Actor, Kind
from parlour.kernel.errors import Overloaded, StorageFull

BATCH = 512
QUEUE_LIMIT = 20_000
SCAN_THREADS = 4
SHARES = 10
"""Each of their connections keeps a tenth of what the loop does of what was found."""
SCAN_PAGES = -4_096
"""KiB of the file, an eighth of what others hold: the system holds what is looked through as well."""
FOLD_SECONDS = 10.0
"""Between two attempts to win room on a disk that is nearly full."""


class _Write:
    """A waiting unit of work and where its answer goes."""

    __slots__ = ("actor", "call", "error", "events", "future", "loop", "result")

    def __init__(self, actor: Actor, call: Callable[[Tx], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.actor = actor
        self.call = call
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None
        self.events: list[Any] = []

    def run(self, connection: Connection) -> None:
        tx = Tx(connection, self.actor)
        self.error = self.result = None
        self.events = []
        try:
            self.result = self.call(tx)
            self.events = list(tx.told())
        except BaseException as error:  # the thread goes on: everybody else waits for it too
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        self.error, self.result, self.events = tellable(error), None, []


class SqliteDatabase(Database):
    """One file, one process that owns it.

    `exclusive=False` is for short commands beside a running server: no lock is taken and the WAL is
    left for the server to fold in, so that two processes never checkpoint at the same moment.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        super().__init__()
        self.path = path.resolve()  # where SQLite keeps its log, too
        self._exclusive = exclusive
        self._ownership: Ownership | None = None
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closed = True
        self._thread: threading.Thread | None = None
        self._scans: ThreadPoolExecutor | None = None
        self._idle: list[tuple[Connection, Latest]] = []
        self._connections: list[Connection] = []
        self._scan_lock = threading.Lock()
        self.commits = 0
        self.units = 0
        self._disk = Disk(path.parent)
        self._low = False
        self._fold_at = 0.0

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def sizes(self) -> Mapping[str, Callable[[], float]]:
        return {"wal": self._wal_size, "disk_free": lambda: self._disk.free}

    def _wal_size(self) -> float:
        wal = self.path.with_name(f"{self.path.name}-wal")
        return wal.stat().st_size if wal.exists() else 0

    async def open(self) -> None:
        try:
            with sentences(self.path):
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if self._exclusive:
                    self._ownership = Ownership(self.path)
                writer = make_engine(self.path, writer=True, checkpoints=self._exclusive).connect()
                self._readers = make_engine(self.path, writer=False, checkpoints=False)
                self._reader, self._found = self._connect_reader(), Latest()
        except BaseException:
            self._disown()
            raise
        self._scans = ThreadPoolExecutor(SCAN_THREADS, thread_name_prefix="scan")
        self._deadlines = Deadlines()
        self._closed = False
        self._thread = threading.Thread(target=self._write_loop, args=(writer,), name="writer", daemon=True)
        self._thread.start()

    async def migrate(self) -> Standing:
        try:
            return await asyncio.to_thread(_migrate, self.path)
        except (sqlite3.Error, DBAPIError) as error:
            if not refuses(error):
                raise
            why = getattr(error, "orig", error)
            raise DatabaseUnusable(
                f"The disk refuses what Parlour has to write into {self.path.parent}: {why}. Make room there."
            ) from error

    async def prepare(self) -> None:
        warn_of_readers(self.path)
        await self.migrate()
        await asyncio.to_thread(_take_over, self.path)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        if self._thread:
            await asyncio.to_thread(self._thread.join)
        if self._scans:
            await asyncio.to_thread(self._scans.shutdown)
            await asyncio.to_thread(self._deadlines.stop)
        for connection in self._connections:
            connection.close()
        self._disown()

    def _disown(self) -> None:
        if self._ownership is not None:
            self._ownership.release()
            self._ownership = None

    async def read(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._must_be_open()
        return _snapshot(self._reader, lambda tx: function(tx, *args, **kwargs), actor, self._found)

    async def scan(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._must_be_open()
        assert self._scans is not None

        def run() -> R:
            is_system = actor.kind is Kind.SYSTEM
            seconds = math.inf if is_system else database.SCAN_SECONDS
            with self._scanner() as (connection, found):

                def in_time(tx: Tx) -> R:  # and no interrupt falls into BEGIN or ROLLBACK
                    with self._deadlines.within(_driver(connection), seconds):
                        return function(tx, *args, **kwargs)

                return _snapshot(connection, in_time, actor, None if is_system else found)

        return await asyncio.get_running_loop().run_in_executor(self._scans, run)

    @contextmanager
    def _scanner(self) -> Iterator[tuple[Connection, Latest]]:
        """A connection for one scan at a time: the one that was used last, if it is idle. What is asked again
        was found by it, and what it has read of the file is in its memory.
        """
        try:
            scanner = self._idle.pop()
        except IndexError:
            scanner = self._connect_reader(), Latest(one_of=SHARES)
            _driver(scanner[0]).execute(f"PRAGMA cache_size = {SCAN_PAGES}")
        try:
            yield scanner
        finally:
            self._idle.append(scanner)

    async def write(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._must_be_open()
        if self._queue.qsize() >= QUEUE_LIMIT:
            raise Overloaded
        unit = _Write(actor, lambda tx: function(tx, *args, **kwargs), asyncio.get_running_loop())
        self._queue.put(unit)
        return cast(R, await unit.future)

    async def probe(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        def look(tx: Tx) -> R:
            number = tx.connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            tx.connection.exec_driver_sql(f"PRAGMA user_version = {number:d}")  # a page to write
            return function(tx, *args, **kwargs)

        if self._disk.is_low():
            raise StorageFull
        return await self.write(Actor.system(), look)

    def _must_be_open(self) -> None:
        if self._closed:
            raise RuntimeError("The database is closed.")

    def _connect_reader(self) -> Connection:
        connection = self._readers.connect()
        with self._scan_lock:
            self._connections.append(connection)
        return connection

    def _write_loop(self, connection: Connection) -> None:
        """Merge what is waiting into one transaction; when nothing else waits, commit at once."""
        stopping = False
        while not stopping:
            unit = self._queue.get()
            if unit is None:
                break
            batch = [unit]
            while len(batch) < BATCH:
                try:
                    waiting = self._queue.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    stopping = True
                    break
                batch.append(waiting)
            if fitting := self._what_fits(connection, batch):
                self._commit(connection, fitting)
            for each in batch:
                if each.error is not None and (full := self._disk.told(each.error)):
                    each.fail(full)
            self._hand_back(batch)
        connection.close()

    def _what_fits(self, connection: Connection, batch: list[_Write]) -> list[_Write]:
        """The units that may run. On a disk that is nearly full only the house's own do, which end what was
        begun and sweep what is old.
        """
        self._low = self._disk.is_low()
        if self._low and time.monotonic() > self._fold_at:
            self._fold_at = time.monotonic() + FOLD_SECONDS
            self._fold(connection)
            self._low = self._disk.is_low()
        if not self._low:
            return batch
        self._disk.refused("nearly full")
        for unit in batch:
            if unit.actor.kind is not Kind.SYSTEM:
                unit.fail(StorageFull())
        return [unit for unit in batch if unit.actor.kind is Kind.SYSTEM]

    def _fold(self, connection: Connection) -> None:
        """Give the room of the write-ahead log back, as far as no reader still needs it."""
        if self._exclusive:
            with suppress(sqlite3.Error):
                _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _commit(self, connection: Connection, batch: list[_Write]) -> None:
        raw = _driver(connection)
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:  # another program holds the file: no unit is to blame
            _undo(raw)
            for unit in batch:
                unit.fail(error)
            return
        try:
            for unit in batch:
                _run_in_savepoint(raw, connection, unit)
            began = time.perf_counter()
            raw.execute("COMMIT")
            self._commit_took(time.perf_counter() - began)
            self.commits += 1
            self.units += len(batch)
            if not self._low and any(unit.error is None for unit in batch):
                self._disk.took()
        except Exception as error:
            _undo(raw)
            if len(batch) == 1:
                batch[0].fail(error)
                return
            # One unit spoiled the commit for all (a deferred foreign key, a full disk): each alone, then.
            for unit in batch:
                self._commit(connection, [unit])

    def _hand_back(self, batch: list[_Write]) -> None:
        for loop in {unit.loop for unit in batch}:
            answers = [unit for unit in batch if unit.loop is loop]
            try:
                loop.call_soon_threadsafe(self._answer, answers)
            except RuntimeError:
                continue  # that loop is gone, and its callers with it; the work is on disk

    def _answer(self, batch: list[_Write]) -> None:
        for unit in batch:
            self._publish(unit.events)
            if unit.future.done():
                continue
            if unit.error is not None:
                unit.future.set_exception(unit.error)
            else:
                unit.future.set_result(unit.result)


def _migrate(path: Path) -> Standing:
    with make_engine(path, writer=True).connect().execution_options(migration=True) as connection:
        raw = _driver(connection)
        raw.execute("BEGIN IMMEDIATE")  # all of it or nothing
        before = migrate.upgrade(connection)
        raw.execute("COMMIT")
    return before


def _take_over(path: Path) -> None:
    with make_engine(path, writer=True).connect() as connection:
        raw = _driver(connection)
        raw.execute("BEGIN IMMEDIATE")
        outbox.take_over(Tx(connection, Actor.system()))
        raw.execute("COMMIT")


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _undo(raw: sqlite3.Connection) -> None:
    """A disk that fails may refuse even this; the next transaction then tries it again."""
    with suppress(sqlite3.Error):
        if raw.in_transaction:
            raw.execute("ROLLBACK")


def _run_in_savepoint(raw: sqlite3.Connection, connection: Connection, unit: _Write) -> None:
    raw.execute("SAVEPOINT unit")
    unit.run(connection)
    if unit.error is None:
        raw.execute("RELEASE unit")
    elif raw.in_transaction:
        raw.execute("ROLLBACK TO unit")
        raw.execute("RELEASE unit")
    else:
        raise unit.error  # SQLite gave up the whole transaction


def _snapshot(
    connection: Connection, call: Callable[[Tx], R], actor: Actor, latest: Latest | None = None
) -> R:
    raw = _driver(connection)
    raw.execute("BEGIN")
    try:
        version = raw.execute("PRAGMA data_version").fetchone()[0] if latest else None
        return call(Tx(connection, actor, found=latest.at(version) if latest else None))
    finally:
        raw.execute("ROLLBACK")
