"""How PostgreSQL stands: the snapshot by which reads go, and what is found again while it is the same.

A snapshot names the transactions whose work it does not show: those that were under way, and all that came
later. The server gives the same one for as long as no transaction ends that wrote anything, in whichever of
its databases, and none that it gave before then ever comes back. So equal ones show the same rows, as far as
one server goes: its start is part of the state, and so is the line, which begins anew with each connection.
After a crash the numbers of transactions that only seemed to be stored may be given again, but then every
connection is a new one. A standby names no transactions that are under way there: nothing is found again.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from parlour.db.database import Tx
from parlour.db.found import Finds, Found, Key, Latest
from parlour.db.postgres.link import STATE, Link
from parlour.db.postgres.watch import Watch
from parlour.kernel.access import Actor

R = TypeVar("R")

AGAIN_SECONDS = 5.0
"""Between two attempts to connect."""


class Unknown(Exception):
    """A unit asks for what was not found before, or does more than to read."""


class _Unit:
    """One that asks. How its snapshot stands comes with its first answer."""

    __slots__ = ("_found", "_latest", "_line", "_link")

    def __init__(self, latest: Latest, line: object, link: Link) -> None:
        self._latest, self._line, self._link = latest, line, link
        self._found: Found | None = None

    @property
    def found(self) -> Found | None:
        if self._found is None and (state := self._link.raw.heard(STATE)):
            self._found = self._latest.at((self._line, state))
        return self._found


class Finding:
    """In one name: row-level security shows each another part of the same tables."""

    __slots__ = ("_name", "_unit")

    def __init__(self, unit: _Unit, name: object) -> None:
        self._unit, self._name = unit, name

    def of(self, name: object) -> "Finding":
        return Finding(self._unit, name)

    def get(self, key: Key) -> Any:
        found = self._unit.found
        return found.get((self._name, *key)) if found else None

    def keep(self, key: Key, made: Any, stored: Sequence[tuple[Any, ...]] = ()) -> None:
        if found := self._unit.found:
            found.keep((self._name, *key), made, stored)


class _Recalled:
    """What was found before, in one name, and nothing else."""

    __slots__ = ("_found", "_name")

    def __init__(self, found: Found, name: object) -> None:
        self._found, self._name = found, name

    def of(self, name: object) -> Finds:
        return _Recalled(self._found, name)

    def get(self, key: Key) -> Any:
        known = self._found.get((self._name, *key))
        if known is None:
            raise Unknown
        return known

    def keep(self, *_: Any) -> None:
        raise Unknown


class _Nowhere:
    """In place of a connection: whatever else a unit wants of one, there is none."""

    _has_events = False

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @property
    def engine(self) -> "_Nowhere":
        return self

    def __getattr__(self, name: str) -> Any:
        raise Unknown


class Recollection:
    """What the reads of one process found, and in which state."""

    def __init__(self, dialect: Dialect, connect: Callable[[], Link]) -> None:
        self._latest = Latest()
        self._line = object()
        self._nowhere = cast(Connection, _Nowhere(dialect))
        self._connect = connect
        self._watch: Watch | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connect_at = 0.0

    def begin_anew(self) -> None:
        """There is a new connection: what was found by then may be of another server. Any thread may."""
        self._line = object()

    def finding(self, link: Link, actor: Actor) -> Finding | None:
        """For a unit that is about to begin on this connection, in whichever thread.

        None behind a proxy, which may lead to another server each time.
        """
        return Finding(_Unit(self._latest, self._line, link), actor) if link.prepares else None

    async def recall(self, actor: Actor, call: Callable[[Tx], R]) -> R:
        """What the unit makes of what was found before, or raises. Raises Unknown when the database has to be
        asked for more.
        """
        found, watch, line = self._latest.now, self._watch, self._line
        if found is None or found.state is None or watch is None or not watch.is_here:
            self._watch_soon(wanted=watch is None and found is not None)
            raise Unknown
        tx, failed = Tx(self._nowhere, actor, None, _Recalled(found, actor)), None
        try:
            answer = call(tx)
        except Unknown:
            raise
        except Exception as error:
            failed = error
        if tx.events or (line, await watch.state()) != found.state:
            raise Unknown
        if failed:
            raise failed
        return answer

    def _watch_soon(self, *, wanted: bool) -> None:
        if wanted and self._connecting is None and time.monotonic() >= self._connect_at:
            self._connect_at = time.monotonic() + AGAIN_SECONDS
            self._connecting = asyncio.create_task(self._begin_to_watch())

    async def _begin_to_watch(self) -> None:
        try:
            link = await asyncio.to_thread(self._connect)
        except (psycopg.Error, DBAPIError):
            return
        finally:
            self._connecting = None
        if not link.prepares:
            self._connect_at = math.inf
            link.close()
        else:
            self.begin_anew()
            self._watch = Watch(link, self._lose)

    def _lose(self) -> None:
        self._watch = None

    async def close(self) -> None:
        if self._connecting:
            await self._connecting
        if self._watch:
            self._watch.close()
