"""The seam to the database: what a unit of work is given, and how one is run.

A unit is a plain function `f(tx, ...)` of rules and SQL. It may run more than once (a retry after
a conflict), so it has no effect outside its transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, cast
from uuid import UUID

import structlog
from sqlalchemy import BindParameter, Connection, CursorResult, Executable, Uuid, bindparam
from sqlalchemy.exc import NoResultFound

from parlour.db import shortcut
from parlour.db.found import Finds
from parlour.db.guard import Guard
from parlour.db.lanes import lane_of
from parlour.db.moments import AT_ONCE, given
from parlour.db.storing import storing
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError
from parlour.kernel.events import Event, JobQueued

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SCAN_SECONDS = 5.0
"""How long a scan may take for somebody who waits for a page; the house itself may take its time."""
HERE: BindParameter[UUID] = bindparam("workspace", type_=Uuid())
"""The workspace of the transaction, in statements for `Tx.run`."""

log = structlog.get_logger(__name__)

Listener = Callable[[Sequence[Event | JobQueued]], None]
Unit = Callable[Concatenate["Tx", P], R]


class DatabaseUnusable(Exception):
    """The database cannot be reached, or may not be worked on as it is: a sentence for its operator."""


class DatabaseAway(DatabaseUnusable):
    """Nobody answers there, or not now: it may help to wait."""


class Standing(Enum):
    """How a database's schema stands to this program."""

    OLDER = "it has to be migrated first"
    CURRENT = "it is this program's own"
    NEWER = "a newer program migrated it, and took away nothing that this one needs"
    TOO_NEW = "a newer program migrated it, and this one no longer fits"


