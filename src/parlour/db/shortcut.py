"""The short way to the driver: a statement that was built once goes to it as the text that it becomes.

SQLAlchemy takes 10 to 20 µs for an execution and 1 µs for a row, SQLite itself 2 and 0.3; on PostgreSQL it
takes 100, half of them for names of columns that nobody asks for. What is found out anew each time (the text,
the order of the values, how each is stored and read) is the same each time. Whoever listens to SQLAlchemy's
events hears of these statements as of any other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache, lru_cache, partial
from types import GenericAlias
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast
from uuid import UUID

from msgspec import convert
from sqlalchemy import ARRAY, JSON, BindParameter, ColumnDefault, Connection, Dialect, Executable, Uuid
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from parlour.db.found import Finds
from parlour.db.several import in_one
from parlour.kernel.kept import Alike

STATEMENTS = 1000
IDS = 20_000
"""Ids that came by lately: making one of its text costs as much as reading three values."""
OBJECTS = 1_000
"""Rows of a statement whose objects are kept: the pages that people look at, many times over."""
NAMED = 2_000
"""The same of a NamedTuple, from all statements that find its rows."""

_NOW = re.compile(r"\b(?:\w+_timestamp|now|random|pg_\w+)\(")
"""In a statement that may find something else although nothing was stored."""

_Process = Callable[[Any], Any]
T = TypeVar("T")
Make = Callable[[tuple[Any, ...]], T] | type[T]
"""Makes something of a row; or a NamedTuple, whose fields say what the columns are."""


@lru_cache(maxsize=IDS)
def _id(stored: str | None) -> UUID | None:
    return convert(stored, UUID) if stored else None


def _writer(bind: BindParameter[Any], dialect: Dialect) -> _Process | None:
    return bind.type.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    if isinstance(kind, Uuid) and dialect.name == "sqlite":
        return _id
    if _is_changeable(kind) and dialect.name == "postgresql":
        return deepcopy  # the driver has made it already
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _is_changeable(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, JSON | ARRAY)


class Prepared:
    """A statement as text. Values that it already holds are the defaults of those that come with each run.

    `numbered` is the same with the values named as PostgreSQL itself does: $1 and so on.
    """

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, numbered: SQLCompiler | None) -> None:
        self.compiled = compiled
        self.sql = str(compiled)
        self.numbered = str(numbered).encode()
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._by_name = numbered is not None
        names = (numbered or compiled).positiontup or []
        self._stored = [(name, _writer(binds[name], dialect)) for name in names]
        self._held = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        self._held |= {column.key: column.default.arg for column in _with_defaults(compiled)}
        columns = compiled._result_columns  # noqa: SLF001 a statement may know those from before `returning`
        self.answers = bool(columns)
        readers = ((at, _reader(each.type, dialect)) for at, each in enumerate(columns))
        self._read = [(at, read) for at, read in readers if read]
        self.changeable = any(_is_changeable(each.type) for each in columns)
        """Whether whoever gets a row could change what is in it."""
        self.lasts = not _NOW.search(self.sql)
        self.objects: Callable[[Any], Alike[Any]] = cache(self._objects)

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """In the order in which they are asked for. Raises LookupError when one is missing."""
        values = {**self._held, **given}
        return [stored(values[name]) if stored else values[name] for name, stored in self._stored]

    def key(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The statement and its values, to find again what it found."""
        return self, *[tuple(value) if type(value) is list else value for value in values]

    def for_cursor(self, values: Sequence[Any]) -> Any:
        """The same for a cursor, which wants those of `sql` by name on PostgreSQL."""
        if not self._by_name:
            return values
        return {name: value for (name, _), value in zip(self._stored, values, strict=True)}

    def read(self, found: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """The rows in Python's types: a column at a time, which is quicker."""
        if not found or not self._read:
            return found
        columns: list[Any] = list(zip(*found, strict=True))
        for at, read in self._read:
            columns[at] = map(read, columns[at])
        return list(zip(*columns, strict=True))

    def _objects(self, make: Make[Any]) -> Alike[Any]:
        """`make` of rows as they are stored: the same texts and numbers are the same row."""
        if _is_named(make):
            return _named(make)
        made = _of_all(make)
        return Alike(lambda stored: made(self.read(stored)), most=OBJECTS)


def _of_all(make: Make[T]) -> Callable[[Sequence[tuple[Any, ...]]], list[T]]:
    """A NamedTuple is made of rows as they are stored or read, all at once and by msgspec."""
    if _is_named(make):
        return partial(convert, type=GenericAlias(list, make), strict=False)
    return lambda rows: list(map(make, rows))


def _is_named(make: Make[T]) -> TypeGuard[type[T]]:
    return hasattr(make, "_fields")


_named: Callable[[Any], Alike[Any]] = cache(lambda kind: Alike(_of_all(kind), most=NAMED))
"""Of a NamedTuple rows are alike whichever statement found them: what one list has shown is known in the
next, and in a search."""


def _with_defaults(compiled: SQLCompiler) -> list[Any]:
    """The columns that this program gives a value of its own where none comes with the run."""
    return [*compiled.insert_prefetch, *compiled.update_prefetch]


@lru_cache(maxsize=STATEMENTS)
def _prepared(statement: Any, dialect: Dialect, names: tuple[str, ...] | None = None) -> Prepared | None:
    """None for one whose text depends on its values, or names them in signs that the driver does not take.

    `names` are of the values that come with a run: they say which columns an INSERT fills.
    """
    compiled = statement.compile(dialect=dialect, column_keys=names)
    made = (column.default for column in _with_defaults(compiled))
    if compiled.post_compile_params or compiled.escaped_bind_names or not all(map(_is_constant, made)):
        return None
    numbered = None
    if dialect.name == "postgresql":
        its: Any = type(dialect)
        numbered = statement.compile(dialect=its(paramstyle="numeric_dollar"), column_keys=names)
    return Prepared(compiled, dialect, numbered)


def _is_constant(default: Any) -> bool:
    return isinstance(default, ColumnDefault) and default.is_scalar


_first_of_a_kind: dict[type[Dialect], Dialect] = {}
"""Each engine brings a dialect of its own. What is prepared for one of a kind is right for all."""


def _ready(connection: Connection, statement: Executable, given: Mapping[str, Any]) -> Prepared | None:
    dialect = connection.dialect
    known = _first_of_a_kind.setdefault(type(dialect), dialect)
    return _prepared(statement, known, tuple(given) if statement.is_dml else None)


def rows(
    connection: Connection, statement: Executable, given: Mapping[str, Any], found: Finds | None = None
) -> Sequence[tuple[Any, ...]]:
    """All rows that the statement finds. Raises what SQLAlchemy would, LookupError for a missing value."""
    prepared = _ready(connection, statement, given)
    if prepared is None:
        return cast(Sequence[tuple[Any, ...]], connection.execute(statement, given).all())
    if found is None or not prepared.lasts:
        return prepared.read(_run(connection, statement, prepared, given)[0])
    values = prepared.values(given)
    key = prepared.key(values)
    known = found.get(key)
    if known is None:
        stored, _ = _run(connection, statement, prepared, given)
        known = stored if prepared.changeable else prepared.read(stored)
        found.keep(key, known, stored)
    else:
        _known(connection, statement, prepared, given, values)
    return prepared.read(known) if prepared.changeable else list(known)


def objects(
    connection: Connection,
    statement: Executable,
    make: Make[T],
    given: Mapping[str, Any],
    found: Finds | None = None,
) -> list[T]:
    """What `make` makes of each row: of one that is as it was lately the same as then. Raises as `rows`."""
    prepared = _ready(connection, statement, given)
    if prepared is None:
        return _of_all(make)([tuple(row) for row in connection.execute(statement, given)])
    if found is None or not prepared.lasts:
        return prepared.objects(make).each(_run(connection, statement, prepared, given)[0])
    values = prepared.values(given)
    key = (make, *prepared.key(values))
    known = found.get(key)
    if known is None:
        stored, _ = _run(connection, statement, prepared, given)
        known = prepared.objects(make).each(stored)
        found.keep(key, known, stored)
    else:
        _known(connection, statement, prepared, given, values)
    return list(known)


def ahead(connection: Connection, statement: Executable, given: Mapping[str, Any]) -> None:
    """Let it travel with the next statement, where statements may: `rows` finds it answered."""
    prepared, raw = _ready(connection, statement, given), cast(Any, connection.connection.dbapi_connection)
    if prepared and getattr(raw, "prepares", False):
        raw.ahead(prepared.numbered, prepared.values(given))


def asking(
    connection: Connection,
    statement: Executable,
    given: Mapping[str, Any],
    read: Callable[["Answered"], T],
    found: Finds | None,
    *,
    waits: bool,
) -> Callable[[], T]:
    """Ask with what is asked next, where statements may, unless it `waits`; what comes back gives what `read`
    makes of the answer, and raises as `rows`.
    """
    prepared = _ready(connection, statement, given)
    at_once = waits or found is not None or prepared is None
    raw: Any = None if at_once else connection.connection.dbapi_connection
    if prepared is None or not getattr(raw, "prepares", False):
        known = read(_asked_now(connection, statement, prepared, given, found))
        return lambda: known
    values = prepared.values(given)
    if heard := _listeners(connection):
        _tell_before(heard, connection, statement, prepared, values, given, ())
    owed = raw.asking(prepared.numbered, values)
    if heard:
        _tell_after(heard, connection, _Untold(), prepared, values, ())

    def answered() -> T:
        came = raw.answered(owed)
        return read(Answered(prepared.read(came.rows), came.rowcount))

    return answered


def _asked_now(
    connection: Connection,
    statement: Executable,
    prepared: Prepared | None,
    given: Mapping[str, Any],
    found: Finds | None,
) -> "Answered":
    if found is not None:
        return Answered(rows(connection, statement, given, found), -1)
    if prepared is None:
        cursor = connection.execute(statement, given)
        return Answered(cast(Any, cursor.all() if cursor.returns_rows else []), cursor.rowcount)
    stored, count = _run(connection, statement, prepared, given)
    return Answered(prepared.read(stored), count)


def change(connection: Connection, statement: Executable, given: Mapping[str, Any]) -> int:
    """How many rows the statement wrote, which asks for none of them. Raises as `rows`."""
    prepared = _ready(connection, statement, given)
    if prepared is None:
        return connection.execute(statement, given).rowcount
    return _run(connection, statement, prepared, given)[1]


def put(
    connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]], *, waits: bool
) -> None:
    """Run the statement, which asks for nothing, with each of the rows, all of the same names.

    Raises as `rows`; unless it `waits`, what comes next may do so.
    """
    if connection.dialect.name == "postgresql":
        statement, rows = in_one(statement, rows)
    prepared = _ready(connection, statement, rows[0]) if rows else None
    if prepared is not None:
        _run(connection, statement, prepared, {}, rows, waits=waits)
    elif rows:
        connection.execute(statement, rows)


