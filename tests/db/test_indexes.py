"""Every foreign key has its index: without one, a parent's row is checked by walking all its children."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest
from sqlalchemy import Index, Table

from parlour.db.schema import metadata
from tests.house import House, behind_its_back

Columns = Sequence[str]

FOREIGN_KEYS_SQLITE = "SELECT id, \"from\" FROM pragma_foreign_key_list('{}')"
INDEXES_SQLITE = """
    SELECT i.name, c.seqno, c.name FROM pragma_index_list('{}') i, pragma_index_info(i.name) c
    WHERE NOT i.partial
"""
FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text, array_agg(a.attname::text ORDER BY k.place)
    FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY k(attnum, place), pg_attribute a
    WHERE c.contype = 'f' AND a.attrelid = c.conrelid AND a.attnum = k.attnum GROUP BY c.oid, c.conrelid
"""
INDEXES = """
    SELECT i.indrelid::regclass::text, array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, place), pg_attribute a
    WHERE i.indpred IS NULL AND a.attrelid = i.indrelid AND a.attnum = k.attnum
    GROUP BY i.indexrelid, i.indrelid
"""


def unserved(keys: Iterable[Columns], indexes: Sequence[Columns]) -> list[Columns]:
    """The keys whose columns, in whatever order, begin none of the indexes."""
    return [key for key in keys if all(set(index[: len(key)]) != set(key) for index in indexes)]


def _whole(index: Index) -> bool:
    return index.dialect_options["sqlite"]["where"] is None


def _indexes(table: Table) -> list[Columns]:
    unique = [each for each in table.constraints if each.__visit_name__.startswith(("primary", "unique"))]
    return [
        [column.name for column in each.columns]  # type: ignore[attr-defined]
        for each in [*unique, *filter(_whole, table.indexes)]
    ]


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_the_schema_gives_every_foreign_key_an_index(table: Table) -> None:
    keys = [key.column_keys for key in table.foreign_key_constraints]

    assert unserved(keys, _indexes(table)) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("table", metadata.tables)
async def test_sqlite_has_it(house: House, table: str) -> None:
    def ask(statement: str) -> list[tuple[object, ...]]:
        return behind_its_back(house.app.parlour.settings, statement)

    links = sorted(ask(FOREIGN_KEYS_SQLITE.format(table)))
    keys = [[str(column) for _, column in key] for _, key in groupby(links, lambda link: link[0])]
    parts = sorted(ask(INDEXES_SQLITE.format(table)))
    indexes = [[str(column) for *_, column in index] for _, index in groupby(parts, lambda part: part[0])]

    assert unserved(keys, indexes) == []


@pytest.mark.postgresql
async def test_postgresql_has_it(house: House) -> None:
    settings = house.app.parlour.settings
    keys, indexes = behind_its_back(settings, FOREIGN_KEYS), behind_its_back(settings, INDEXES)
    missing = {
        str(table): unserved([key], [has for where, has in indexes if where == table])  # type: ignore[list-item,misc]
        for table, key in keys
    }

    assert keys
    assert {table: gone for table, gone in missing.items() if gone} == {}
