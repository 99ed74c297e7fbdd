"""Bring a database to this program's schema, or say why not."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from alembic import command

SCRIPTS = Path(__file__).with_name("migrations")


class SchemaTooNew(Exception):
    """A newer Parlour has migrated this database; this one could damage what it doesn't know."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing. Raises SchemaTooNew for a schema this program has never heard of."""
    config = _config()
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    for current in MigrationContext.configure(connection).get_current_heads():
        if current not in known:
            raise SchemaTooNew(
                f"This database was made by a newer Parlour (schema {current}). Install that version or newer."
            )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    script = ScriptDirectory.from_config(_config())
    return set(MigrationContext.configure(connection).get_current_heads()) == set(script.get_heads())
