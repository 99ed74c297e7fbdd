"""The rows of a database that is there, as lines. The caller's transaction is what makes them one state."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Protocol
from typing import cast as typed

import psycopg
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, Select, Text, cast, func, inspect, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.types import TypeEngine

from parlour.db import epoch, migrate, postgres, schema
from parlour.db.backup.rows import Column, Kind, Lines, Shape, Tell, encode
from parlour.db.database import DatabaseUnusable, Tx
from parlour.db.postgres import link, roles
from parlour.db.sqlite import file
from parlour.kernel.access import Actor

SEARCH = Shape(
    "ticket_search",
    (
        Column("position", Kind.INTEGER),
        Column("workspace_id", Kind.UUID),
        Column("ticket_id", Kind.UUID),
        Column("words", Kind.TEXT),
    ),
)
"""The words to search by are no table of the schema: each engine has its own kind for them."""
SEARCH_ON_SQLITE = ("rowid", "workspace", "ticket_id", "words")
OF_THIS_DATABASE = {"alembic_version", "limit_windows", *(each.name for each in schema.HOUSE_TABLES)}
"""What a copy does not take along: the schema says it of itself, or it is forgotten in minutes anyway."""

_KINDS = {
    "CHAR(32)": Kind.UUID,
    "UUID": Kind.UUID,
    "VARCHAR(27)": Kind.MOMENT,
    "TIMESTAMP WITH TIME ZONE": Kind.MOMENT,
    "JSON": Kind.JSON,
    "BOOLEAN": Kind.BOOLEAN,
    "INTEGER": Kind.INTEGER,
    "BIGINT": Kind.INTEGER,
    "SMALLINT": Kind.INTEGER,
    "TEXT": Kind.TEXT,
}
"""By the types as both engines declare them."""


class Contents(Struct, frozen=True):
    """What a database or a backup holds. The tables stand in an order in which they can be filled."""

    engine: str
    revision: str
    epoch: str | None
    shapes: tuple[Shape, ...]


class Source(Protocol):
    """A database to copy from, or a backup of one."""

    @property
    def contents(self) -> Contents: ...

    def verify(self, tell: Tell) -> None:
        """Raise for whatever is missing or damaged, before anything is done with the rest."""

    def bring_objects(self, tell: Tell) -> None:
        """Put what people attached where it is to be, before any row says so."""

    def total(self, shape: Shape) -> int: ...

    def lines(self, shape: Shape) -> Lines: ...


class Snapshot:
    """A database as it stands in the transaction of this connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.contents = contents(connection)

    def verify(self, tell: Tell) -> None:
        """It is the database itself: what it cannot tell, it says while it is read."""

    def bring_objects(self, tell: Tell) -> None:
        """They stay where they are."""

    def total(self, shape: Shape) -> int:
        source = named_table(shape.name)
        return int(self._connection.execute(select(func.count()).select_from(source)).scalar_one())

    def lines(self, shape: Shape) -> Lines:
        return lines(self._connection, shape)


@contextmanager
def of_sqlite(path: Path) -> Iterator[Snapshot]:
    """The file as it is now, whatever is written meanwhile: its log is not folded in past this point, and the
    writer does not wait.
    """
    if not file.is_there(path):
        raise DatabaseUnusable(f"There is no database at {path}.")
    engine = file.make_engine(path, writer=False, checkpoints=False)
    with file.sentences(path), engine.connect().execution_options(migration=True) as connection:
        connection.exec_driver_sql("BEGIN")
        yield Snapshot(connection)


