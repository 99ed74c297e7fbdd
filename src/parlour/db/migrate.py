"""Bring a database to this program's schema, or say why not."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from parlour.db.database import Tx

SCRIPTS = Path(__file__).with_name("migrations")
POLICIES = SCRIPTS / "policies.sql"


class SchemaTooNew(Exception):
    """A newer Parlour has migrated this database; this one could damage what it doesn't know."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing. Raises SchemaTooNew for a schema that is none of ours.

    On PostgreSQL the policies follow: they are one file, and always the newest.
    """
    refuse_a_newer_schema(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(POLICIES.read_text(encoding="utf-8").replace("%", "%%"))


def refuse_a_newer_schema(connection: Connection) -> None:
    """Raises SchemaTooNew."""
    for current in MigrationContext.configure(connection).get_current_heads():
        if current not in _known():
            raise SchemaTooNew(f"A newer Parlour made this database (schema {current}); install that one.")


def is_current(tx: Tx) -> bool:
    """Whether the schema is exactly this program's."""
    return is_newest(tx.connection)


def is_beyond(tx: Tx) -> bool:
    """Whether a newer Parlour has migrated it, which a program that is running already can work with."""
    return not set(MigrationContext.configure(tx.connection).get_current_heads()) <= _known()


def is_newest(connection: Connection) -> bool:
    return set(MigrationContext.configure(connection).get_current_heads()) == _newest()


@cache
def _known() -> frozenset[str]:
    return frozenset(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


@cache
def _newest() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())
