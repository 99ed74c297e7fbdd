"""Lists that are read by pages while they change: what stood still comes once, on one page, in every pass.

Ten thousand pages where PARLOUR_TEST_FUZZ is set, as in CI; a tenth of them in the everyday run, and on
PostgreSQL a few passes. They are read below the door, which adds no more than a signature to a cursor.
"""

import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.api import units
from parlour.features.contacts import service as contacts
from parlour.features.tickets import changes
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Filters, Order, Priority
from tests.house import House
from tests.postgres_server import ON_POSTGRESQL
from tests.tickets import ada

PAGES = 200 if ON_POSTGRESQL else 10_000 if os.environ.get("PARLOUR_TEST_FUZZ") else 1_000
STILL, MOVING, SIZE = 120, 30, 5
CHANGES_EACH = 4
"""So many pages to a change."""

Page = tuple[list[UUID], str | None]
Read = Callable[[str | None], Awaitable[Page]]


def draft(number: int) -> Draft:
    return Draft(f"Parcel {number}", "Where is it?", f"somebody{number:04}@example.com", uuid4())


class Town:
    """Tickets and people that stand still, and some that do not."""

    def __init__(self, house: House, opened: list[UUID]) -> None:
        self.house = house
        self.chance = random.Random(4711)
        self.chance.shuffle(opened)
        self.still, self.moving = {*opened[MOVING:]}, opened[:MOVING]
        self.opened = len(opened)

    async def change(self) -> None:
        """Something of what goes on at a desk."""
        this, what = self.chance.choice(self.moving), self.chance.randrange(4)
        await self.house.db.write(ada(self.house), self._change, this, what)

    def _change(self, tx: Tx, this: UUID, what: int) -> None:
        if what == 0:
            tickets.send_message(tx, this, "On its way.", uuid4())
        elif what == 1:
            priority = self.chance.choice([*Priority])
            changes.set_priority(tx, list(tickets.locked_all(tx, [this])), priority)
        elif what == 2:
            changes.assign(tx, list(tickets.locked_all(tx, [this])), tx.actor.user_id)
        else:
            self.opened += 1
            tickets.open_for(tx, draft(self.opened))

    async def tickets_by(self, order: Order, after: str | None) -> Page:
        filters = Filters(order=order, limit=SIZE, after=after)
        page = await self.house.db.read(ada(self.house), units.ticket_page, filters, None)
        return [each.ticket_id for each in page.tickets], page.next

    async def people(self, after: str | None) -> Page:
        page = await self.house.db.read(ada(self.house), contacts.page, after=after or "", limit=SIZE)
        return [each.contact_id for each in page.contacts], page.next


@pytest.mark.parametrize("what", ["people", *Order])
async def test_what_stands_still_comes_once_in_every_pass(house: House, what: str) -> None:
    town = await opened(house)
    still = town.still if what in [*Order] else {*await everybody(town)}
    left = PAGES // 4
    while left > 0:
        found: Counter[UUID] = Counter()
        after, more = None, True
        while more:
            ids, after = await (
                town.people(after) if what == "people" else town.tickets_by(Order(what), after)
            )
            found.update(ids)
            more, left = after is not None, left - 1
            if left % CHANGES_EACH == 0:
                await town.change()
        assert {each: found[each] for each in still} == dict.fromkeys(still, 1)


async def opened(house: House) -> Town:
    def open_all(tx: Tx) -> list[UUID]:
        return [tickets.open_for(tx, draft(number)).ticket.ticket_id for number in range(STILL + MOVING)]

    await house.app.parlour.worker.stop()  # nobody is mailed meanwhile
    return Town(house, await house.db.write(ada(house), open_all))


async def everybody(town: Town) -> list[UUID]:
    found: list[UUID] = []
    after: str | None = ""
    while after is not None:
        ids, after = await town.people(after)
        found += ids
    return found
