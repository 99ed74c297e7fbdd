"""PostgreSQL: threads with a connection each, one transaction a unit, row-level security told who acts.

Nothing that matters is kept in a session: the context and the time limits belong to the transaction. So
all of it also works through a proxy that lends connections by the transaction. Statements are prepared only
where no such proxy stands between, because planning one behind its policies costs more than running it.
"""

import asyncio
import contextvars
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from parlour.db import migrate, roles
from parlour.db.database import Database, DatabaseUnusable, P, R, Tx, Unit, tellable
from parlour.kernel.access import Actor
from parlour.kernel.errors import NotFound, Overloaded

QUEUE_LIMIT = 5_000
PATIENCE = 6.0
"""Seconds that a unit may wait for its turn, for others' locks and for a database that restarts."""
CONNECT_SECONDS = 3
LONGEST_PAUSE = 0.5
NOTICE_A_DEAD_PEER = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A machine that vanished says nothing: after about ten seconds of silence the connection is given up."""
PREPARE_AFTER = 5
PREPARED_LIMIT = 300
"""Statements that one connection keeps prepared: more than there are, but for lists of varying length."""

SWITCH_SECONDS = 0.0002
"""How long a thread may keep the interpreter once another wants it: a unit wants it back after each answer of
the database, a dozen times. With Python's own 5 ms a busy server's message took 379 ms, with this one 9 ms
(medians of one run each, 100 messages a second: `python -m bench sockets --on postgresql --rate 100`)."""

SERIALIZATION_FAILURE, DEADLOCK, ALREADY_THERE = "40001", "40P01", "23505"
LOCK_TIMEOUT = "55P03"
TIMED_OUT = ("57014", LOCK_TIMEOUT)
NO_RIGHT = "42501"
BUSY = "The servers hold a table at this moment, so nothing was changed. Run it again."
WHY_NOT_NOW = {
    NO_RIGHT: f"Only the owner of the tables may do that: run {roles.COMMAND}.",
    DEADLOCK: BUSY,
    LOCK_TIMEOUT: BUSY,
}
NOT_PREPARED = ("26000", "42P05", "0A000")
"""A prepared statement is not there, is there already, or no longer fits its table."""
NOT_NOW = ("57P01", "57P02", "57P03", "25P03", "53300")
"""Shutting down, crashed, starting up, idle for too long, no connection left."""


class Unreachable(Overloaded):
    """The database did not answer in time; nothing was stored."""


class Unanswered(Overloaded):
    """The connection was lost during COMMIT: stored or not, nobody knows. The same `client_id` finds out."""


class _Lost(Exception):
    """There is no connection, and COMMIT was not sent: the unit may run again."""


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """How a transaction begins. The times are in milliseconds."""

    begin: sql.SQL
    statement_timeout: int
    lock_timeout: int = 5_000


READ = Mode(sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), 10_000)
SCAN = Mode(sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), 60_000)
WRITE = Mode(sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED"), 15_000)
ALONE = Mode(sql.SQL(""), 0)
"""No transaction is opened: one statement, on a connection for writes."""

_SPEAKER = sql.SQL(
    "SELECT set_config('parlour.kind', %(kind)s, true), set_config('parlour.actor', %(actor)s, true), "
    "set_config('parlour.workspace', %(workspace)s, true), set_config('parlour.user', %(user)s, true), "
    "set_config('parlour.role', %(role)s, true), set_config('parlour.ticket', %(ticket)s, true)"
)
_LIMITS = sql.SQL(
    ", set_config('statement_timeout', %(statement_timeout)s, true)"
    ", set_config('lock_timeout', %(lock_timeout)s, true)"
    ", set_config('idle_in_transaction_session_timeout', '60000', true)"
)


def make_engine(url: str, *, isolation_level: Any = "AUTOCOMMIT") -> Engine:
    """Transactions are opened by hand unless another isolation level is given."""
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level=isolation_level,
        hide_parameters=True,  # what people wrote has no place in a log
        use_native_hstore=False,
        connect_args={
            "prepare_threshold": None,
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "parlour",
            **NOTICE_A_DEAD_PEER,
        },
    )


class Link:
    """One thread's connection, and the name in which it speaks at the moment."""

    def __init__(self, engine: Engine, *, prepares: bool) -> None:
        self.connection: Connection = engine.connect()
        self.raw = cast("psycopg.Connection[Any]", self.connection.connection.dbapi_connection)
        self.prepares = prepares and self._is_direct()
        self.raw.prepare_threshold = PREPARE_AFTER if self.prepares else None
        self.raw.prepared_max = PREPARED_LIMIT
        self._words = psycopg.ClientCursor(self.raw)  # several statements in one round trip
        self._actor: Actor | None = None

    def _is_direct(self) -> bool:
        """A proxy gives its clients process numbers of its own, because a connection has many there."""
        there = self.raw.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
        return there is not None and there[0] == self.raw.info.backend_pid

    @property
    def lost(self) -> bool:
        return self.raw.closed

    def begin(self, mode: Mode, actor: Actor) -> None:
        limits = {
            "statement_timeout": str(mode.statement_timeout),
            "lock_timeout": str(mode.lock_timeout),
        }
        self._words.execute(sql.SQL("; ").join([mode.begin, _SPEAKER + _LIMITS]), _facts(actor) | limits)
        self._actor = actor

    def admit(self, actor: Actor) -> None:
        if actor is not self._actor and actor != self._actor:
            self._words.execute(_SPEAKER, _facts(actor))
        self._actor = actor

    def commit(self) -> None:
        try:
            answer = self.raw.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            if self.lost:
                raise Unanswered from error
            raise
        if answer != "COMMIT":
            raise RuntimeError("The unit went on after a statement had failed; nothing of it was stored.")

    def abandon(self) -> None:
        """Forget the transaction. A connection that refuses even this is of no more use."""
        try:
            self.raw.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        with suppress(SQLAlchemyError, psycopg.Error):
            self.connection.invalidate()  # closes it as it is: there is nothing to reset
            self.connection.close()


