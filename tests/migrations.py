"""One step of the schema's, run again on a database that has it: it finds whatever has come since."""

import importlib
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations

from parlour.db.postgres import link
from parlour.db.sqlite.file import make_engine
from tests.house import House
from tests.postgres_server import server


def run_again(house: House, revision: str, function: str = "upgrade") -> None:
    """`revision` is the name of its file; the schema's owner does it."""
    settings = house.app.parlour.settings
    if settings.is_postgresql:
        engine = link.make_engine(server().owner_url(settings.database_url.rsplit("/", 1)[1]))
    else:
        engine = make_engine(settings.sqlite_path, writer=True)
    step: Any = importlib.import_module(f"parlour.db.migrations.versions.{revision}")
    ours = engine.connect().execution_options(migration=True)
    with ours as connection, Operations.context(MigrationContext.configure(connection)):
        # A house runs beside it: on SQLite who reads first may not write after another one did.
        connection.exec_driver_sql("BEGIN" if settings.is_postgresql else "BEGIN IMMEDIATE")
        getattr(step, function)()
        connection.exec_driver_sql("COMMIT")
