"""PostgreSQL: threads with a connection each, one transaction a unit, row-level security told who acts.

Who acts belongs to the transaction, and through a proxy that lends connections by the transaction so does
everything else. Only where no such proxy stands between are statements kept prepared, because planning one
behind its policies costs more than running it, and said together (answering.py).
"""

import asyncio
import contextvars
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from parlour.db import inspection, migrate, windows
from parlour.db.database import (
    Database,
    DatabaseAway,
    DatabaseUnusable,
    P,
    R,
    Standing,
    Tx,
    Unit,
)
from parlour.db.postgres import roles
from parlour.db.postgres.lately import Lately
from parlour.db.postgres.link import ALONE, PROBE, READ, SCAN, WRITE, Link, Mode, make_engine
from parlour.db.postgres.links import Links
from parlour.db.postgres.recollection import Recollection, Unknown
from parlour.db.storing import tellable
from parlour.kernel.access import Actor
from parlour.kernel.errors import NotFound, Overloaded, StandbyAway, StorageFull, Unreachable
from parlour.logs import Episode

QUEUE_LIMIT = 5_000
LONGEST_PAUSE = 0.5
SWITCH_SECONDS = 0.0002
"""How long a thread may keep the interpreter once another wants it: a unit wants it back after each answer of
the database, a dozen times. With Python's own 5 ms a busy server's message took 379 ms, with this one 9 ms
(medians of one run each, 100 messages a second: `python -m bench sockets --on postgresql --rate 100`)."""

SERIALIZATION_FAILURE, DEADLOCK, ALREADY_THERE = "40001", "40P01", "23505"
LOCK_TIMEOUT = "55P03"
TIMED_OUT = ("57014", LOCK_TIMEOUT)
NO_RIGHT = "42501"
BUSY = "The servers hold a table at this moment, so nothing was changed. Run it again."
_SAID_BY_A_SERVER = re.compile(r"\b[^\W\d_]+:  ")
_NOT_THE_TIME = (
    "the database system is",
    "too many",
    "connection slots",
    "not currently accepting connections",
    "server login has been failing",
)
WHY_NOT_NOW = {
    NO_RIGHT: f"Only the owner of the tables may do that: add {roles.AS_OWNER}.",
    DEADLOCK: BUSY,
    LOCK_TIMEOUT: BUSY,
}
NOT_PREPARED = ("26000", "42P05", "0A000")
"""A prepared statement is not there, is there already, or no longer fits its table."""
NOT_NOW = ("57P01", "57P02", "57P03", "57P05", "25P03", "53300", "25006")
"""Shutting down, crashed, starting up, idle for too long (twice), no connection left, and only to be read
from: after a failover the server may be a standby, and another connection leads to another server."""
CONNECTION_TROUBLE = "08"
"""The class in which proxies, too, say that they cannot reach their server."""
STORAGE = ("53100", "58030")
"""The server's disk is full, or fails."""
SAY_FULL_SECONDS = 30.0
"""For so long after the disk refused a write this process is not ready. Small ones may still succeed."""


log = structlog.get_logger(__name__)


class _Lost(Exception):
    """There is no connection, and COMMIT was not sent: the unit may run again."""


