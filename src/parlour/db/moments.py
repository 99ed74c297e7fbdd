"""The clock of jobs: by which they become due, are held and are done.

On PostgreSQL it is the database's, the same for every node. On SQLite it is the one of the process, which
never goes back while that lives.
"""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Connection, Interval, bindparam, func, literal, select

from parlour.db.schema.base import UtcDateTime
from parlour.kernel import clock

AT_ONCE = timedelta(0)


def moment(connection: Connection, after: timedelta = AT_ONCE) -> ColumnElement[object]:
    """The present, or what comes `after` it, as SQL that an index can be asked with."""
    if connection.dialect.name == "sqlite":
        return literal(clock.steady() + after, UtcDateTime())
    present: ColumnElement[object] = func.statement_timestamp(type_=UtcDateTime())
    return present + literal(after) if after else present


def now_of(engine: str) -> ColumnElement[object]:
    """`moment` in a statement that is built once for that kind of database; `given` goes with each run."""
    return bindparam("now", type_=UtcDateTime()) if engine == "sqlite" else func.statement_timestamp()


def then_of(engine: str) -> ColumnElement[object]:
    """The same for what comes so long after."""
    if engine == "sqlite":
        return bindparam("then", type_=UtcDateTime())
    return cast(ColumnElement[object], func.statement_timestamp() + bindparam("after", type_=Interval()))


def given(connection: Connection, after: timedelta | None = None) -> dict[str, object]:
    """What the two above are to be run with."""
    if connection.dialect.name != "sqlite":
        return {} if after is None else {"after": after}
    now = clock.steady()
    return {"now": now} if after is None else {"now": now, "then": now + after}


def present(connection: Connection) -> datetime:
    """The present itself, for what is reckoned from it."""
    return cast(datetime, connection.execute(select(moment(connection))).scalar_one())
