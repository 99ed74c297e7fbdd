"""One connection to PostgreSQL: how it is made, what is relied on there, and in whose name it speaks."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, TypeVar, cast

import psycopg
from msgspec import Struct
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from parlour.db import database
from parlour.db.postgres.answering import ANSWER_SECONDS, PREPARED_LIMIT, Answering, Asked
from parlour.db.postgres.lately import Lately
from parlour.kernel.access import Actor, Kind
from parlour.kernel.errors import Overloaded

CONNECT_SECONDS = 3
NOTICE_A_DEAD_PEER = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A machine that vanished says nothing: after about ten seconds of silence the connection is given up."""
GRACE_SECONDS = 1.0
"""How much longer than the server's own limit the answer to a statement is waited for."""
PREPARE_AFTER = 5
TRAVELS_WITH_MS = 6_000
"""BEGIN is waited for as long as the statement that it travels with: of what writes as long as others' locks,
because a server that does not answer at all is given up sooner. Of a read that may take longer it goes ahead.
"""


T = TypeVar("T")


class Unanswered(Overloaded):
    """The connection was lost during COMMIT: stored or not, nobody knows. The same `client_id` finds out."""


class Mode(Struct, frozen=True, eq=False):
    """How a transaction begins. The server's limits are in milliseconds. `patience` are the seconds that a
    unit may wait for its turn, for others' locks and for a database that restarts.
    """

    begin: sql.SQL
    statement_timeout: int
    lock_timeout: int = 5_000
    plans: str = "force_generic_plan"
    """PostgreSQL's `plan_cache_mode`. Left to itself it plans a page's statements for the values at hand each
    time, because the plan for any looks a little dearer; that takes ten times as long as to run them.
    """
    patience: float = 6.0
    is_scan: bool = False
    """One for somebody who waits may take SCAN_SECONDS."""
    only_reads: bool = False

    def limit(self, actor: Actor) -> int:
        waits = self.is_scan and self.finds(actor)
        return round(database.SCAN_SECONDS * 1_000) if waits else self.statement_timeout

    def finds(self, actor: Actor) -> bool:
        """Whether what is read is found again: of what the house scans for itself nobody asks twice."""
        return self.only_reads and not (self.is_scan and actor.kind is Kind.SYSTEM)


READ = Mode(sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), 6_000, only_reads=True)
SCAN = Mode(
    sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    60_000,
    plans="force_custom_plan",
    is_scan=True,
    only_reads=True,
)  # what it finds depends on the values, and so does the way to find it
WRITE = Mode(sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"), 10_000)
PROBE = Mode(WRITE.begin, 1_000, 1_000, patience=1.0)
ALONE = Mode(sql.SQL(""), 0)
"""No transaction is opened: one statement, on a connection for writes."""

_FACTS = ("kind", "actor", "workspace", "user", "role", "ticket")
"""Who acts, each as the setting that db/migrations/policies.sql knows it by."""
_SPEAKER = sql.SQL("SELECT ") + sql.SQL(", ").join(
    sql.SQL("set_config({}, {}, true)").format(sql.Literal(f"parlour.{name}"), sql.Placeholder(name))
    for name in _FACTS
)
_SPEAK = _SPEAKER.as_string()
_SPEAK_FIRST = "SELECT {}".format(
    ", ".join(f"set_config('parlour.{name}', ${at}, true)" for at, name in enumerate(_FACTS, 1))
).encode()
STATE = (
    b"SELECT pg_catalog.pg_current_snapshot()::text, pg_catalog.pg_postmaster_start_time()::text"
    b" WHERE NOT pg_catalog.pg_is_in_recovery()"
)
"""How the database stands: recollection.py says what that is worth, and why a standby is not asked."""
RELIED_ON = {
    "search_path": "public",
    "row_security": "on",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "transform_null_equals": "off",
}
"""What a role or a database may have been given other values of, by whoever else uses the server."""


_DURABLE = sql.SQL(
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, {})"
)
"""What is acknowledged is on a disk, whatever a role was given. Which replicas to wait for, operators say."""


