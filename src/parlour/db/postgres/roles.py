"""Who may connect to PostgreSQL for what: the owner of the tables, and the role that the servers use.

The servers' role owns nothing and can bypass nothing, or row-level security would be decoration.
"""

import re

import structlog
from psycopg import sql
from sqlalchemy import URL, Connection, text

from parlour.db import migrate
from parlour.db.database import DatabaseUnusable, Standing

AS_OWNER = "--owner-url postgresql://OWNER:PASSWORD@HOST/DATABASE"
COMMAND = f"parlour migrate {AS_OWNER}"
MIGRATING = 0x7061726C  # "parl"
"""The advisory lock of whoever changes the schema; those who must not see that happen share it."""

_ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user")
_OWNS = text(
    "SELECT coalesce(bool_or(pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE')), false) "
    "FROM pg_catalog.pg_class c WHERE c.relnamespace = 'public'::regnamespace "
    "AND c.relname IN ('workspaces', 'tickets', 'messages')"
)
_OWNS_ALL = text(
    "SELECT coalesce(bool_and(pg_catalog.pg_get_userbyid(relowner) = current_user), true) "
    "FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
)
_MAY_READ = text(
    "SELECT coalesce(bool_and(pg_catalog.has_table_privilege(oid, 'SELECT')), false) "
    "FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY (:names)"
)
_MORE_THAN_NEEDED = text(
    "SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, "
    "CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END, "
    "CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) || "
    "ARRAY(SELECT m.rolname::text FROM pg_catalog.pg_roles m WHERE NOT me.rolsuper AND m.rolname IN "
    "('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') "
    "AND pg_catalog.pg_has_role(me.oid, m.oid, 'MEMBER') ORDER BY 1) "
    "FROM pg_catalog.pg_roles me WHERE rolname = current_user"
)
_HAS_VERSION = text("SELECT to_regclass('public.alembic_version') IS NOT NULL")
_KNOWN = text("SELECT true FROM pg_catalog.pg_roles WHERE rolname = :name")
log = structlog.get_logger("parlour.db")

_PLAIN_NAME = re.compile(r"[^\x00]{1,63}")

APPEND_ONLY = ("audit_log",)
READ_ONLY = ("alembic_version", "schema_floor")
"""What the schema says of itself."""
SEARCHED = "ticket_search"
"""Added to, and read through functions as `app.search_next` alone."""


def refuse_an_unready_schema(connection: Connection) -> None:
    """Raises DatabaseUnusable with the command to run, SchemaTooNew."""
    if not connection.execute(_HAS_VERSION).scalar():
        raise DatabaseUnusable(f"The database has no tables yet: run {COMMAND}.")
    if not connection.execute(_MAY_READ, {"names": list(READ_ONLY)}).scalar():
        raise DatabaseUnusable(f"This role was not let in by the tables' owner: run {COMMAND}.")
    if migrate.usable(connection) is Standing.OLDER:
        raise DatabaseUnusable(f"The database has an older schema than this Parlour: run {COMMAND}.")


def refuse_who_does_not_see_everything(connection: Connection) -> None:
    """Raises DatabaseUnusable for a role from which row-level security would keep rows."""
    if not (connection.execute(_ROLE).scalar() or connection.execute(_OWNS_ALL).scalar()):
        raise DatabaseUnusable(
            f"A copy of everything is made as the role that owns the tables: add {AS_OWNER}."
        )


def refuse_a_mighty_role(connection: Connection) -> None:
    """Raises DatabaseUnusable for a role that row-level security would not bind."""
    why = None
    if connection.execute(_ROLE).scalar():
        why = "is a superuser or may bypass row-level security"
    elif connection.execute(_OWNS).scalar():
        why = "owns the tables"
    if why:
        raise DatabaseUnusable(
            f"The role in PARLOUR_DATABASE_URL {why}, so that nothing would keep workspaces apart. "
            f"Name another role there, and let it in with {COMMAND}."
        )


def warn_of_a_mighty_owner(connection: Connection) -> None:
    """Say what the owner may do that tables need nobody for. Who gets hold of such a role, by its password or
    through the servers, can take over the database's machine: on PostgreSQL 15 CREATEROLE is enough.
    """
    if found := connection.execute(_MORE_THAN_NEEDED).scalar():
        log.warning(
            "owner.may.more.than.it.needs",
            has=", ".join(found),
            because="whoever gets hold of it can take over the database's machine: "
            "docs/postgresql.md has the two roles as an administrator makes them",
        )


def lock_migrations(connection: Connection) -> None:
    """Wait for whoever migrates at this moment; the lock ends with the transaction.

    The tables are waited for ten seconds at most: whoever else wants them stands behind this meanwhile.
    """
    connection.execute(text("SELECT pg_catalog.pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))


def admit(connection: Connection, role: URL) -> None:
    """Make the role that a server's URL names, unless it is there, and give it what servers need."""
    name = role.username or ""
    if not _PLAIN_NAME.fullmatch(name):
        raise DatabaseUnusable(
            "PARLOUR_DATABASE_URL names no role: write postgresql://ROLE:PASSWORD@HOST/DATABASE."
        )
    if name == connection.execute(text("SELECT current_user")).scalar():
        raise DatabaseUnusable("PARLOUR_DATABASE_URL names the owner: servers need a role of their own.")
    if not connection.execute(_KNOWN, {"name": name}).scalar():
        _create(connection, name, role.password)
    for statement in _grants(name):
        connection.exec_driver_sql(statement)


def _create(connection: Connection, name: str, password: object) -> None:
    options = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT"
    if not connection.execute(
        text("SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
    ).scalar():
        raise DatabaseUnusable(
            f"There is no role {name}, and this owner may not make roles: as an administrator run "
            f"CREATE ROLE {_quoted(name)} {options} PASSWORD '…'."
        )
    secret = sql.SQL(" PASSWORD {}").format(sql.Literal(str(password))) if password else sql.SQL("")
    make = sql.SQL("CREATE ROLE {} " + options).format(sql.Identifier(name)) + secret
    connection.exec_driver_sql(make.as_string(None).replace("%", "%%"))


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _grants(name: str) -> list[str]:
    """docs/postgresql.md shows the same statements for databases where somebody else runs them."""
    role = _quoted(name).replace("%", "%%")
    return [
        f"GRANT USAGE ON SCHEMA public, app TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPEND_ONLY)} FROM {role}",
        f"REVOKE SELECT, INSERT, UPDATE, DELETE ON {', '.join((*READ_ONLY, SEARCHED))} FROM {role}",
        f"GRANT SELECT ON {', '.join(READ_ONLY)} TO {role}",
        f"GRANT INSERT ON {SEARCHED} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO {role}",
    ]