class PostgresDatabase(Database):
    """Reads, scans and writes have threads of their own, so that none of them waits for another kind.

    A unit that lost a race (a conflict, a deadlock, a row that somebody else inserted first) is run
    again, and so is one whose connection died before its COMMIT was sent.
    """

    def __init__(self, url: str, *, readers: int = 4, scanners: int = 2, writers: int = 10) -> None:
        super().__init__()
        self._url = url
        self._sizes = {READ: readers, SCAN: scanners, WRITE: writers, PROBE: 1}
        self._pools: dict[Mode, ThreadPoolExecutor] = {}
        self._links = {mode: Links(self._connect) for mode in self._sizes}
        self._links[ALONE] = self._links[WRITE]
        self._waiting = 0
        self._closed = True
        self._prepares = True
        self._engine = make_engine(url, answering=True)
        self._known = Recollection(self._engine.dialect, lambda: Link(self._engine, prepares=self._prepares))
        self._lately = Lately()
        self._away = Episode(log, "database.away", "database.back")
        self._full = Episode(log, "storage.full", "storage.back")
        self._full_until = 0.0
        self._probing = False

    @property
    def waiting(self) -> int:
        return self._waiting

    async def open(self) -> None:
        """Connects with the first unit, so that a server may start before its database answers."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._pools = {
            mode: ThreadPoolExecutor(size, thread_name_prefix="postgres")
            for mode, size in self._sizes.items()
        }
        self._pools[ALONE] = self._pools[WRITE]
        self._closed = False

    async def migrate(self) -> Standing:
        return await asyncio.to_thread(migrate_with, self._url)

    async def prepare(self) -> None:
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        engine = make_engine(self._url, isolation_level="READ COMMITTED")
        try:
            with connected(engine, self._url) as connection, connection.begin():
                roles.refuse_an_unready_schema(connection)
                roles.refuse_a_mighty_role(connection)
                inspection.refuse_a_forgetful_server(connection)
        except (psycopg.Error, DBAPIError) as error:
            raise _unusable(self._url, error) from error

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._known.close()
        for pool in self._pools.values():
            await asyncio.to_thread(pool.shutdown)
        for links in self._links.values():
            links.close()

    async def read(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._find(READ, actor, lambda tx: function(tx, *args, **kwargs))

    async def scan(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._find(SCAN, actor, lambda tx: function(tx, *args, **kwargs))

    async def _find(self, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> R:
        if mode.finds(actor):
            with suppress(Unknown):
                return await self._known.recall(actor, call)
        return await self._submit(mode, actor, call)

    async def write(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._submit(WRITE, actor, lambda tx: function(tx, *args, **kwargs))

    async def alone(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a single statement that touches nobody's rows: a transaction of its own, in nobody's name."""
        return await self._submit(ALONE, Actor.system(), lambda tx: function(tx, *args, **kwargs))

    async def probe(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        def look(tx: Tx) -> R:
            windows.take(tx, "probe", 1, 60)  # always the same row
            if inspection.waits_for_a_standby(tx):
                raise StandbyAway
            return function(tx, *args, **kwargs)

        if time.monotonic() < self._full_until:
            raise StorageFull
        if self._probing:
            raise Unreachable  # whoever asked before still waits
        self._probing = True
        return await self._submit(PROBE, Actor.system(), look)

    async def _submit(self, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> R:
        if self._closed:
            raise RuntimeError("The database is closed.")
        if self._waiting >= QUEUE_LIMIT:
            raise Overloaded
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        give_up = time.monotonic() + mode.patience
        context = contextvars.copy_context()
        self._waiting += 1

        def work() -> None:
            result, error, events = None, None, ()
            try:
                result, events = context.run(self._run, mode, actor, call, give_up)
            except BaseException as raised:  # the thread goes on: others wait for it too
                error = tellable(raised)
            with suppress(RuntimeError):  # that loop is gone, and its caller with it; the work is stored
                loop.call_soon_threadsafe(self._answer, mode, answer, result, error, events)

        self._pools[mode].submit(work)
        return await answer

    def _answer(
        self, mode: Mode, answer: "asyncio.Future[Any]", result: Any, error: Exception | None, events: Any
    ) -> None:
        self._waiting -= 1
        self._probing = self._probing and mode is not PROBE
        self._publish(events)
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _run(self, mode: Mode, actor: Actor, call: Callable[[Tx], R], give_up: float) -> tuple[R, Any]:
        """The unit's answer and its events, after as many attempts as it takes and time allows."""
        attempt = 0
        if time.monotonic() > give_up:
            raise Unreachable  # its turn came too late
        while True:
            attempt += 1
            try:
                done = self._attempt(mode, actor, call)
            except _Lost as lost:
                if time.monotonic() > give_up:
                    self._away.begins(why=_words(lost.__cause__))
                    raise Unreachable from lost.__cause__
            except (psycopg.Error, DBAPIError) as error:
                self._give_up_on(error)
                if not _lost_a_race(_state(error), attempt):
                    raise
                if time.monotonic() > give_up:
                    raise Overloaded from error
            else:
                self._away.ends()
                if mode is WRITE:
                    self._full.ends()
                return done
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.005 * 2**attempt)))  # noqa: S311

    def _give_up_on(self, error: psycopg.Error | DBAPIError) -> None:
        """Raises in the domain's words what another run would not change."""
        state = _state(error)
        if state in TIMED_OUT:
            raise Overloaded from error
        if state in STORAGE:
            self._full_until = time.monotonic() + SAY_FULL_SECONDS
            self._full.begins(why=_words(error))
            raise StorageFull from error
        if isinstance(_cause(error), psycopg.DataError) and state is None:
            raise NotFound from error  # a text that PostgreSQL cannot hold finds nothing

    def _attempt(self, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> tuple[R, Any]:
        with self._links[mode].one() as link:
            return self._attempt_on(link, mode, actor, call)

    def _attempt_on(self, link: Link, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> tuple[R, Any]:
        guard = None if mode is ALONE else link
        finding = self._known.finding(link, actor) if mode.finds(actor) else None
        tx = Tx(link.connection, actor, guard, finding)
        try:
            link.begin(mode, actor)
        except psycopg.Error as error:
            link.close()
            raise _Lost from error
        except BaseException:  # nobody knows how far it has begun
            link.close()
            raise
        try:
            result = call(tx)
            if guard:
                self._commit(mode, guard)
        except Exception as error:
            if link.prepares and _state(error) in NOT_PREPARED:
                self._prepares = False
                link.close()
            if isinstance(error, psycopg.Error | DBAPIError) and (link.lost or _in_doubt(_state(error))):
                link.close()
                raise _Lost from error
            link.abandon()
            raise
        except BaseException:
            link.abandon()
            raise
        return result, tx.told()

    def _commit(self, mode: Mode, link: Link) -> None:
        began = time.perf_counter()
        link.commit(mode)
        if mode is WRITE:
            self._commit_took(time.perf_counter() - began)

    def _connect(self) -> Link:
        try:
            link = Link(self._engine, prepares=self._prepares, lately=self._lately)
        except (psycopg.Error, DBAPIError) as error:
            raise _Lost from error
        self._known.begin_anew()
        return link


def _cause(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _state(error: Exception) -> str | None:
    """PostgreSQL's code for what went wrong."""
    return getattr(_cause(error), "sqlstate", None)


def _in_doubt(state: str | None) -> bool:
    """Whether it is the connection that is of no use, whatever is said through it."""
    return state is not None and (state in NOT_NOW or state.startswith(CONNECTION_TROUBLE))


def _words(error: BaseException | None) -> str:
    """The last line of what the server said, or whoever stands before it. Holds no words of people.

    Indented lines are guesses of the driver at what may be wrong.
    """
    cause = _cause(error) if isinstance(error, Exception) else error
    lines = [line for line in str(cause).strip().splitlines() if not line[:1].isspace()]
    return (lines or [type(cause).__name__])[-1]


def _lost_a_race(state: str | None, attempt: int) -> bool:
    """Whether another run may find things as it wants them. A row that is there on the second look stays."""
    return state in (SERIALIZATION_FAILURE, DEADLOCK) or (state == ALREADY_THERE and attempt < 3)


def connected(engine: Engine, url: str) -> Connection:
    """A connection, or the sentence that says why there is none. Holds no password."""
    try:
        return engine.connect()
    except (psycopg.Error, DBAPIError) as error:
        raise _unusable(url, error) from error


def _unusable(url: str, error: psycopg.Error | DBAPIError) -> DatabaseUnusable:
    place = make_url(url)
    where = f"{place.host}:{place.port or 5432}/{place.database or place.username or ''}"
    kind = DatabaseAway if _may_come_back(str(_cause(error))) else DatabaseUnusable
    return kind(f"The database at {where} cannot be reached: {_words(error).rstrip('.')}.")


def _may_come_back(why: str) -> bool:
    """Whether waiting may help: nobody answered, or the server said that it is not the time.

    What a server says to whoever connects arrives as text alone: its severity, a colon, two spaces.
    """
    return not _SAID_BY_A_SERVER.search(why) or any(each in why for each in _NOT_THE_TIME)


@contextmanager
def sentences() -> Iterator[None]:
    """Raises DatabaseUnusable for what keeps PostgreSQL from working on the tables as a whole."""
    try:
        yield
    except (ProgrammingError, OperationalError) as error:
        why = WHY_NOT_NOW.get(_state(error) or "")
        if why is None and isinstance(error, ProgrammingError):
            raise
        cause = str(error.orig).strip().splitlines()[0].rstrip(".")
        raise DatabaseUnusable(why or f"The database broke off, and nothing was kept: {cause}.") from error


def migrate_with(url: str, *, for_role: str | None = None) -> Standing:
    """Bring the schema up as this URL's role, which owns it; `for_role` is then given what it needs, unless a
    newer program did so. Says how the schema stood before.

    One migration at a time, whoever starts it: the lock ends with the transaction.
    """
    engine = make_engine(url, isolation_level="READ COMMITTED")
    with connected(engine, url).execution_options(migration=True) as connection, connection.begin():
        roles.lock_migrations(connection)
        with sentences():
            before = migrate.upgrade(connection)
        if for_role is not None and before is not Standing.NEWER:
            roles.admit(connection, make_url(for_role))
        roles.warn_of_a_mighty_owner(connection)
    return before
