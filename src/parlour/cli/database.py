"""`parlour migrate`: the schema."""

import asyncio

import click

from parlour.cli.base import prepared, settings_now
from parlour.cli.refused import Refused
from parlour.db.database import Standing
from parlour.db.factory import make_database
from parlour.settings import Settings, postgresql_url


@click.command
@click.option(
    "--owner-url",
    metavar="URL",
    help="PostgreSQL: the role that owns the tables. The one in PARLOUR_DATABASE_URL is then made, "
    "if it is missing, and let in.",
)
def migrate(owner_url: str | None) -> None:
    """Bring the database to the newest schema."""
    settings = settings_now()
    if owner_url:
        before = _migrate_as_owner(settings, owner_url)
    else:
        before = asyncio.run(prepared(make_database(settings), lambda db: db.migrate()))
    if before is Standing.NEWER:
        click.echo(
            "A newer Parlour has migrated the database. This one works on it, and has changed nothing."
        )
    else:
        click.echo("The database has the newest schema.")


def _migrate_as_owner(settings: Settings, owner_url: str) -> Standing:
    if not settings.is_postgresql:
        raise Refused("--owner-url is for PostgreSQL, and PARLOUR_DATABASE_URL names no such database.")
    from parlour.db.postgres import migrate_with

    return migrate_with(postgresql_url("--owner-url", owner_url), for_role=settings.database_url)
