"""Reads on SQLite that take too long are given up.

One thread looks after all of them, four times a second: a timer for each would start a thread a page.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from parlour.kernel.errors import Overloaded

LOOK_SECONDS = 0.25


class Deadlines:
    """Its thread ends with `stop`."""

    def __init__(self) -> None:
        self._until: dict[sqlite3.Connection, float] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="deadlines", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def within(self, driver: sqlite3.Connection, seconds: float) -> Iterator[None]:
        """Raises Overloaded when what runs on the connection meanwhile takes longer."""
        self._until[driver] = time.monotonic() + seconds
        try:
            yield
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise Overloaded from error
            raise
        finally:
            with self._lock:  # or it would interrupt whoever comes next on this connection
                del self._until[driver]

    def _look(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            with self._lock:
                now = time.monotonic()
                for driver in [each for each, until in self._until.copy().items() if now > until]:
                    driver.interrupt()
