"""From a backup, or another database, into one that holds nothing: all of it and verified, or none of it.

The tables are made as they were in the source's time, filled, and then migrated, so that a backup of an older
release is what it would be had that release been upgraded.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from typing import cast as typed
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, insert, inspect, make_url, select, text
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.exc import DBAPIError

from parlour.db import epoch, migrate, postgres, search
from parlour.db.backup import read
from parlour.db.backup.read import SEARCH, SEARCH_ON_SQLITE, Source
from parlour.db.backup.rows import Shape, Tally, Tell, batches, counted, decode
from parlour.db.database import DatabaseUnusable, Tx
from parlour.db.postgres import link, roles
from parlour.db.sqlite.file import Ownership, make_engine, sentences
from parlour.kernel.access import Actor
from parlour.kernel.disk import settle

_NEXT_NUMBERS = {
    table: text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}")  # noqa: S608 both are ours
    for table, column in (("ticket_search", "position"), ("events", "number"))
}
_OTHERS = text(
    "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND application_name LIKE 'parlour%'"
)
_FORCED = text(
    "SELECT quote_ident(relname) FROM pg_catalog.pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity AND NOT relispartition"
)
_BEFORE_POSTGRESQL = ("0001",)
"""Migrations after these take old rows in on SQLite alone: no database of PostgreSQL ever had any."""


def into_sqlite(path: Path, source: Source, tell: Tell) -> dict[str, int]:
    """Make the database at `path`, which may be there as long as it holds nothing. Returns rows by table.

    It is made beside its place and put there when it is on the disk: killed before, this leaves the place as
    it was, and what it had made is thrown away by the next one. Raises DataFolderInUse, DatabaseUnusable.
    """
    path = path.resolve()
    with sentences(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        owned = Ownership(path)
    try:
        with sentences(path):
            _refuse_rows_in_file(path)
            source.verify(tell)
            source.bring_objects(tell)
            beside = path.with_name(f"{path.name}.unfinished")
            for left in (beside, beside.with_name(f"{beside.name}-journal")):
                left.unlink(missing_ok=True)
            try:
                os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
                counts = _made(beside, source, tell)
                _put(beside, path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        return counts
    finally:
        owned.release()


def _made(beside: Path, source: Source, tell: Tell) -> dict[str, int]:
    engine = make_engine(beside, writer=True, builds=True)
    with engine.connect().execution_options(migration=True) as connection:
        connection.exec_driver_sql("BEGIN")
        counts = fill(connection, source, tell)
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise DatabaseUnusable("What arrived refers to rows that are not there; nothing was kept.")
        connection.exec_driver_sql("COMMIT")
    return counts


def _put(beside: Path, path: Path) -> None:
    """The log of the file that was there is no log of this one."""
    settle(beside)
    for name in (f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    beside.rename(path)
    settle(path.parent)


def _refuse_rows_in_file(path: Path) -> None:
    if path.exists():
        with make_engine(path, writer=False).connect() as connection:
            _refuse_rows(connection.execution_options(migration=True))


def into_postgresql(url: str, source: Source, tell: Tell, *, for_role: str | None = None) -> dict[str, int]:
    """Fill the database of `url`, whose role is to own the tables, in one transaction. Returns rows by table.

    `for_role` is then let in as `parlour migrate` does. Raises DatabaseUnusable.
    """
    if source.contents.revision in _BEFORE_POSTGRESQL:
        raise DatabaseUnusable(
            f"Schema {source.contents.revision} never was on PostgreSQL: "
            "bring it to the newest on SQLite first, then move that."
        )
    engine = link.make_engine(url, isolation_level="READ COMMITTED")
    with postgres.connected(engine, url).execution_options(migration=True) as connection, connection.begin():
        roles.lock_migrations(connection)
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        if connection.execute(_OTHERS).scalar():
            raise DatabaseUnusable("A Parlour is connected to this database: stop all of its servers first.")
        with postgres.sentences():
            for name in connection.execute(_FORCED).scalars().all():  # which also keeps everybody else out
                connection.exec_driver_sql(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
            _refuse_rows(connection)
            source.verify(tell)
            source.bring_objects(tell)
            counts = fill(connection, source, tell)
        if for_role is not None:
            roles.admit(connection, make_url(for_role))
    return counts


def _refuse_rows(connection: Connection) -> None:
    there = inspect(connection)
    if migrate.revision(connection) is None:
        if found := there.get_table_names():
            raise DatabaseUnusable(
                f"The target is not empty: it holds a table {found[0]} of somebody else's."
            )
        return
    names = [*read.tables(connection), *([SEARCH.name] if there.has_table(SEARCH.name) else [])]
    for name in names:
        if connection.execute(select(text("1")).select_from(named_table(name)).limit(1)).first():
            raise DatabaseUnusable(f"The target is not empty: there are rows in {name}.")


def fill(connection: Connection, source: Source, tell: Tell) -> dict[str, int]:
    """Schema, rows, the newest schema, a new line of history. Raises DatabaseUnusable."""
    _make_tables(connection, source.contents.revision)
    there = {each.name: set(each.columns) for each in read.contents(connection).shapes}
    counts = {}
    for shape in source.contents.shapes:
        if there.get(shape.name) != set(shape.columns):
            raise DatabaseUnusable(f"The source's table {shape.name} is not as Parlour makes it.")
        sent, arrived = _stored(connection, source, shape, tell), Tally()
        for _ in counted(read.lines(connection, shape), arrived, f"{shape.name}, compared", sent.rows, tell):
            pass
        if arrived != sent:
            raise DatabaseUnusable(f"What arrived in {shape.name} is not what was sent; nothing was kept.")
        counts[shape.name] = sent.rows
    if connection.dialect.name == "postgresql":
        for table, go_on in _NEXT_NUMBERS.items():
            if table in there:
                connection.execute(go_on)
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    migrate.upgrade(connection)
    if connection.dialect.name == "postgresql":
        # By itself it counts rows some minutes later, and until then plans as if there were next to none.
        connection.exec_driver_sql(f"ANALYZE {', '.join([*read.tables(connection), SEARCH.name])}")
    epoch.renew(Tx(connection, Actor.system()))
    return counts


def _make_tables(connection: Connection, revision: str) -> None:
    try:
        migrate.upgrade_to(connection, revision)
    except LookupError:
        raise DatabaseUnusable(
            f"A newer Parlour made this backup (schema {revision}): restore it with that one."
        ) from None
    if (now := migrate.revision(connection)) != revision:
        raise DatabaseUnusable(
            f"The target has schema {now} and the backup {revision}: restore into a database without tables."
        )


def _stored(connection: Connection, source: Source, shape: Shape, tell: Tell) -> Tally:
    store = _into_sqlite if connection.dialect.name == "sqlite" else _into_postgresql
    tally = Tally()
    lines = counted(source.lines(shape), tally, shape.name, source.total(shape), tell)
    try:
        with closing(lines):
            store(connection, shape, lines)
    except (sqlite3.Error, psycopg.Error, DBAPIError) as error:
        why = str(getattr(error, "orig", error)).strip().splitlines()[0].rstrip(".")
        raise DatabaseUnusable(f"{shape.name} could not be copied; nothing was kept: {why}.") from error
    return tally


def _into_sqlite(connection: Connection, shape: Shape, lines: Iterator[bytes]) -> None:
    names = SEARCH_ON_SQLITE if shape == SEARCH else tuple(each.name for each in shape.columns)
    target = named_table(shape.name, *map(named_column, names))
    statement = str(insert(target).compile(dialect=connection.dialect))
    terms = shape == SEARCH and inspect(connection).has_table("ticket_search_terms")
    for batch in batches(lines):
        connection.exec_driver_sql(statement, [tuple(values) for values in batch])
        if terms:
            connection.execute(
                search.ADD_TERMS,
                [{"place": row[0], "terms": search.terms_of(UUID(row[1]), row[3])} for row in batch],
            )


def _into_postgresql(connection: Connection, shape: Shape, lines: Iterator[bytes]) -> None:
    names = [each.name for each in shape.columns] + (["terms"] if shape == SEARCH else [])
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(shape.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    raw = typed("psycopg.Connection[Any]", connection.connection.dbapi_connection)
    with raw.cursor() as cursor, cursor.copy(command) as copy:
        for values in map(decode, lines):
            if shape == SEARCH:
                values.append(search.terms_of(UUID(values[1]), values[3]))
            copy.write_row(values)
