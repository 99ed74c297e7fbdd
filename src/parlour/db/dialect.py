"""The only SQL that differs between SQLite and PostgreSQL."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from parlour.db.database import HERE, Tx
from parlour.db.schema import UtcDateTime, grants

MATCH_BEGINS, MATCH_ENDS = "\x02", "\x03"
WORDS_LIMIT = 12
EXCERPT_WORDS = 14

TERM_LIMIT = 200
"""Characters of a word that count. PostgreSQL's index takes no longer ones than 2 kB."""

_WORD = re.compile(r"\w+")
_PLAIN_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f][^\W_]*)*")
_INDEX_SQLITE = text(
    "INSERT INTO ticket_search (workspace, ticket_id, words) VALUES (:workspace, :ticket, :words)"
)
_INDEX_POSTGRESQL = text(
    "INSERT INTO ticket_search (workspace_id, ticket_id, words, terms) "
    "VALUES (:workspace, :ticket, :words, :terms)"
)


class Match(NamedTuple):
    """A place where the words were found. `position` grows with time; `excerpt` marks the words."""

    position: int
    ticket_id: UUID
    excerpt: str


def name_of(tx: Tx) -> str:
    return tx.connection.dialect.name


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT that understands ON CONFLICT on the database at hand."""
    return insert_on(name_of(tx), table)


def insert_on(database: str, table: Table) -> Any:
    """`insert`, to be built once for each database, which `name_of` tells."""
    return (sqlite if database == "sqlite" else postgresql).insert(table)


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
    """Whoever locks this name waits until this transaction has ended. On SQLite one writes at a time."""
    if not _is_sqlite(tx):
        digest = blake2b("\0".join(name).encode(), digest_size=8).digest()
        tx.execute(_LOCK, {"name": int.from_bytes(digest, signed=True)})


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


_WALKING = {
    **dict.fromkeys(("enable_sort", "enable_bitmapscan", "enable_seqscan", "jit"), "off"),
    **dict.fromkeys(("seq_page_cost", "random_page_cost"), "0"),
}
_WALK = select(
    *(func.current_setting(name).label(name) for name in _WALKING),
    *(func.set_config(name, value, True) for name, value in _WALKING.items()),
)
_AS_BEFORE = select(*(func.set_config(name, bindparam(name), True) for name in _WALKING))


@contextmanager
def walking_in_order(tx: Tx) -> Iterator[None]:
    """Meanwhile that index is walked, in its order, that leads past the fewest rows.

    PostgreSQL, when it plans for any value, takes the rows behind one for few, and would rather collect and
    sort all of them, or walk an index whose rows lie closer together past those that do not fit. SQLite walks
    anyway.
    """
    if _is_sqlite(tx):
        yield
        return
    before = tx.execute(_WALK).mappings().one()
    yield
    tx.execute(_AS_BEFORE, {name: before[name] for name in _WALKING})


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


def grants_of(tx: Tx, visitors: Collection[str]) -> list[tuple[UUID, str, datetime]]:
    """(ticket_id, email, expires_at) of what these visitors may open here, by a search for each.

    After an ANALYZE SQLite would walk the whole workspace for twenty of them.
    """
    if _is_sqlite(tx):
        found = tx.run(_GRANTS_SQLITE, visitors=json.dumps(list(visitors)))
    else:
        found = tx.run(_GRANTS_POSTGRESQL, visitors=list(visitors))
    return [(row[0], row[1], row[2]) for row in found]


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


def index_words(tx: Tx, ticket_id: UUID, words: str) -> None:
    """Let these words find the ticket."""
    if _is_sqlite(tx):
        tx.execute(_INDEX_SQLITE, {"workspace": tx.workspace_id.hex, "ticket": ticket_id.hex, "words": words})
        return
    terms = search_terms(tx.workspace_id, words)
    values = {"workspace": tx.workspace_id, "ticket": ticket_id, "words": words, "terms": terms}
    tx.execute(_INDEX_POSTGRESQL, values)


def search_terms(workspace_id: UUID, words: str) -> str:
    """What PostgreSQL's index is made of: the workspace, then each of the words once."""
    return " ".join([workspace_id.hex, *dict.fromkeys(_terms(words))])


def matching(tx: Tx, typed: str, *, before: int | None, limit: int) -> list[Match]:
    """The newest places that hold all the words, the last of them as a beginning. No words, no matches.

    The workspace is a word of its own in the index, so that no search walks another's rows.
    """
    search = _matching_sqlite if _is_sqlite(tx) else _matching_postgresql
    return search(tx, typed, before or 2**62, limit)


def _is_sqlite(tx: Tx) -> bool:
    return tx.connection.dialect.name == "sqlite"


def _matching_sqlite(tx: Tx, typed: str, before: int, limit: int) -> list[Match]:
    words = _WORD.findall(typed)[:WORDS_LIMIT]
    if not words:
        return []
    wanted = " AND ".join(f'"{word}"' for word in words) + "*"
    query = text(
        "SELECT rowid, ticket_id, snippet(ticket_search, 2, :begins, :ends, '…', :size) FROM ticket_search "
        "WHERE ticket_search MATCH :wanted AND rowid < :before ORDER BY rowid DESC LIMIT :limit"
    )
    found = tx.execute(
        query,
        {
            "begins": MATCH_BEGINS,
            "ends": MATCH_ENDS,
            "size": EXCERPT_WORDS,
            "wanted": f'workspace : "{tx.workspace_id.hex}" AND words : ({wanted})',
            "before": before,
            "limit": limit,
        },
    )
    return [Match(position, UUID(ticket), excerpt) for position, ticket, excerpt in found]


def _matching_postgresql(tx: Tx, typed: str, before: int, limit: int) -> list[Match]:
    """The same words as on SQLite, because both are taken apart here and not by the server's dictionaries."""
    terms = _terms(typed)[:WORDS_LIMIT]
    if not terms:
        return []
    wanted = " & ".join(f"'{term}'" for term in terms) + ":*"
    query = text("SELECT place, ticket, found_words FROM app.search(:wanted, :before, :size)")
    found = tx.execute(query, {"wanted": wanted, "before": before, "size": limit})
    return [Match(position, ticket, _excerpt(words, terms)) for position, ticket, words in found]


def _terms(words: str) -> list[str]:
    """Words as they are compared: small, without accents, nothing but letters and digits."""
    return [plain for word in _PLAIN_WORD.findall(words) if (plain := _plain(word))]


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFD", word.lower())
    return "".join(letter for letter in apart if letter.isalnum())[:TERM_LIMIT]


def _excerpt(words: str, terms: list[str]) -> str:
    """The part around the first match, each match between MATCH_BEGINS and MATCH_ENDS."""
    places = list(_PLAIN_WORD.finditer(words))
    whole, beginning = set(terms), terms[-1]
    hits = [n for n, place in enumerate(places) if _matches(_plain(place[0]), whole, beginning)]
    first = max(0, min(hits[0] - 2 if hits else 0, len(places) - EXCERPT_WORDS))
    last = min(len(places), first + EXCERPT_WORDS) - 1
    if last < first:
        return words
    start = places[first].start() if first else 0
    end = places[last].end() if last < len(places) - 1 else len(words)
    shown, at = ["…" if first else ""], start
    for place in (places[n] for n in hits if first <= n <= last):
        shown += [words[at : place.start()], MATCH_BEGINS, place[0], MATCH_ENDS]
        at = place.end()
    return "".join([*shown, words[at:end], "…" if last < len(places) - 1 else ""])


def _matches(term: str, whole: set[str], beginning: str) -> bool:
    return term in whole or term.startswith(beginning)
