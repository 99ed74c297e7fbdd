"""What a page of the ticket table costs as a workspace grows: python bench/table.py 1000 50000 1000000

For each list: the steps that SQLite's machine takes for the page's query, and milliseconds for all that
the page reads. A flat row is the promise; `scan` marks the lists that make none and run aside.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.fill import fill  # noqa: E402
from parlour.db.database import Tx  # noqa: E402
from parlour.db.sqlite import SqliteDatabase  # noqa: E402
from parlour.features.accounts import service as accounts  # noqa: E402
from parlour.features.tickets.listing import service as listing  # noqa: E402
from parlour.features.tickets.listing import store as listing_store  # noqa: E402
from parlour.features.tickets.models import Filters, Order, Priority, Stage, Status, Whose  # noqa: E402
from parlour.features.tickets.rows import store as rows_store  # noqa: E402
from parlour.features.workspaces import service as workspaces  # noqa: E402
from parlour.kernel.access import Actor, Role  # noqa: E402
from tests.meter import asking_anew  # noqa: E402

RUNS = 15


def lists(me: UUID) -> dict[str, Filters]:
    """The built-in views, each order with a filter, searches."""
    return {
        "mine": Filters(status=Stage.ACTIVE, assignee=me),
        "unassigned": Filters(status=Stage.ACTIVE, assignee=Whose.NOBODY),
        "waiting for us": Filters(waiting=True),
        "waiting for the customer": Filters(status=Status.PENDING),
        "all": Filters(),
        "all, newest": Filters(order=Order.CREATED),
        "all, most urgent": Filters(order=Order.PRIORITY),
        "unfinished, most urgent": Filters(status=Stage.ACTIVE, order=Order.PRIORITY),
        "urgent": Filters(priority=Priority.URGENT),
        "open, newest": Filters(status=Status.OPEN, order=Order.CREATED),
        "mine, most urgent": Filters(assignee=me, order=Order.PRIORITY),
        "closed and urgent": Filters(status=Status.CLOSED, priority=Priority.URGENT),
        "search: one word": Filters(q="refund"),
        "search: two words": Filters(q="refund tent"),
        "search: a beginning": Filters(q="war"),
        "search: an address": Filters(q="customer77@example.com"),
        "search: no match": Filters(q="xylophone"),
    }


def steps(tx: Tx, filters: Filters) -> int:
    """The machine steps of the page's query alone."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    raw = tx.connection.connection.dbapi_connection
    assert raw is not None
    raw.set_progress_handler(tick, 1)
    try:
        if filters.q:
            listing.workspace_tickets(tx, filters)
        else:
            limit = filters.limit + 1
            listing_store.page(tx, filters, rows_store.ROWS, key=None, backwards=False, limit=limit)
    finally:
        raw.set_progress_handler(None, 0)
    return count


async def _measure(path: Path, sizes: list[int]) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    db = SqliteDatabase(path)
    await db.migrate()
    await db.open()

    def furnish(tx: Tx) -> tuple[UUID, list[UUID]]:
        workspace = workspaces.create_workspace(tx, "acme", "Acme Outdoor")
        here = tx.acting_as(Actor.system(workspace.workspace_id))
        agents = []
        for name in ("ada", "ben", "cleo", "dan"):
            address = f"{name}@acme.example"
            agents.append(accounts.create_agent(here, address, name, "correct horse battery", "no hash"))
            workspaces.add_member(here, agents[-1], Role.AGENT)
        return workspace.workspace_id, agents

    workspace_id, agents = await db.write(Actor.system(), furnish)
    actor = Actor.agent(workspace_id, agents[0], Role.AGENT, "Ada")
    there = 0
    for size in sizes:
        started = time.perf_counter()
        await asyncio.to_thread(fill, str(path), workspace_id, agents, size - there, first=there + 1)
        there = size
        print(f"{size:,} tickets in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for name, filters in lists(agents[0]).items():
            times = []
            for _ in range(RUNS):
                begun = time.perf_counter()
                await db.read(actor, listing.workspace_tickets, filters)
                times.append((time.perf_counter() - begun) * 1000)
            taken = await db.read(actor, steps, filters)
            table.setdefault(name, []).append(f"{taken:>9,} {statistics.median(times):>8.2f} ms")
    await db.close()
    return table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench table", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    sizes = sorted(set(parser.parse_args(arguments).sizes))
    with tempfile.TemporaryDirectory() as folder, asking_anew():
        table = asyncio.run(_measure(Path(folder) / "parlour.db", sizes))
    me = UUID(int=1)
    print(f"{'':26}      " + "".join(f"{size:>22,}" for size in sizes))
    for name, cells in table.items():
        where = "read" if listing.costs_the_same(lists(me)[name]) else "scan"
        print(f"{name:26}  {where}" + "".join(f"{cell:>22}" for cell in cells))
    return 0
