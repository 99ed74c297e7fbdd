"""One connection to PostgreSQL: how it is made, and in whose name it speaks."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from parlour.kernel.access import Actor
from parlour.kernel.errors import Overloaded

CONNECT_SECONDS = 3
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


class Unanswered(Overloaded):
    """The connection was lost during COMMIT: stored or not, nobody knows. The same `client_id` finds out."""


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
        """Forget the transaction. A connection that refuses even this is of no more use.

        Said past psycopg, which would forget the prepared statements too, although a ROLLBACK leaves them.
        """
        try:
            done = self.raw.pgconn.exec_(b"ROLLBACK").status == ExecStatus.COMMAND_OK
        except psycopg.Error:
            done = False
        if not done:
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
