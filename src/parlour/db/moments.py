"""The clock of jobs: by which they become due, are held and are done.

On PostgreSQL it is the database's, the same for every node. On SQLite it is the one of the process, which
never goes back while that lives.
"""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Connection, func, literal, select

from parlour.db.schema.base import UtcDateTime
from parlour.kernel import clock

AT_ONCE = timedelta(0)


def moment(connection: Connection, after: timedelta = AT_ONCE) -> ColumnElement[object]:
    """The present, or what comes `after` it, as SQL that an index can be asked with."""
    if connection.dialect.name == "sqlite":
        return literal(clock.steady() + after, UtcDateTime())
    present: ColumnElement[object] = func.statement_timestamp(type_=UtcDateTime())
    return present + literal(after) if after else present


def present(connection: Connection) -> datetime:
    """The present itself, for what is reckoned from it."""
    return cast(datetime, connection.execute(select(moment(connection))).scalar_one())
