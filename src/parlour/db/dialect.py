"""The only SQL that differs between SQLite and PostgreSQL."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from importlib import import_module
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from parlour.db.database import HERE, Tx
from parlour.db.schema import UtcDateTime, grants
from parlour.db.shortcut import Answered


def name_of(tx: Tx) -> str:
    return tx.connection.dialect.name


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT that understands ON CONFLICT on the database at hand."""
    return insert_on(name_of(tx), table)


def insert_on(database: str, table: Table) -> Any:
    """`insert`, to be built once for each database, which `name_of` tells: no other's dialect is loaded."""
    return import_module(f"sqlalchemy.dialects.{database}").insert(table)


class one_of(FunctionElement[bool]):  # noqa: N801 read like a function of SQLAlchemy's
    """`one_of(column, "these")`: the column is one of the values that come with the execution.

    A list of its own length is a statement of its own, put together anew each time, and PostgreSQL's plan for
    any length is for a few; an array, or on SQLite its JSON, is one value.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, expanding=True, type_=column.type))

    def self_group(self, against: Any = None) -> "one_of":  # noqa: ARG002 as SQLAlchemy calls it
        """As it is: SQLite finds no index behind `(…) = 1`."""
        return self


class _Listed(TypeDecorator[Any]):
    """Values as a JSON array of what the column holds."""

    impl = Text()
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        if isinstance(self.item, Uuid):  # what pages ask for, dozens at a time
            ids = '","'.join([f"{each.int:032x}" for each in value])
            return f'["{ids}"]' if ids else "[]"
        stored = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([stored(each) for each in value] if stored else list(value))


@compiles(one_of)
def _in_json(element: one_of, compiler: Any, **more: Any) -> str:
    column, values = element.clauses
    listed: Any = bindparam(values.key, type_=_Listed(column.type))
    found = func.json_each(listed).table_valued("value")
    return str(compiler.process(column.in_(select(found.c.value)), **more))


@compiles(one_of, "postgresql")
def _in_an_array(element: one_of, compiler: Any, **more: Any) -> str:
    column, values = element.clauses
    array: Any = bindparam(values.key, type_=ARRAY(column.type))
    return str(compiler.process(column == func.any(array), **more))


_LOCK = text("SELECT pg_catalog.pg_advisory_xact_lock(:name)")


def lock(tx: Tx, *name: str) -> None:
    """Whoever locks this name waits, with what is asked next, until this transaction has ended. On SQLite one
    writes at a time.
    """
    if not _is_sqlite(tx):
        digest = blake2b("\0".join(name).encode(), digest_size=8).digest()
        tx.change_soon(_LOCK, name=int.from_bytes(digest, signed=True))


def delete_some(tx: Tx, table: Table, which: ColumnElement[bool], order: Column[Any], *, limit: int) -> int:
    """Delete the first `limit` rows in this order, which an index holds; says how many went."""
    name = f"{table.name}.rowid" if _is_sqlite(tx) else f"{table.name}.ctid"
    place: ColumnElement[Any] = literal_column(name)
    first = select(place).select_from(table).where(which).order_by(order).limit(limit).correlate(None)
    these = place.in_(first) if _is_sqlite(tx) else place == func.any(func.array(first.scalar_subquery()))
    return tx.execute(delete(table).where(which, these)).rowcount


def walks_on(
    database: str, walks: Sequence[Select[Any]], order: Sequence[ColumnElement[Any]]
) -> Sequence[Select[Any]]:
    """The parts of a union, each of which is to be read in this order.

    SQLite orders the parts of an ordered union by itself, and takes no ORDER BY in them.
    """
    return [walk.order_by(*order) for walk in walks] if database == "postgresql" else walks


def planned_once(tx: Tx) -> None:
    """From here to its end this unit's statements are planned for any values, also where it runs as a scan.

    For what reads so many rows and no more: to plan that takes PostgreSQL longer than to run it.
    """
    if not _is_sqlite(tx):
        tx.first_say("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")


_WALKING = {
    **dict.fromkeys(("enable_sort", "enable_bitmapscan", "enable_seqscan", "jit"), "off"),
    **dict.fromkeys(("seq_page_cost", "random_page_cost"), "0"),
}
_WALK = "SELECT {}".format(
    ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _WALKING.items())
)


@contextmanager
def walking_in_order(tx: Tx) -> Iterator[None]:
    """Meanwhile that index is walked, in its order, that leads past the fewest rows. For what reads.

    PostgreSQL, when it plans for any value, takes the rows behind one for few, and would rather collect and
    sort all of them, or walk an index whose rows lie closer together past those that do not fit. SQLite walks
    anyway. Going back to a savepoint brings back what was set.
    """
    if _is_sqlite(tx):
        yield
        return
    tx.first_say("SAVEPOINT walk", _WALK)
    yield
    tx.first_say("ROLLBACK TO SAVEPOINT walk", "RELEASE SAVEPOINT walk")


_GRANTS_SQLITE = (
    text(
        "SELECT g.ticket_id, g.email, g.expires_at FROM json_each(:visitors) AS one CROSS JOIN grants AS g "
        "ON g.workspace_id = :workspace AND g.visitor_hash = one.value"
    )
    .bindparams(bindparam("workspace", type_=Uuid()))
    .columns(ticket_id=Uuid(), email=Text(), expires_at=UtcDateTime())
)
_GRANTS_POSTGRESQL = select(grants.c.ticket_id, grants.c.email, grants.c.expires_at).where(
    grants.c.workspace_id == HERE, one_of(grants.c.visitor_hash, "visitors")
)


def asking_grants_of(tx: Tx, visitors: Collection[str]) -> Callable[[], list[tuple[UUID, str, datetime]]]:
    """(ticket_id, email, expires_at) of what these visitors may open here, by a search for each.

    After an ANALYZE SQLite would walk the whole workspace for twenty of them.
    """
    if _is_sqlite(tx):
        return tx.asking(_GRANTS_SQLITE, _grants, visitors=json.dumps(list(visitors)))
    return tx.asking(_GRANTS_POSTGRESQL, _grants, visitors=list(visitors))


def _grants(found: Answered) -> list[tuple[UUID, str, datetime]]:
    return [(row[0], row[1], row[2]) for row in found.rows]


_HEADS = {
    # The pairs drive: SQLite would otherwise walk everybody's rooms and look for each in the list.
    "sqlite": "SELECT r.room_id, r.last_seq FROM json_each(:asked) AS one CROSS JOIN chat_rooms AS r "
    "ON r.workspace_id = one.value ->> 0 AND r.room_id = one.value ->> 1",
    "postgresql": "SELECT r.room_id, r.last_seq "
    "FROM unnest(CAST(:workspaces AS uuid[]), CAST(:rooms AS uuid[])) AS one (workspace_id, room_id) "
    "JOIN chat_rooms AS r ON r.workspace_id = one.workspace_id AND r.room_id = one.room_id",
}
_HEADS_OF = {name: text(sql).columns(room_id=Uuid(), last_seq=Integer()) for name, sql in _HEADS.items()}


def heads(tx: Tx, rooms: Collection[tuple[UUID, UUID]]) -> dict[UUID, int]:
    """The newest number of each (workspace_id, room_id), in one statement, by as many searches."""
    values: dict[str, Any]
    if _is_sqlite(tx):
        values = {"asked": json.dumps([(place.hex, room.hex) for place, room in rooms])}
    else:
        values = {"workspaces": [place for place, _ in rooms], "rooms": [room for _, room in rooms]}
    found = tx.execute(_HEADS_OF[tx.connection.dialect.name], values)
    return {row[0]: row[1] for row in found}


def _is_sqlite(tx: Tx) -> bool:
    return tx.connection.dialect.name == "sqlite"
