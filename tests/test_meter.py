"""What the meter counts on PostgreSQL: every statement, with which other one it ever travelled."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from parlour.db.database import Tx
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Order
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from tests.house import open_house
from tests.meter import metered

pytestmark = pytest.mark.postgresql

WAITING = Filters(waiting=True, order=Order.PRIORITY)
"""Walked along in a way that PostgreSQL is told of between what goes ahead and the list itself."""


def one_by_one(tx: Tx) -> object:
    return listing.workspace_tickets(tx, WAITING), workspaces.members(tx), tags.every(tx)


def together(tx: Tx) -> object:
    tx.ahead(workspaces.members, tags.every)
    return one_by_one(tx)


def the_list_alone(tx: Tx) -> object:
    return listing.workspace_tickets(tx, WAITING)


async def test_what_goes_ahead_of_a_list_costs_what_it_costs_by_itself(tmp_path: Path) -> None:
    with metered() as meter:
        async with open_house(tmp_path) as house:
            house.leave_chores()
            await house.app.parlour.worker.stop()
            for number in range(9):
                await house.add_agent(f"agent{number}@acme.example", Role.AGENT)
            owner = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")

            async def costs(unit: Callable[[Tx], object]) -> Sequence[int]:
                took = []
                for _ in range(4):
                    meter.reset()
                    await house.db.read(owner, unit)
                    took.append(meter.bounded)
                return took

            alone, apart, at_once = [
                min(await costs(each)) for each in (the_list_alone, one_by_one, together)
            ]

    assert alone < apart
    assert at_once == apart
