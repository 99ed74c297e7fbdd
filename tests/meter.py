"""What statements cost, whatever the machine is doing: steps on SQLite, blocks and rows on PostgreSQL.

A step is one at which SQLite's machine asks whether to go on; the searches of its foreign keys are among
them. On PostgreSQL it is a block or an entry, of a table or of an index, that a statement touched, its
triggers included. What `scan` runs is measured apart: it may take longer, away from everybody else.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from parlour.db import found
from parlour.db.postgres import lately

TOUCHED = b"""
    SELECT coalesce(sum(pg_stat_get_xact_blocks_fetched(oid) + pg_stat_get_xact_tuples_returned(oid)), 0),
        current_setting('statement_timeout') = '1min'
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


class Meter:
    """Counts from the moment that its engines connect. `bounded` is what must not grow."""

    def __init__(self) -> None:
        self.bounded = self.scanned = self.statements = 0
        self.by_statement: Counter[str] = Counter()
        self._before: dict[int, int] = {}

    def connected(self, raw: Any, _: object) -> None:
        if hasattr(raw, "set_progress_handler"):
            scans = threading.current_thread().name.startswith("scan")
            raw.set_progress_handler(self._scan_step if scans else self._step, 1)

    def _step(self) -> int:
        self.bounded += 1
        return 0

    def _scan_step(self) -> int:
        self.scanned += 1
        return 0

    def before(self, connection: Connection, *_: object) -> None:
        self.statements += 1
        if connection.dialect.name == "postgresql":
            self._before[id(connection)] = self._touched(connection)[0]
        else:
            self._before[id(connection)] = self.bounded

    def after(self, connection: Connection, _: object, sql: str, *__: object) -> None:
        start = self._before.pop(id(connection))
        if connection.dialect.name == "postgresql":
            now, scans = self._touched(connection)
            if scans:
                self.scanned += now - start
                return
            self.bounded += now - start if now >= start else now
            self.by_statement[sql] += now - start
        else:
            self.by_statement[sql] += self.bounded - start

    def _touched(self, connection: Connection) -> tuple[int, bool]:
        driver: Any = connection.connection.dbapi_connection
        row = driver.execute(TOUCHED, prepare=True).fetchone()
        return int(row[0]), bool(row[1])

    def reset(self) -> None:
        self.bounded = self.scanned = self.statements = 0
        self.by_statement.clear()


@contextmanager
def asking_anew() -> Iterator[None]:
    """Nothing is found again: what was found before would cost nothing, of however many."""
    room, found.ROOM = found.ROOM, 0
    try:
        yield
    finally:
        found.ROOM = room


@contextmanager
def metered() -> Iterator[Meter]:
    """Every engine that is opened meanwhile is measured. Each statement is asked in its turn."""
    meter, remembered = Meter(), lately.REMEMBERED
    lately.REMEMBERED = 0
    listeners = (
        ("connect", meter.connected),
        ("before_cursor_execute", meter.before),
        ("after_cursor_execute", meter.after),
    )
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        with asking_anew():
            yield meter
    finally:
        lately.REMEMBERED = remembered
        for name, listener in listeners:
            event.remove(Engine, name, listener)
