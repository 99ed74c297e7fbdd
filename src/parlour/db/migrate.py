"""Bring a database to this program's schema, or say why not.

A release that only adds to the schema lets the one before it work on, after a rollback, or a reboot in the
middle of an upgrade. How far back that goes is kept in the database itself (`schema_floor`), because the
older program cannot know the migrations that came after it.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, column, delete, insert, inspect, select, table

from parlour.db.database import DatabaseUnusable, Standing, Tx
from parlour.db.schema import metadata, schema_floor

SCRIPTS = Path(__file__).with_name("migrations")
POLICIES = SCRIPTS / "policies.sql"
STAMP = table("alembic_version", column("version_num"))
"""Where Alembic keeps the revision of a schema. Alembic itself is imported only where something is migrated:
every start asks how the schema stands.
"""


class SchemaTooNew(Exception):
    """A newer Parlour has migrated this database; this one could damage what it doesn't know."""


def upgrade(connection: Connection) -> Standing:
    """Run every migration that is missing, and say how the schema stood before.

    A newer schema that this program may work on is left as it is. Raises SchemaTooNew for any other that is
    none of ours, and DatabaseUnusable for one that is not what its revision says: the caller then keeps
    nothing. On PostgreSQL the policies follow: they are one file, and always the newest.
    """
    before = usable(connection)
    if before is Standing.NEWER:
        return before
    if before is not Standing.CURRENT:
        _bring_up(connection)
        connection.execute(delete(schema_floor))
        connection.execute(insert(schema_floor).values(revision=_floor()))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(POLICIES.read_text(encoding="utf-8").replace("%", "%%"))
    return before


def _bring_up(connection: Connection) -> None:
    was = revision(connection)
    _run(connection, newest())
    if lost := lacking(connection):
        raise DatabaseUnusable(
            f"Brought up from the schema that it says it has ({was}), this database would lack {lost[0]}: "
            "a Parlour between two releases made it, or somebody changed its tables. It was left as it was. "
            "Run the version that made it, or restore a backup."
        )


def upgrade_to(connection: Connection, revision: str) -> None:
    """Make the schema as it was at that revision, to be filled with rows from then: `upgrade` comes after.

    Raises LookupError for a revision that this program does not know.
    """
    if revision not in _revisions():
        raise LookupError(revision)
    _run(connection, revision)


def _run(connection: Connection, target: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def revision(connection: Connection) -> str | None:
    """At which the schema is; None when there is no schema."""
    return next(iter(_heads(connection)), None)


def newest() -> str:
    """The revision of this program's own schema."""
    return _revisions()[-1]


def usable(connection: Connection) -> Standing:
    """How the schema stands to this program. Raises SchemaTooNew when the two do not fit."""
    found = _standing(connection)
    if found is Standing.TOO_NEW:
        heads = ", ".join(_heads(connection))
        raise SchemaTooNew(
            f"A newer Parlour made this database (schema {heads}), and this one is too old for it: "
            "install that one."
        )
    return found


def standing(tx: Tx) -> Standing:
    return _standing(tx.connection)


def _standing(connection: Connection) -> Standing:
    heads = set(_heads(connection))
    if heads == {newest()}:
        return Standing.CURRENT
    if heads <= set(_revisions()):
        return Standing.OLDER
    if not inspect(connection).has_table(schema_floor.name):
        return Standing.TOO_NEW
    floor = connection.execute(select(schema_floor.c.revision)).scalar()
    return Standing.NEWER if floor in _revisions() else Standing.TOO_NEW


def lacking(connection: Connection) -> list[str]:
    """The tables and columns of this program's schema that are not there, whatever the revision says."""
    found = inspect(connection).get_multi_columns()
    there = {table: {each["name"] for each in columns} for (_, table), columns in found.items()}
    return [
        str(column) if name in there else name
        for name, table in sorted(metadata.tables.items())
        for column in table.columns
        if column.name not in there.get(name, ())
    ]


def _heads(connection: Connection) -> tuple[str, ...]:
    if not inspect(connection).has_table(STAMP.name):
        return ()
    return tuple(connection.execute(select(STAMP.c.version_num)).scalars())


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision that this program knows, the oldest first, by the names of their files."""
    return tuple(sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py")))


def _floor() -> str:
    """The oldest revision whose program may work on the newest schema: the newest that a migration names as
    `CONTRACTS`, else the very first.
    """
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(SCRIPTS)).walk_revisions()
    named = [str(each.module.CONTRACTS) for each in scripts if hasattr(each.module, "CONTRACTS")]
    return max(named, default=_revisions()[0])