def _run(
    connection: Connection,
    statement: Executable,
    prepared: Prepared,
    given: Mapping[str, Any],
    many: Sequence[Mapping[str, Any]] = (),
    *,
    waits: bool = True,
) -> tuple[list[tuple[Any, ...]], int]:
    """The rows as they are stored, and how many the statement wrote."""
    values: Any = [prepared.values(each) for each in many] if many else prepared.values(given)
    dialect, raw = connection.dialect, cast(Any, connection.connection.dbapi_connection)
    heard = _listeners(connection)
    if heard:
        _tell_before(heard, connection, statement, prepared, values, given, many)
    try:
        cursor, found = _ask(raw, prepared, values, several=bool(many), waits=waits)
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            prepared.sql, values, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
        ) from error
    if heard:
        _tell_after(heard, connection, cursor, prepared, values, many)
    return found, cursor.rowcount


class Answered(NamedTuple):
    """The rows that a statement found, and how many it wrote."""

    rows: Sequence[tuple[Any, ...]]
    written: int


class _Untold(NamedTuple):
    """Nobody has waited for the answer."""

    rowcount: int = -1


def _ask(
    raw: Any, prepared: Prepared, values: Any, *, several: bool, waits: bool
) -> tuple[Any, list[tuple[Any, ...]]]:
    """What knows how many rows it was, as a cursor does, and the rows."""
    if getattr(raw, "prepares", False):
        runs = values if several else [values]
        if not waits:
            raw.later(prepared.numbered, runs)
            return _Untold(), []
        answer = raw.ask(prepared.numbered, runs)
        return answer, answer.rows
    cursor = raw.cursor()
    if several and len(values) > 1:
        cursor.executemany(prepared.sql, list(map(prepared.for_cursor, values)))
    else:
        cursor.execute(prepared.sql, prepared.for_cursor(values[0] if several else values))
    return cursor, cursor.fetchall() if prepared.answers else []


