"""From SQLite to PostgreSQL: everything, in one transaction that is committed only after both sides agree.

Interrupted at any moment, it leaves the target as it was; running it again starts over.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Json
from sqlalchemy import JSON, Column, Connection, Row, Table, column, func, select, table, text

from parlour.db import dialect, link, migrate, postgres, roles, sqlite
from parlour.db.database import DatabaseUnusable, Standing
from parlour.db.schema import HOUSE_TABLES, metadata

STEP = 2_000
"""Rows between two words about how far it is."""
_CHECKSUM = 2**64
_NEXT_POSITION = text(
    "SELECT setval(pg_get_serial_sequence('ticket_search', 'position'), max(position)) FROM ticket_search"
)

Tell = Callable[[str, int, int], None]
"""Told a table's name, and how many of how many of its rows are done."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A table on both sides. `read` makes of the old side's row what stands in the new side's columns;
    `more` is what only the new side has, made from that.
    """

    name: str
    old: Table
    new: Table
    read: Callable[[Row[Any]], Sequence[Any]] = tuple
    more: dict[str, Callable[[Sequence[Any]], Any]] = field(default_factory=dict)


def move(source: Path, target: str, tell: Tell) -> dict[str, int]:
    """Copy the database at `source` to the one at `target`, a URL of the role that is to own the tables.

    Returns the number of rows of each table. The caller holds the source's data folder, so that nothing
    is written meanwhile. Raises DatabaseUnusable, with the target as it was, when the source has another
    schema, the target holds anything, or the two do not agree in the end.
    """
    engine = link.make_engine(target, isolation_level="READ COMMITTED")
    reader = sqlite.make_engine(source, writer=False).connect()
    with closing(reader.execution_options(migration=True)) as old:
        old.exec_driver_sql("BEGIN")
        if migrate.usable(old) is not Standing.CURRENT:
            raise DatabaseUnusable("The source has another schema: run `parlour migrate` on it first.")
        with postgres.connected(engine, target).execution_options(migration=True) as new, new.begin():
            roles.lock_migrations(new)
            migrate.upgrade(new)
            return _copied(old, new, tell)


def _copied(old: Connection, new: Connection, tell: Tell) -> dict[str, int]:
    parts = [
        *(_Part(each.name, each, each) for each in metadata.sorted_tables if each not in HOUSE_TABLES),
        _search(),
    ]
    for part in parts:
        if new.execute(select(text("1")).select_from(part.new).limit(1)).first():
            raise DatabaseUnusable(f"The target is not empty: there are rows in {part.name}.")
    for part in parts:  # COPY does not go past the policies; in this transaction nobody else sees the tables
        new.exec_driver_sql(f"ALTER TABLE {part.name} NO FORCE ROW LEVEL SECURITY")
    counts = {}
    for part in parts:
        total = old.execute(select(func.count()).select_from(part.old)).scalar_one()
        sums = _copy(old, new, part, partial(tell, part.name), total)
        if _sums(_values(new, part.new, tuple)) != sums:
            raise DatabaseUnusable(f"What arrived in {part.name} is not what was sent; nothing was kept.")
        counts[part.name] = sums[0]
    new.execute(_NEXT_POSITION)
    new.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for part in parts:
        new.exec_driver_sql(f"ALTER TABLE {part.name} FORCE ROW LEVEL SECURITY")
    return counts


def _copy(
    old: Connection, new: Connection, part: _Part, tell: Callable[[int, int], None], total: int
) -> tuple[int, int]:
    """How many rows went over, and their checksum."""
    columns = [*(each.name for each in part.new.columns), *part.more]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(part.name), names)
    count = checksum = 0
    raw = cast("psycopg.Connection[Any]", new.connection.dbapi_connection)
    try:
        with raw.cursor() as cursor, cursor.copy(command) as copy:
            for values in _values(old, part.old, part.read):
                sent = [_sent(each, value) for each, value in zip(part.new.columns, values, strict=True)]
                copy.write_row([*sent, *(make(values) for make in part.more.values())])
                count, checksum = count + 1, (checksum + _digest(values)) % _CHECKSUM
                if count % STEP == 0:
                    tell(count, total)
    except psycopg.Error as error:
        why = str(error).strip().splitlines()[0].rstrip(".")
        raise DatabaseUnusable(f"{part.name} could not be copied; nothing was kept: {why}.") from error
    tell(count, total)
    return count, checksum


def _values(
    connection: Connection, source: Table, read: Callable[[Row[Any]], Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    query = select(source).execution_options(stream_results=True, yield_per=STEP)
    with connection.execute(query) as found:
        for row in found:
            yield read(row)


def _sums(rows: Iterator[Sequence[Any]]) -> tuple[int, int]:
    count = checksum = 0
    for values in rows:
        count, checksum = count + 1, (checksum + _digest(values)) % _CHECKSUM
    return count, checksum


def _digest(values: Sequence[Any]) -> int:
    """The same on both sides for the same row. Summed up, it does not depend on the order of rows."""
    said = json.dumps([_plain(value) for value in values], sort_keys=True, ensure_ascii=False)
    return int.from_bytes(blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


def _sent(where: Column[Any], value: Any) -> Any:
    return Json(value) if isinstance(where.type, JSON) and value is not None else value


def _search() -> _Part:
    """The words for the search are no table of the schema: SQLite has its own kind for them."""
    old = table("ticket_search", *(column(name) for name in ("rowid", "workspace", "ticket_id", "words")))
    new = table(
        "ticket_search", *(column(name) for name in ("position", "workspace_id", "ticket_id", "words"))
    )

    def read(row: Row[Any]) -> Sequence[Any]:
        position, workspace, ticket, words = cast("tuple[int, str, str, str]", row)
        return position, UUID(workspace), UUID(ticket), words

    more = {"terms": lambda values: dialect.search_terms(values[1], values[3])}
    return _Part("ticket_search", cast(Table, old), cast(Table, new), read, more)
