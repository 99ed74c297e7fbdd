"""A search looks at so much and no more, whatever its words are and however many places hold them.

What SQLite's index of words does within itself takes no steps of its machine; PostgreSQL's counts an entry
for each place that holds the words, of which it reads but a part.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from parlour.db.postgres import link
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Page, Status, Whose
from parlour.kernel.access import Actor, Role
from tests.crowd import EARLY, UNEVEN_WORDS, Crowd
from tests.house import House, open_house
from tests.meter import Meter, metered

pytestmark = pytest.mark.timeout(300)

FEW, MANY = 1_000, 100_000
RARELY = Filters(assignee=Whose.NOBODY, status=Status.NEW)
"""No ticket of the crowd is new and nobody's."""
SEARCHES = {
    "a word that all have": Filters(q="parcel"),
    "what all words begin with": Filters(q="p"),
    "what all have, of none": Filters(q="parcel", assignee=RARELY.assignee, status=RARELY.status),
    "two that are common, never together": Filters(q="even odd"),
    "two such and a beginning": Filters(q="even odd par"),
    "a word that the newest have not": Filters(q="early"),
    "such a word, of none": Filters(q="early", assignee=RARELY.assignee, status=RARELY.status),
    "a rare word": Filters(q="w12"),
    "a rare word and one that all have": Filters(q="w12 parcel"),
    "a word of another workspace": Filters(q="stranger"),
    "a word of nobody": Filters(q="nothing"),
}
CEILING = {"sqlite": 10_000, "postgresql": 20_000}
"""Steps, or blocks and entries, of the first page."""
OF_NONE = {"sqlite": 110_000, "postgresql": 20_000}
"""Where the filters are asked about a thousand tickets, and let none through."""


async def measured(house: House, meter: Meter) -> tuple[dict[str, int], dict[str, Page]]:
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")
    costs, pages = {}, {}
    for name, filters in SEARCHES.items():
        meter.reset()
        pages[name] = await house.db.scan(ada, listing.workspace_tickets, filters)
        costs[name] = meter.scanned + meter.bounded
    return costs, pages


def too_much(house: House, costs: Mapping[str, int]) -> dict[str, int]:
    postgresql = house.app.parlour.settings.is_postgresql
    engine = "postgresql" if postgresql else "sqlite"
    ceilings = {name: (OF_NONE if SEARCHES[name].status else CEILING)[engine] for name in SEARCHES}
    entries = {name: EARLY for name in SEARCHES if postgresql and SEARCHES[name].q == "early"}
    return {name: cost for name, cost in costs.items() if cost > ceilings[name] + entries.get(name, 0)}


async def test_a_search_costs_no_more_than_that_and_says_what_it_has_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the workspace stands another that has as many places with the same words. Nobody tells SQLite to
    ANALYZE, or somebody did.
    """
    monkeypatch.setattr(link, "PREPARE_AFTER", 0)
    monkeypatch.setenv("PGOPTIONS", "-c plan_cache_mode=force_generic_plan")
    with metered() as meter:
        async with open_house(tmp_path) as house:
            house.leave_chores()
            here, settings = house.workspace.workspace_id, house.app.parlour.settings
            crowd = Crowd(settings, here, house.ada, house.ada, UNEVEN_WORDS)
            await asyncio.to_thread(crowd.grow, 1, FEW)
            few, _ = await measured(house, meter)
            await asyncio.to_thread(crowd.grow, FEW + 1, MANY)
            await asyncio.to_thread(crowd.add_a_neighbour, MANY)
            if crowd.settings.is_postgresql:  # which sees to that by itself
                await asyncio.to_thread(crowd.analyze)
            many, pages = await measured(house, meter)
            await asyncio.to_thread(crowd.analyze)
            analyzed, _ = await measured(house, meter)

            assert [too_much(house, costs) for costs in (few, many, analyzed)] == [{}, {}, {}], many
    full = {name for name, page in pages.items() if len(page.rows) == Filters().limit}
    assert full >= {"a word that all have", "what all words begin with", "a rare word"}
    assert all(pages[name].next for name in full)
    assert pages["what all have, of none"].further
    assert pages["such a word, of none"].further
    assert {name for name, page in pages.items() if not page.rows and not page.next} == {
        "two that are common, never together",
        "two such and a beginning",
        "a word of another workspace",
        "a word of nobody",
    }