class Tx:
    """One transaction, and who is acting in it."""

    __slots__ = ("_found", "_guard", "_perhaps", "actor", "connection", "events")

    def __init__(
        self, connection: Connection, actor: Actor, guard: Guard | None = None, found: Finds | None = None
    ) -> None:
        """`found` is what was found before in the state of the database that this one reads."""
        self._found = found.of(actor) if found else None
        self.connection = connection
        self.actor = actor
        self._guard = guard
        self.events: list[Event | JobQueued] = []
        self._perhaps: list[Callable[[], Iterable[Event | JobQueued]]] = []

    @property
    def workspace_id(self) -> UUID:
        """The one workspace this transaction may touch. Raises LookupError when there is none."""
        if self.actor.workspace_id is None:
            raise LookupError("This transaction was not opened for a workspace.")
        return self.actor.workspace_id

    @property
    def user_id(self) -> UUID:
        """The person who acts. Raises LookupError when it is nobody with an account."""
        if self.actor.user_id is None:
            raise LookupError("This transaction was not opened for a person.")
        return self.actor.user_id

    def acting_as(self, actor: Actor) -> "Tx":
        """The same transaction in somebody else's name, for what follows from what the actor did."""
        other = Tx(self.connection, actor, self._guard, self._found)
        other.events, other._perhaps = self.events, self._perhaps
        return other

    def as_system(self) -> "Tx":
        """The same transaction, for what the house looks up or keeps in order whatever the actor may see."""
        return self.acting_as(Actor.system(self.actor.workspace_id))

    def execute(self, statement: Executable, parameters: Any = None) -> "CursorResult[*tuple[Any, ...]]":
        if self._guard:
            self._guard.admit(self.actor)
        return self.connection.execute(statement, parameters)

    def run(self, statement: Executable, /, **values: Any) -> "CursorResult[*tuple[Any, ...]]":
        """Execute a statement that was built once, in this workspace: its bind `HERE` is filled in.

        Building a statement costs ten times as much as running it, so the busy ones are constants.
        """
        return self.execute(statement, {"workspace": self.workspace_id, **values})

    def rows(self, statement: Executable, /, **values: Any) -> Sequence[tuple[Any, ...]]:
        """All rows of a statement that was built once, or that it wrote and gives back: plain tuples."""
        here = self.actor.workspace_id
        if self._guard:
            self._guard.admit(self.actor)
        given = {"workspace": here, **values} if here else values
        return shortcut.rows(self.connection, statement, given, self._found)

    def objects(self, statement: Executable, make: shortcut.Make[R], /, **values: Any) -> list[R]:
        """What `make` makes of each of the `rows`: of one that reads as it did lately, the very same object.

        What was made of that is found again by it (`Kept`), so it never changes. `make` is one that stays.
        """
        here = self.actor.workspace_id
        if self._guard:
            self._guard.admit(self.actor)
        given = {"workspace": here, **values} if here else values
        return shortcut.objects(self.connection, statement, make, given, self._found)

    def first_say(self, *sentences: str) -> None:
        """Tell a database that has to be told who acts what else it has to know for what comes next."""
        if self._guard:
            for words in sentences:
                self._guard.first_say(words)

    def ahead(self, *units: "Callable[[Tx], object]") -> None:
        """Let the first statement of each of these travel with the next one: they will be run themselves.

        Where a trip to the database costs something. Of a unit that asks for nothing first, nothing comes.
        """
        if self._guard and self._guard.foresees:
            looking = _Ahead(self.connection, self.actor, self._guard)
            for unit in units:
                with suppress(_Asked, DomainError):  # what it refuses it will refuse again
                    unit(looking)

    def led(self, find: "Callable[[Tx], T]", then: "Callable[[Tx, T], R]", *, known_by: Hashable) -> R:
        """`then` of what `find` finds out. Of what was found lately, for the same actor and `known_by`, the
        first statements of `then` go along with `find`; they count in the name that asks for them.
        """
        guard, unit = self._guard, (known_by, self.actor)
        if guard is None or not guard.foresees:
            return then(self, find(self))
        guard.admit(self.actor)
        guard.foresee(unit)
        lately = guard.found_lately(unit)
        if lately is not None:
            self.ahead(lambda looking: then(looking, lately))
            guard.note_found(unit, None)  # should it find nobody any more
        found = guard.noting(unit, lambda: find(self))
        guard.note_found(unit, found)
        return then(self, found)

    def same(self, unit: "Callable[[Tx, *Ts], R]", /, *args: *Ts) -> R:
        """What `unit` makes of these, once in each state of the database for the same actor.

        It depends on nothing else, not on the time of day, and nobody changes what they get.
        """
        if self._found is None:
            return unit(self, *args)
        key = (unit, self.actor, *args)
        known = self._found.get(key)
        if known is None:
            known = self._all_at_once(key, lambda: unit(self, *args))
            self._found.keep(key, known)
        return cast(R, known)

    def _all_at_once(self, unit: Hashable, call: Callable[[], R]) -> R:
        guard = self._guard
        if guard is None or not guard.foresees:
            return call()
        guard.admit(self.actor)
        guard.foresee(unit)
        return guard.noting(unit, call)

    def first(self, statement: Executable, /, **values: Any) -> tuple[Any, ...] | None:
        """The first of `rows`, of a statement that finds one or none."""
        found = self.rows(statement, **values)
        return found[0] if found else None

    def one(self, statement: Executable, /, **values: Any) -> tuple[Any, ...]:
        """The first of `rows`, of a statement that finds one. Raises NoResultFound where it may not look."""
        row = self.first(statement, **values)
        if row is None:
            raise NoResultFound
        return row

    def change(self, statement: Executable, /, **values: Any) -> int:
        """How many rows a statement wrote that was built once, and asks for none of them.

        The columns of an INSERT are those that the values name.
        """
        here = self.actor.workspace_id
        if self._guard:
            self._guard.admit(self.actor)
        return shortcut.change(self.connection, statement, {"workspace": here, **values} if here else values)

    def asking(
        self, statement: Executable, make: Callable[[shortcut.Answered], R], /, **values: Any
    ) -> Callable[[], R]:
        """Ask this with what is asked next, at the latest with the commit, so that it is no trip of its own.

        What comes back says what `make` makes of the answer. What is wrong may be raised with what is next.
        """
        here = self.actor.workspace_id
        if self._guard:
            self._guard.admit(self.actor)
        given = {"workspace": here, **values} if here else values
        return shortcut.asking(
            self.connection, statement, given, make, self._found, waits=self._guard is None
        )

    def put(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write each of the rows, all with the same names, by an INSERT that was built once.

        PostgreSQL is told with what is asked next, at the latest before the commit: what is wrong with the
        rows may be raised there.
        """
        if self._guard:
            self._guard.admit(self.actor)
        shortcut.put(self.connection, statement, rows, waits=self._guard is None)

    def change_soon(self, statement: Executable, **values: Any) -> None:
        """`change` of which nobody asks how many rows it wrote, as `asking`."""
        self.asking(statement, _nothing, **values)

    def emit(self, event: Event) -> None:
        """Publish `event` once the commit is on disk."""
        self.events.append(event)

    def emit_asked(self, asked: Callable[[], Iterable[Event | JobQueued]]) -> None:
        """Publish, behind whatever is emitted, what was asked says has happened, if anything."""
        self._perhaps.append(asked)

    def told(self) -> Sequence[Event | JobQueued]:  # everything is answered
        return [*self.events, *(event for asked in self._perhaps for event in asked())]

    def enqueue(
        self, kind: str, payload: dict[str, Any], *, after: timedelta = AT_ONCE, at: datetime | None = None
    ) -> UUID:
        """Store a job in this transaction; it runs at least once: `after` so long, when the moment `at` has
        come, or soon after the commit.

        Workers look every second for what has become due: only a job that is due at once is told of.
        An `email` in the payload is shown to the operator as whom the job is for.
        """
        job_id = clock.new_id()
        job = {
            "job_id": job_id,
            "workspace_id": self.actor.workspace_id,
            "kind": kind,
            "lane": lane_of(kind),
            "payload": payload,
        }
        engine, here = self.connection.dialect.name, self.connection
        if at:
            self.put(storing(engine, at_a_moment=True), [job | {"moment": at} | given(here)])
        else:
            self.put(storing(engine, at_a_moment=False), [job | given(here, after)])
        if not after and not at:
            self.events.append(JobQueued(kind))
        return job_id


def _nothing(_: object) -> None: ...


class _Asked(Exception):
    """The first statement of a unit, which is asked ahead."""


class _Ahead(Tx):
    """What a unit is given to find out what it asks first."""

    __slots__ = ()

    def rows(self, statement: Executable, /, **values: Any) -> Sequence[tuple[Any, ...]]:
        here = self.actor.workspace_id
        if self._guard:
            self._guard.admit(self.actor)
        shortcut.ahead(self.connection, statement, {"workspace": here, **values} if here else values)
        raise _Asked

    def same(self, unit: "Callable[[Tx, *Ts], R]", /, *args: *Ts) -> R:
        if self._guard:
            self._guard.admit(self.actor)
            if self._guard.foresee((unit, self.actor, *args)):
                raise _Asked
        return unit(self, *args)

    def objects(self, statement: Executable, make: Any, /, **values: Any) -> list[Any]:  # noqa: ARG002
        self.rows(statement, **values)
        return []

    def asking(self, statement: Executable, make: Any, /, **values: Any) -> Any:  # noqa: ARG002
        self.rows(statement, **values)

    def _asked(self, *_: Any, **__: Any) -> Any:
        raise _Asked

    def acting_as(self, actor: Actor) -> "Tx":
        return _Ahead(self.connection, actor, self._guard)

    execute = change = change_soon = put = first_say = _asked


def _not_asked(_: float) -> None:
    """Nobody wants to know how long commits take."""


class Database(ABC):
    """Runs units of work. Every method takes who is acting, the function, and its arguments."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._commit_took: Callable[[float], None] = _not_asked

    def on_commit(self, listener: Listener) -> None:
        """Call `listener` on the event loop after each commit, with that unit's events.

        On SQLite in commit order; on PostgreSQL two commits of one moment may change places. Its
        failure is logged, and no business of whoever waits for the commit.
        """
        self._listeners.append(listener)

    def _publish(self, events: Sequence[Event | JobQueued]) -> None:
        for listener in self._listeners if events else ():
            try:
                listener(events)
            except Exception:
                log.exception("a listener of the database failed")

    def time_commits(self, observe: Callable[[float], None]) -> None:
        """Tell `observe` how many seconds each commit took. Any thread may."""
        self._commit_took = observe

    @property
    @abstractmethod
    def waiting(self) -> int:
        """Units that wait for their turn."""

    @property
    def sizes(self) -> Mapping[str, Callable[[], float]]:
        """Bytes that an operator keeps an eye on, by what they are; none where they are another machine's."""
        return {}

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def migrate(self) -> Standing:
        """Bring the schema to this program's, and say how it stood before.

        A newer one that this program may work on is left as it is. Raises SchemaTooNew for any other.
        """

    @abstractmethod
    async def prepare(self) -> None:
        """Make sure that this program can do its work: SQLite migrates, PostgreSQL only looks.

        Raises DatabaseUnusable, SchemaTooNew.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what is queued, then let go. Later calls raise RuntimeError."""

    @abstractmethod
    async def read(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a bounded, indexed read on one consistent snapshot."""

    @abstractmethod
    async def scan(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a read whose cost can grow, away from the event loop. For whoever waits for a page it raises
        Overloaded after SCAN_SECONDS.
        """

    @abstractmethod
    async def probe(self, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a read for the system in a transaction that also writes, so that it ends well only where others
        could be stored too. What it writes changes and grows nothing. Raises StorageFull and StandbyAway.
        """

    @abstractmethod
    async def write(self, actor: Actor, function: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one transaction. Returns when the commit is on disk; raises what the unit raised."""
