"""Transactions that may change everything: the owner of the file, or of the tables, asks for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from parlour.db import postgres
from parlour.db.erasure import Begin
from parlour.db.postgres import link, roles
from parlour.db.sqlite import file


def on_sqlite(path: Path) -> Begin:
    """Beside a server or alone."""
    engine = file.make_engine(path, writer=True)

    @contextmanager
    def begin() -> Iterator[Connection]:
        with file.sentences(path), engine.connect().execution_options(migration=True) as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise

    return begin


def on_postgresql(url: str) -> Begin:
    """As the role in `url`, which must own the tables."""
    engine = link.make_engine(url, isolation_level="READ COMMITTED")

    @contextmanager
    def begin() -> Iterator[Connection]:
        with (
            postgres.sentences(),
            postgres.connected(engine, url).execution_options(migration=True) as connection,
            connection.begin(),
        ):
            roles.refuse_who_does_not_see_everything(connection)
            yield connection

    return begin