@contextmanager
def of_postgresql(url: str) -> Iterator[Snapshot]:
    """As the role in `url`, which must see every row. No migration runs meanwhile: one that rewrites a table
    would show it empty to a transaction that began before.
    """
    engine = link.make_engine(url)
    with (
        postgres.sentences(),
        _unlimited(engine, url, "BEGIN") as keeper,
    ):
        keeper.exec_driver_sql(f"SELECT pg_catalog.pg_advisory_xact_lock_shared({roles.MIGRATING})")
        with _unlimited(engine, url, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            roles.refuse_who_does_not_see_everything(connection)
            yield Snapshot(connection)


@contextmanager
def _unlimited(engine: Engine, url: str, begin: str) -> Iterator[Connection]:
    """A transaction that may take as long as it takes. What it holds ends with it, also where a proxy lends
    connections by the transaction.
    """
    with postgres.connected(engine, url).execution_options(migration=True) as connection:
        connection.exec_driver_sql(begin)
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        yield connection


def contents(connection: Connection) -> Contents:
    """Raises DatabaseUnusable for a database without tables, or with a column of which no line is made."""
    revision = migrate.revision(connection)
    if revision is None:
        raise DatabaseUnusable("The database has no tables yet: there is nothing to copy.")
    names = tables(connection)
    shapes = [_shape(connection, name) for name in names]
    if inspect(connection).has_table(SEARCH.name):
        shapes.append(SEARCH)
    told = inspect(connection).has_table(schema.history.name)
    line_of_history = epoch.current(Tx(connection, Actor.system())) if told else None
    return Contents(connection.dialect.name, revision, line_of_history, tuple(shapes))


def tables(connection: Connection) -> list[str]:
    """Those that are copied, in an order in which they can be filled, without the words to search by.

    Of a schema that is not this program's own, all there are; of its own, nothing that was put beside it.
    """
    own = set(schema.metadata.tables)
    if migrate.revision(connection) != migrate.newest():
        own = set(inspect(connection).get_table_names()) - _partitions(connection)
    there = inspect(connection)
    needs: dict[str, set[str]] = {}
    for name in sorted(own - OF_THIS_DATABASE):
        if not name.startswith(SEARCH.name) and there.has_table(name):
            keys = [key for key in there.get_foreign_keys(name) if not key["options"].get("deferrable")]
            needs[name] = {key["referred_table"] for key in keys} - {name}
    return list(TopologicalSorter(needs).static_order())


def _partitions(connection: Connection) -> set[str]:
    if connection.dialect.name != "postgresql":
        return set()
    found = connection.exec_driver_sql("SELECT relname FROM pg_catalog.pg_class WHERE relispartition")
    return set(found.scalars())


def _shape(connection: Connection, name: str) -> Shape:
    return Shape(
        name,
        tuple(
            Column(each["name"], kind_of(connection, name, each["name"], each["type"]))
            for each in inspect(connection).get_columns(name)
        ),
    )


def kind_of(connection: Connection, table: str, column: str, kind: TypeEngine[Any]) -> Kind:
    declared = kind.compile(connection.dialect).partition(" COLLATE ")[0]
    if declared not in _KINDS:
        raise DatabaseUnusable(f"{table}.{column} is of a type that no backup knows: {declared}.")
    return _KINDS[declared]


def lines(connection: Connection, shape: Shape) -> Lines:
    """Every row, in no order, and one in memory at a time: nobody says how long a row is."""
    on_sqlite = connection.dialect.name == "sqlite"
    query = (_on_sqlite if on_sqlite else _on_postgresql)(shape)
    truths = [n for n, each in enumerate(shape.columns) if each.kind is Kind.BOOLEAN] if on_sqlite else []
    with closing(
        _rows_of_sqlite(connection, query) if on_sqlite else _rows_of_postgresql(connection, query)
    ) as found:
        for row in found:
            values = list(row)
            for place in truths:
                values[place] = None if values[place] is None else bool(values[place])
            yield encode(values)


def _rows_of_sqlite(connection: Connection, query: Select[Any]) -> Generator[Sequence[Any], None, None]:
    with closing(connection.execute(query)) as found:
        yield from found


def _rows_of_postgresql(connection: Connection, query: Select[Any]) -> Generator[Sequence[Any], None, None]:
    """A cursor of the server's would hand out as many rows at a time as one says, whatever is in them."""
    raw = typed("psycopg.Connection[Any]", connection.connection.dbapi_connection)
    statement = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    with raw.cursor() as cursor:
        yield from cursor.stream(statement.encode())


def _on_sqlite(shape: Shape) -> Select[*tuple[Any, ...]]:
    names = SEARCH_ON_SQLITE if shape == SEARCH else tuple(each.name for each in shape.columns)
    return select(*map(named_column, names)).select_from(named_table(shape.name))


def _on_postgresql(shape: Shape) -> Select[*tuple[Any, ...]]:
    return select(*map(_plain, shape.columns)).select_from(named_table(shape.name))


def _plain(column: Column) -> ColumnElement[Any]:
    kept: ColumnElement[Any] = named_column(column.name)
    if column.kind is Kind.UUID:
        return func.replace(cast(kept, Text), "-", "")
    if column.kind is Kind.MOMENT:
        return func.to_char(func.timezone("UTC", kept), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    return cast(kept, Text) if column.kind is Kind.JSON else kept