def _relied_on(*, in_transaction: bool) -> sql.Composed:
    """Said once where the connection is our own. A proxy lends it to somebody else after the transaction."""
    each = [
        sql.SQL("set_config({}, {}, {})").format(sql.Literal(name), sql.Literal(value), in_transaction)
        for name, value in RELIED_ON.items()
    ]
    each.append(_DURABLE.format(in_transaction))
    return sql.SQL(", ").join(each)


_ON_A_LENT_CONNECTION = sql.SQL(", ") + _relied_on(in_transaction=True)
_ON_OUR_OWN = sql.SQL("SELECT ") + _relied_on(in_transaction=False)
_IN_A_COMMAND = (
    sql.SQL(
        "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true), "
        "set_config('idle_in_transaction_session_timeout', '0', true), "
    )
    + _relied_on(in_transaction=True)
).as_string()


def _limits(*, in_transaction: bool) -> sql.Composed:
    names = ("statement_timeout", "lock_timeout", "plan_cache_mode", "idle_in_transaction_session_timeout")
    return sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, {})").format(sql.Literal(name), sql.Placeholder(name), in_transaction)
        for name in names
    )


_LIMITS = sql.SQL(", ") + _limits(in_transaction=True)
_LIMITS_OF_OUR_OWN = sql.SQL("SELECT ") + _limits(in_transaction=False)


def connect_options(url: str) -> dict[str, Any]:
    """What psycopg connects with: one reading of an address for all, also of one that names several hosts."""
    there = make_url(url).set(drivername="postgresql+psycopg")
    return dict(there.get_dialect()().create_connect_args(there)[1])


