"""A few rows in one statement: on PostgreSQL each run of one costs as much as the row that it writes."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Executable, Insert, Table, bindparam

STATEMENTS = 200
ROWS_AT_ONCE = 4
"""Each number of rows is a statement of its own, which every connection keeps prepared."""

Rows = Sequence[Mapping[str, Any]]


def in_one(statement: Executable, rows: Rows) -> tuple[Executable, Rows]:
    """What writes the same, once, if the rows are few. They all have the same names, those of columns."""
    if not 1 < len(rows) <= ROWS_AT_ONCE:
        return statement, rows
    values = {f"{name}_{at}": value for at, row in enumerate(rows) for name, value in row.items()}
    return _of_several(cast(Insert, statement), tuple(rows[0]), len(rows)), [values]


@lru_cache(maxsize=STATEMENTS)
def _of_several(statement: Insert, names: tuple[str, ...], number: int) -> Insert:
    columns = cast(Table, statement.table).c
    return statement.values(
        [
            {name: bindparam(f"{name}_{at}", type_=columns[name].type) for name in names}
            for at in range(number)
        ]
    )