def _facts(actor: Actor) -> dict[str, str]:
    return {
        "kind": actor.kind.value,
        "actor": actor.id,
        "workspace": str(actor.workspace_id or ""),
        "user": str(actor.user_id or ""),
        "role": actor.role.value if actor.role else "",
        "ticket": str(actor.ticket_id or ""),
    }


class PostgresDatabase(Database):
    """Reads, scans and writes have threads of their own, so that none of them waits for another kind.

    A unit that lost a race (a conflict, a deadlock, a row that somebody else inserted first) is run
    again, and so is one whose connection died before its COMMIT was sent.
    """

    def __init__(self, url: str, *, readers: int = 4, scanners: int = 2, writers: int = 6) -> None:
        super().__init__()
        self._url = url
        self._sizes = {READ: readers, SCAN: scanners, WRITE: writers}
        self._pools: dict[Mode, ThreadPoolExecutor] = {}
        self._local = threading.local()
        self._links: set[Link] = set()
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = True
        self._prepares = True
        self._engine = make_engine(url)

    async def open(self) -> None:
        """Connects with the first unit, so that a server may start before its database answers."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._pools = {
            mode: ThreadPoolExecutor(size, thread_name_prefix="postgres")
            for mode, size in self._sizes.items()
        }
        self._pools[ALONE] = self._pools[WRITE]
        self._closed = False

    async def migrate(self) -> None:
        await asyncio.to_thread(migrate_with, self._url)

    async def prepare(self) -> None:
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        with connected(self._engine, self._url) as connection:
            roles.refuse_an_unready_schema(connection)
            roles.refuse_a_mighty_role(connection)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for pool in self._pools.values():
            await asyncio.to_thread(pool.shutdown)
        for link in self._links:
            link.close()
        self._links.clear()

    async def read(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._submit(READ, actor, lambda tx: function(tx, *args, **kwargs))

    async def scan(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._submit(SCAN, actor, lambda tx: function(tx, *args, **kwargs))

    async def write(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._submit(WRITE, actor, lambda tx: function(tx, *args, **kwargs))

    async def alone(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a single statement that touches nobody's rows: a transaction of its own, in nobody's name."""
        return await self._submit(ALONE, Actor.system(), lambda tx: function(tx, *args, **kwargs))

    async def _submit(self, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> R:
        if self._closed:
            raise RuntimeError("The database is closed.")
        if self._waiting >= QUEUE_LIMIT:
            raise Overloaded
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        give_up = time.monotonic() + PATIENCE
        context = contextvars.copy_context()
        self._waiting += 1

        def work() -> None:
            result, error, events = None, None, ()
            try:
                result, events = context.run(self._run, mode, actor, call, give_up)
            except BaseException as raised:  # the thread goes on: others wait for it too
                error = tellable(raised)
            with suppress(RuntimeError):  # that loop is gone, and its caller with it; the work is stored
                loop.call_soon_threadsafe(self._answer, answer, result, error, events)

        self._pools[mode].submit(work)
        return await answer

    def _answer(
        self, answer: "asyncio.Future[Any]", result: Any, error: Exception | None, events: Any
    ) -> None:
        self._waiting -= 1
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
        while True:
            attempt += 1
            try:
                return self._attempt(mode, actor, call)
            except _Lost as lost:
                if time.monotonic() > give_up:
                    raise Unreachable from lost.__cause__
            except (psycopg.Error, DBAPIError) as error:
                state = _state(error)
                if state in TIMED_OUT:
                    raise Overloaded from error
                if isinstance(_cause(error), psycopg.DataError) and state is None:
                    raise NotFound from error  # a text that PostgreSQL cannot hold finds nothing
                if not _lost_a_race(state, attempt) or time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.005 * 2**attempt)))  # noqa: S311

    def _attempt(self, mode: Mode, actor: Actor, call: Callable[[Tx], R]) -> tuple[R, Any]:
        link = self._link()
        guard = None if mode is ALONE else link
        tx = Tx(link.connection, actor, guard)
        try:
            if guard:
                guard.begin(mode, actor)
            result = call(tx)
            if guard:
                guard.commit()
        except Exception as error:
            if link.prepares and _state(error) in NOT_PREPARED:
                self._prepares = False
                link.close()
            self._forsake(link)
            if isinstance(error, psycopg.Error | DBAPIError) and (link.lost or _state(error) in NOT_NOW):
                raise _Lost from error
            raise
        except BaseException:
            self._forsake(link)
            raise
        return result, tx.events

    def _link(self) -> Link:
        link: Link | None = getattr(self._local, "link", None)
        if link is None:
            try:
                link = self._local.link = Link(self._engine, prepares=self._prepares)
            except (psycopg.Error, DBAPIError) as error:
                raise _Lost from error
            with self._lock:
                self._links.add(link)
        return link

    def _forsake(self, link: Link) -> None:
        link.abandon()
        if link.lost:
            self._local.link = None
            with self._lock:
                self._links.discard(link)