def make_engine(url: str, *, isolation_level: Any = "AUTOCOMMIT", answering: bool = False) -> Engine:
    """Transactions are opened by hand unless another isolation level is given.

    `answering`: its connections are `Answering`, for a `Link` each.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level=isolation_level,
        hide_parameters=True,  # what people wrote has no place in a log
        use_native_hstore=False,
        connect_args={
            "prepare_threshold": None,
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "parlour",
            "client_encoding": "UTF8",
            **NOTICE_A_DEAD_PEER,
        },
    )
    if not answering:

        @event.listens_for(engine, "begin")
        def rely(connection: Connection) -> None:
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            connection.exec_driver_sql(_IN_A_COMMAND)

    else:

        @event.listens_for(engine, "do_connect")
        def connect(_: object, __: object, arguments: Any, options: Any) -> Answering:
            return Answering.connect(*arguments, **options)

    return engine


class Link:
    """A connection one unit has at a time, and the name in which it speaks. The engine is `answering`."""

    def __init__(self, engine: Engine, *, prepares: bool, lately: Lately | None = None) -> None:
        self.connection: Connection = engine.connect()
        self.raw = cast(Answering, self.connection.connection.dbapi_connection)
        try:
            direct = self._is_direct()
            if direct:
                self.raw.execute(_ON_OUR_OWN, prepare=False)
        except psycopg.Error:
            self.close()
            raise
        begin_with = _SPEAKER + _LIMITS + (sql.SQL("") if direct else _ON_A_LENT_CONNECTION)
        self._begins = {
            mode: sql.SQL("; ").join([mode.begin, begin_with]).as_string()
            for mode in (READ, SCAN, WRITE, PROBE)
        }
        self.prepares = self.raw.prepares = prepares and direct
        self.raw.prepare_threshold = PREPARE_AFTER if self.prepares else None
        self.raw.prepared_max = PREPARED_LIMIT
        self._words = psycopg.ClientCursor(self.raw)  # several statements in one round trip
        self._actor: Actor | None = None
        self._before_savepoint: Actor | None = None
        self.lately = lately or Lately()
        self.foresees = False
        self._limits: dict[str, str] = {}

    def _is_direct(self) -> bool:
        """A proxy gives its clients process numbers of its own, because a connection has many there."""
        there = self.raw.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
        return there is not None and there[0] == self.raw.info.backend_pid

    @property
    def lost(self) -> bool:
        return self.raw.closed

    def begin(self, mode: Mode, actor: Actor) -> None:
        self.raw.patience = self.raw.then = ANSWER_SECONDS
        self.foresees = self.prepares and mode.only_reads
        if mode is ALONE:
            return
        limit = mode.limit(actor)
        limits = {
            "statement_timeout": str(limit),
            "lock_timeout": str(mode.lock_timeout),
            "plan_cache_mode": mode.plans,
            "idle_in_transaction_session_timeout": "60000",
        }
        if self.prepares:
            self._begin_with_what_follows(mode, actor, limits)
        else:
            self._words.execute(self._begins[mode], _facts(actor) | limits)
        begun_by = mode.lock_timeout if self.prepares and not mode.only_reads else limit
        self.raw.patience = min(limit, begun_by) / 1000 + GRACE_SECONDS
        self.raw.then = limit / 1000 + GRACE_SECONDS
        self._actor = actor

    def _begin_with_what_follows(self, mode: Mode, actor: Actor, limits: dict[str, str]) -> None:
        if limits != self._limits:
            self.raw.ready()
            self._words.execute(_LIMITS_OF_OUR_OWN, limits)
            self._limits = limits
        self.raw.first(mode.begin.as_string().encode())
        if mode.finds(actor):
            self.raw.first(STATE, heard=True)
        self.raw.speak(actor, _SPEAK_FIRST, list(_facts(actor).values()))
        if mode.only_reads and mode.limit(actor) > TRAVELS_WITH_MS:
            self.raw.ready()

    def admit(self, actor: Actor) -> None:
        if actor is not self._actor and actor != self._actor:
            if self.prepares:
                self.raw.speak(actor, _SPEAK_FIRST, list(_facts(actor).values()))
            else:
                self._words.execute(_SPEAK, _facts(actor))
        self._actor = actor

    def foresee(self, unit: Hashable) -> bool:
        lately = self.lately.of(unit)
        whose = self._actor
        for asked in lately:
            if asked.stored is None:
                self._say_first(asked.words)
            else:
                self.admit(asked.name)
                self.raw.foresee(asked.words, asked.stored)
        if whose:
            self.admit(whose)
        return bool(lately)

    def noting(self, unit: Hashable, call: Callable[[], T]) -> T:
        outer, self.raw.noted = self.raw.noted, []
        try:
            made = call()
            self.lately.note(unit, self.raw.noted or ())
        finally:
            self.raw.noted = outer
        return made

    def found_lately(self, unit: Hashable) -> object:
        return self.lately.found(unit)

    def note_found(self, unit: Hashable, found: object) -> None:
        self.lately.note_found(unit, found)

    def first_say(self, words: str) -> None:
        if self.prepares:
            said = words.encode()
            if self.raw.noted is not None:
                self.raw.noted.append(Asked(self._actor, said))
            self._say_first(said)
        else:
            self._mark_speaker(words.encode())
            self._words.execute(words)

    def _say_first(self, words: bytes) -> None:
        self._mark_speaker(words)
        self.raw.first(words)

    def _mark_speaker(self, words: bytes) -> None:
        """Going back to a savepoint brings back whoever spoke before it."""
        if words.startswith(b"SAVEPOINT"):
            self._before_savepoint = self._actor
        elif words.startswith(b"ROLLBACK TO") and self._actor != self._before_savepoint:
            self._actor = None

    def commit(self, mode: Mode) -> None:
        """Returns when what was written is stored. The end of what only read is said and not waited for."""
        if not self.raw.owes:
            self.raw.unsay()
            if self.raw.is_idle:
                return
            if mode.only_reads and self.prepares and not self.raw.has_failed:
                self.raw.leave(b"COMMIT")
                return
        if self.raw.is_idle and self.raw.hears_something:
            self.raw.ready()  # not all in one, of which nobody would know whether it was done
        try:
            answer = self.raw.end(b"COMMIT")
        except psycopg.Error as error:
            if self.lost and not self.raw.undone:
                raise Unanswered from error
            raise
        self.raw.unsay()
        if answer.command_status != b"COMMIT":
            raise RuntimeError("The unit went on after a statement had failed; nothing of it was stored.")

    def abandon(self) -> None:
        """Forget the transaction. A connection that refuses even this is of no more use.

        Said past psycopg, which would forget the prepared statements too, although a ROLLBACK leaves them.
        """
        self.raw.unsay()
        if self.raw.is_idle:
            return
        try:
            self.raw.patience = ANSWER_SECONDS
            self.raw.say(b"ROLLBACK")
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
