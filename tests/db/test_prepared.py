"""Statements are prepared where that is safe, and a unit never fails because one was."""

from pathlib import Path
from uuid import uuid4

import pytest

from parlour.db.database import Tx
from parlour.db.postgres import PostgresDatabase
from parlour.db.postgres.link import PREPARE_AFTER, Link, make_engine
from parlour.features.desk import units
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from tests import postgres_server
from tests.house import House, behind_its_back

pytestmark = pytest.mark.postgresql


def prepares(url: str) -> bool:
    link = Link(make_engine(url, answering=True), prepares=True)
    link.close()
    return link.prepares


@pytest.mark.pgbouncer
def test_nothing_is_prepared_through_a_proxy_that_lends_connections(tmp_path: Path) -> None:
    server = postgres_server.server()
    direct = server.direct_url(server.of_folder(tmp_path))
    with postgres_server.Bouncer(server.folder, server.port) as bouncer:
        proxied = direct.replace(f":{server.port}/", f":{bouncer.port}/")
        found = prepares(direct), prepares(proxied)
    postgres_server.left(direct)

    assert found == (True, False)


async def test_what_a_page_reads_is_planned_once_for_any_value(house: House) -> None:
    """Behind its policies a statement takes longer to plan than to run."""
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")

    def plans(tx: Tx) -> tuple[int, int]:
        for _ in range(3 * PREPARE_AFTER):
            listing.workspace_tickets(tx, Filters())
        counted = "SELECT sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements"
        for_values, for_any = tx.connection.exec_driver_sql(counted).one()
        return for_values, for_any

    for_values, for_any = await house.db.read(agent, plans)
    assert (for_values, for_any > PREPARE_AFTER) == (0, True)


async def test_what_a_search_reads_is_so_too_although_it_is_a_scan(house: House) -> None:
    """What goes ahead of its first question as well."""
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")

    def plans(tx: Tx) -> tuple[int, int]:
        units.table(tx, Filters(q="nothing"), None)
        counted = """SELECT sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements
            WHERE statement ~ '^SELECT' AND statement !~ 'set_config|pg_'"""
        for_values, for_any = tx.connection.exec_driver_sql(counted).one()
        return for_values, for_any

    assert await house.db.scan(agent, plans) == (0, 3)


async def test_a_statement_that_no_longer_fits_its_table_is_run_again(house: House) -> None:
    for _ in range(40 * PREPARE_AFTER):  # in every thread's connection
        await house.db.read(Actor.visitor(), workspaces.workspace_at, "acme")
    behind_its_back(house.app.parlour.settings, "ALTER TABLE workspaces ALTER COLUMN name TYPE varchar(90)")
    found = [await house.db.read(Actor.visitor(), workspaces.workspace_at, "acme") for _ in range(8)]

    assert {one.name for one in found} == {"Acme Outdoor"}


async def test_a_statement_that_somebody_took_away_is_run_again(house: House) -> None:
    """As behind a proxy that could not be told from the server."""

    def rename(tx: Tx, name: str) -> None:
        tx.connection.exec_driver_sql("SELECT 1")
        workspaces.rename_workspace(tx, name)

    def forget(tx: Tx) -> None:
        tx.connection.exec_driver_sql("DEALLOCATE ALL")

    assert isinstance(house.db, PostgresDatabase)
    owner = Actor.system(house.workspace.workspace_id)
    names = [f"Acme {uuid4().hex[:6]}" for _ in range(12 * PREPARE_AFTER)]
    for name in names:
        await house.db.write(owner, rename, name)
    for _ in range(24):
        await house.db.write(owner, forget)
    await house.db.write(owner, rename, "Acme at last")

    assert (await house.db.read(Actor.visitor(), workspaces.workspace_at, "acme")).name == "Acme at last"


async def test_a_unit_that_is_refused_leaves_the_statements_prepared(house: House) -> None:
    """A page that is not there, or a session that has ended, is every day's work.

    Through a proxy none is prepared.
    """

    def look(tx: Tx) -> int:
        workspaces.workspace_at(tx, "acme")
        found: int = tx.connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
        return found

    def refuse(tx: Tx) -> None:
        workspaces.workspace_at(tx, "nowhere")

    for _ in range(40 * PREPARE_AFTER):  # in every thread's connection
        await house.db.read(Actor.visitor(), look)
    for _ in range(8):
        with pytest.raises(workspaces.UnknownWorkspace):
            await house.db.read(Actor.visitor(), refuse)

    prepared = [await house.db.read(Actor.visitor(), look) for _ in range(8)]
    assert all(prepared) if postgres_server.ENGINE == "postgresql" else not any(prepared)