def _cause(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _state(error: Exception) -> str | None:
    """PostgreSQL's code for what went wrong."""
    return getattr(_cause(error), "sqlstate", None)


def _lost_a_race(state: str | None, attempt: int) -> bool:
    """Whether another run may find things as it wants them. A row that is there on the second look stays."""
    return state in (SERIALIZATION_FAILURE, DEADLOCK) or (state == ALREADY_THERE and attempt < 3)


def connected(engine: Engine, url: str) -> Connection:
    """A connection, or the sentence that says why there is none. Holds no password."""
    try:
        return engine.connect()
    except (psycopg.Error, DBAPIError) as error:
        place = make_url(url)
        why = str(_cause(error)).strip().splitlines()[-1].strip().rstrip(".")
        where = f"{place.host}:{place.port or 5432}/{place.database or place.username or ''}"
        raise DatabaseUnusable(f"The database at {where} cannot be reached: {why}.") from error


def migrate_with(url: str, *, for_role: str | None = None) -> None:
    """Bring the schema up as this URL's role, which owns it; `for_role` is then given what it needs.

    One migration at a time, whoever starts it: the lock ends with the transaction.
    """
    engine = make_engine(url, isolation_level="READ COMMITTED")
    with connected(engine, url).execution_options(migration=True) as connection, connection.begin():
        roles.lock_migrations(connection)
        try:
            migrate.upgrade(connection)
        except (ProgrammingError, OperationalError) as error:
            why = WHY_NOT_NOW.get(_state(error) or "")
            if why is None:
                raise
            raise DatabaseUnusable(why) from error
        if for_role is not None:
            roles.admit(connection, make_url(for_role))