def _known(
    connection: Connection, statement: Executable, prepared: Prepared, given: Mapping[str, Any], values: Any
) -> None:
    """Nothing is run: whoever listens hears what would have been."""
    if heard := _listeners(connection):
        _tell_before(heard, connection, statement, prepared, values, given, ())
        _tell_after(heard, connection, None, prepared, values, ())


def _listeners(connection: Connection) -> Any:
    return connection.dispatch if connection._has_events or connection.engine._has_events else None  # noqa: SLF001


def _tell_before(
    heard: Any,
    connection: Connection,
    statement: Executable,
    prepared: Prepared,
    values: Any,
    given: Mapping[str, Any],
    many: Sequence[Mapping[str, Any]],
) -> None:
    for listener in heard.before_execute:
        listener(connection, statement, many, given, {})
    told = list(map(prepared.for_cursor, values)) if many else prepared.for_cursor(values)
    for listener in heard.before_cursor_execute:
        listener(connection, None, prepared.sql, told, prepared, bool(many))


def _tell_after(
    heard: Any, connection: Connection, cursor: Any, prepared: Prepared, values: Any, many: Sequence[Any]
) -> None:
    told = list(map(prepared.for_cursor, values)) if many else prepared.for_cursor(values)
    for listener in heard.after_cursor_execute:
        listener(connection, cursor, prepared.sql, told, prepared, bool(many))
