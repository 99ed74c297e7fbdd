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
        current_setting('statement_timeout') = '1min', now(), pg_stat_force_next_flush()
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""
"""Flushed, the numbers begin at nothing with the next transaction, not once a second."""


class Meter:
    """Counts from the moment that its engines connect. `bounded` is what must not grow."""

    def __init__(self) -> None:
        self.bounded = self.scanned = self.statements = 0
        self.by_statement: Counter[str] = Counter()
        self._before: dict[int, int] = {}
        self._looked: dict[int, tuple[object, int]] = {}
        """By connection: the transaction that was looked at last, and what it had touched by then."""

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

    def before(self, connection: Connection, _: object, sql: str, *__: object) -> None:
        self.statements += 1
        if connection.dialect.name == "postgresql":
            self._look(connection, sql)  # what went ahead of it
        else:
            self._before[id(connection)] = self.bounded

    def after(self, connection: Connection, _: object, sql: str, *__: object) -> None:
        if connection.dialect.name == "postgresql":
            self._look(connection, sql)
        else:
            self.by_statement[sql] += self.bounded - self._before.pop(id(connection))

    def _look(self, connection: Connection, sql: str) -> None:
        """Count what this transaction has touched since it was looked at."""
        driver: Any = connection.connection.dbapi_connection
        touched, scans, began, _ = driver.execute(TOUCHED, prepare=True).fetchone()
        transaction, so_far = self._looked.get(id(driver), (None, 0))
        cost = int(touched) - (so_far if transaction == began else 0)
        self._looked[id(driver)] = began, int(touched)
        if scans:
            self.scanned += cost
        else:
            self.bounded += cost
            self.by_statement[sql] += cost

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
