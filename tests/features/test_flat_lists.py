"""A page of a list costs the same among a thousand tickets and among fifty thousand."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from bench.fill import fill
from bench.table import steps
from parlour.db.database import Tx
from parlour.features.desk.query import BUILT_IN
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.listing import store as listing_store
from parlour.features.tickets.listing.places import key_of
from parlour.features.tickets.models import Filters, Order, Priority, Stage, Status, Whose
from parlour.features.tickets.rows import store as rows_store
from parlour.kernel.access import Actor
from tests.house import House, behind_its_back, open_house

MARGIN = 0.05
WALK = re.compile(
    r"SEARCH (mentions|ticket_tags|tickets) USING (COVERING )?INDEX "
    r"(ix_ticket_tags_|ix_tickets_|sqlite_autoindex_(mentions_1 .*user|tickets_1 .*ticket)_id=)"
)
BESIDE = (
    "MERGE",
    "MATERIALIZE",
    "LEFT",
    "RIGHT",
    "CO-ROUTINE",
    "SCAN anon",
    "LIST SUBQUERY",
    "SCAN json_each",
    "USE TEMP B-TREE FOR ORDER BY",
    "USE TEMP B-TREE FOR DISTINCT",
)
"""How walks are merged, and how those who wait, or the tickets of one's 200 mentions, are picked from one."""
NARROWED: dict[str, Filters] = {
    "nothing": Filters(),
    "status": Filters(status=Status.OPEN),
    "active": Filters(status=Stage.ACTIVE),
    "priority": Filters(priority=Priority.HIGH),
    "assignee": Filters(assignee=UUID(int=1)),
    "nobody": Filters(assignee=Whose.NOBODY),
    "waiting": Filters(waiting=True),
    "snoozed": Filters(status=Stage.SNOOZED),
    "tag": Filters(tag=UUID(int=1)),
}


def plan(tx: Tx, filters: Filters) -> list[str]:
    """How SQLite finds the tickets of the page, of the next one and of the one before."""
    seen: list[str] = []
    raw = tx.connection.connection.dbapi_connection
    assert raw is not None
    raw.set_trace_callback(seen.append)
    shown, _ = listing_store.page(tx, filters, rows_store.ROWS, key=None, backwards=False, limit=26)
    if shown:
        key = key_of(filters.order, shown[-1])
        for backwards in (False, True):
            listing_store.page(tx, filters, rows_store.ROWS, key=key, backwards=backwards, limit=26)
    raw.set_trace_callback(None)
    rows = [row[3] for sql in seen for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
    return [
        row
        for row in rows
        if not row.startswith(BESIDE)
        and not any(beside in row for beside in ("users", "members", "contacts"))
    ]


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[House]:
    """A thousand tickets; Ada has a fair share of them."""
    async with open_house(tmp_path) as house:
        house.leave_chores()
        await grow(house, tmp_path, 1_000, first=1)
        yield house


async def grow(house: House, folder: Path, tickets: int, *, first: int) -> None:
    here = house.workspace.workspace_id
    await asyncio.to_thread(fill, str(folder / "parlour.db"), here, [house.ada], tickets, first=first)
    settings = house.app.parlour.settings
    behind_its_back(settings, "UPDATE tickets SET snoozed_until = created_at WHERE status = 'pending'")


def me_in(house: House) -> Actor:
    return Actor.system(house.workspace.workspace_id)


@pytest.mark.parametrize("name", NARROWED)
def test_indexes_hold_each_filter_of_the_table_in_every_order(name: str) -> None:
    orders = [replace(NARROWED[name], order=order) for order in Order]

    assert [filters.order for filters in orders if not listing.costs_the_same(filters)] == []


@pytest.mark.parametrize(
    "among",
    [
        {"waiting": True, "status": Status.OPEN},
        {"waiting": True, "priority": Priority.HIGH},
        {"status": Stage.SNOOZED, "priority": Priority.HIGH},
    ],
)
def test_those_who_wait_and_those_put_aside_are_also_held_among_others(among: dict[str, Any]) -> None:
    orders = [Filters(order=order, **among) for order in Order]

    assert [filters.order for filters in orders if not listing.costs_the_same(filters)] == []


@pytest.mark.sqlite
async def test_every_list_walks_an_index_in_its_order(busy: House) -> None:
    orders = [
        (f"{name}, by {order.value}", replace(filters, order=order))
        for (name, filters), order in itertools.product(NARROWED.items(), Order)
    ]
    views = [(name, query.filters(busy.ada)) for name, query in BUILT_IN.items()]
    for name, filters in [*views, *orders]:
        for line in await busy.db.read(me_in(busy), plan, filters):
            assert WALK.match(line), (name, line)


@pytest.mark.sqlite
async def test_fifty_times_the_tickets_take_no_more_steps(busy: House, tmp_path: Path) -> None:
    lists = {name: query.filters(busy.ada) for name, query in BUILT_IN.items()}
    for name, order in itertools.product(("nothing", "active", "priority", "waiting", "snoozed"), Order):
        filters = replace(NARROWED[name], order=order)
        if listing.costs_the_same(filters):
            lists[f"{name}, by {order.value}"] = filters
    few = {name: await busy.db.read(me_in(busy), steps, filters) for name, filters in lists.items()}
    await grow(busy, tmp_path, 49_000, first=1_001)
    many = {name: await busy.db.read(me_in(busy), steps, filters) for name, filters in lists.items()}

    assert {name: count for name, count in many.items() if count > (1 + MARGIN) * few[name]} == {}


def test_the_built_in_views_are_all_of_that_kind() -> None:
    me = UUID(int=1)

    assert all(listing.costs_the_same(query.filters(me)) for query in BUILT_IN.values())
