"""What others wait for costs no more among a hundred thousand tickets than among a thousand.

That is every write, and every read that runs on the event loop or in a timer: all routes that the application
has, and what the worker, the heartbeat and the sockets run. `tests/crowd.py` says how uneven the tickets are.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import delete

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane, lane_of
from parlour.db.postgres import link
from parlour.db.schema import outbox as jobs
from parlour.features.conversation.sockets import SocketAccess
from parlour.features.desk.query import BUILT_IN
from parlour.features.events import service as happenings
from parlour.features.tickets import handover
from parlour.features.tickets.access import service as access
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import (
    COUNT_LIMIT,
    Bulk,
    Field,
    Filters,
    Order,
    Priority,
    Stage,
    Status,
    Whose,
)
from parlour.kernel.access import Actor, Role
from parlour.kernel.keys import Keys
from parlour.kernel.messages import Place
from parlour.kernel.secrets import new_secret
from parlour.web.session import ticket_cookie
from tests.crowd import FAR, REGULAR, SMALL, Crowd
from tests.forms import Form
from tests.house import Browser, behind_its_back
from tests.meter import Meter, metered
from tests.people import Town, http_routes, open_town

pytestmark = pytest.mark.timeout(300)
"""A hundred thousand tickets: a quarter of a minute on a machine of its own."""

GRANTED = ("/auth/mailbox", "/settings/mail/granted")
"""Where a provider sends a browser back to: without what it sends along that is refused."""
FEW, MANY = 1_000, 100_000
GROWTH, SLACK = 1.5, 4_500
"""What a cost may differ by: trees grow a level, and a job of the worker's may fall into the moment."""
COUNTED = {
    "the dashboard": 6,
    "the list ": 2.3,
    "a list of ": 2,
    "waiting in ": 7,
    "one of them ": 6.5,
}
"""How often a page counts or looks through so many as COUNT_LIMIT, more than there are among a thousand.

The views beside a page are eight counts of a tenth of that."""
STEPS_A_COUNT = 13

DASHBOARD = "/workspace/{workspace_id}"

T = TypeVar("T")
Costs = dict[str, int]
Act = Callable[[], Awaitable[object]]


@dataclass
class City:
    """A town with a crowd in it, and the meter that was there when its connections were made."""

    town: Town
    crowd: Crowd
    meter: Meter
    regular: dict[UUID, str] = field(default_factory=dict)
    """The secrets of the customer with a fifth of the tickets."""
    value: str = "low"
    """Of the last change of many."""

    @property
    def here(self) -> UUID:
        return self.town.house.workspace.workspace_id

    @property
    def system(self) -> Actor:
        return Actor.system(self.here)

    async def settle(self) -> None:
        """The regular customer opens the links of a mail."""
        db = self.town.house.db
        mailed = await db.write(self.system, access.issue_links, REGULAR, lambda _: new_secret())
        for link_ in mailed.links:
            visitor = Actor.visitor(self.here)
            opened, key = await db.write(visitor, access.exchange_link, link_.token, Keys(self.regular))
            self.regular[opened] = key

    async def cost(self, act: Act) -> int:
        self.meter.reset()
        await act()
        return self.meter.bounded

    async def measure(self, only: Container[str] | None = None) -> Costs:
        """What everything costs, or only what has one of these names."""

        def wanted(named: Mapping[str, T]) -> list[tuple[str, T]]:
            return [(name, each) for name, each in named.items() if only is None or name in only]

        costs = {}
        for name, (method, route) in wanted(self._routes()):
            costs[name] = await self._route(method, route)
        for name, path in wanted(self._pages()):
            kind = "customer" if path.startswith("/support") else "owner"
            async with await self.town.come(kind) as browser:
                if kind == "customer":
                    browser.cookies.update({ticket_cookie(one): key for one, key in self.regular.items()})
                costs[name] = await self.cost(partial(self._look, browser, path))
        for name, path in wanted(self._searches()):
            async with await self.town.come("owner") as browser:
                await self.cost(partial(self._look, browser, path))
                costs[name] = self.meter.scanned
        for name, filters in wanted(self._lists()):
            costs[name] = await self.cost(partial(self._list, filters)) + self.meter.scanned
        for name, act in wanted(await self._units()):
            costs[name] = await self.cost(act)
        return costs

    async def measure_beside(self, few: Costs) -> Costs:
        """Once more what seems to have grown: a job of the worker's may have fallen into the moment."""
        many = await self.measure()
        seems = grown(few, many)
        return many | await self.measure(seems) if seems else many

    def _lists(self) -> Mapping[str, Filters]:
        """What the table's filters and orders can be put together to; some of one kind are one here."""
        whose = {
            "": None,
            "the busy one's": self.crowd.busy,
            "Ada's": self.crowd.ada,
            "nobody's": Whose.NOBODY,
        }
        every = product(
            (None, Stage.ACTIVE, Status.CLOSED), (None, Priority.URGENT), whose, (False, True), Order
        )
        lists = {}
        for status, priority, who, waiting, order in every:
            name = f"a list of {who} {status or ''} {priority or ''} by {order}"
            lists[f"waiting in {name}" if waiting else name] = Filters(
                status=status, priority=priority, assignee=whose[who], waiting=waiting, order=order
            )
        return lists

    async def _list(self, filters: Filters) -> None:
        db = self.town.house.db
        run = db.read if listing.costs_the_same(filters) else db.scan
        await run(self.town.owner, listing.workspace_tickets, filters)

    def _routes(self) -> Mapping[str, tuple[str, str]]:
        """All but the dashboard, which is among the pages, where its counts are allowed for."""
        routes = sorted(http_routes(self.town.house))
        named = {f"{method} {route}": (method, route) for method, route in routes}
        del named[f"GET {DASHBOARD}"]
        return {name: each for name, each in named.items() if not each[1].startswith("/static")}

    async def _route(self, method: str, route: str) -> int:
        async with await self.town.come("customer" if route.startswith("/support") else "owner") as browser:
            if method == "GET":
                await self.town.furnish()
                return await self.cost(partial(self._look, browser, self.town.path(route)))
            form = {"csrf": await browser.csrf("/support/acme"), **await self.town.form(route)}
            return await self.cost(partial(self._send, browser, self.town.path(route), form))

    async def _look(self, browser: Browser, path: str) -> None:
        status = (await browser.get(path)).status_code
        assert status < 400 or path.endswith(GRANTED), path

    async def _send(self, browser: Browser, path: str, form: Form) -> None:
        assert (await browser.post(path, data=form)).status_code in (200, 201, 204, 303, 422), path

    def _pages(self) -> Mapping[str, str]:
        """Pages that are heavier for some than for others."""
        tickets = self.town.path("/workspace/{workspace_id}/tickets")
        orders = [Filters(order=order) for order in Order]
        assert all(map(listing.costs_the_same, orders))
        return {
            "the dashboard": self.town.path(DASHBOARD),
            "the front page of a customer with twenty tickets": "/support/acme",
            "a ticket of a customer with thousands": f"{tickets}/{self._of_regular()}",
            **{f"the list {name}": f"{tickets}?{query.text}" for name, query in BUILT_IN.items()},
            **{f"the list by {order}": f"{tickets}?sort={order}" for order in Order},
        }

    def _searches(self) -> Mapping[str, str]:
        """They run on threads of their own, but shall not grow either."""
        tickets = self.town.path("/workspace/{workspace_id}/tickets")
        chosen = f"status=open&assignee={self.crowd.ada}"
        return {
            "a search for a customer with thousands": f"{tickets}?q={REGULAR}",
            "one of them with everything chosen": f"{tickets}?q={REGULAR}&{chosen}",
            "a search for a word with everything chosen": f"{tickets}?q=parcel&{chosen}",
        }

    def _of_regular(self) -> UUID:
        return UUID(int=8 * 500)

    async def _let_go(self) -> None:
        """The job that follows finds somebody who is back."""
        db, owner = self.town.house.db, self.town.owner
        await db.write(owner, let_go_for_a_moment, self.crowd.busy)

    async def _units(self) -> Mapping[str, Act]:
        """What runs without a page."""
        db, system, worker = self.town.house.db, Actor.system(), self.town.house.app.parlour.worker
        chores = {f"{chore.__module__}.{chore.__name__}": chore for chore in worker._chores}  # noqa: SLF001 whatever they are
        [link_] = [await db.write(self.system, access.issue_link, self._of_regular(), new_secret())]
        assert link_
        rooms = [(self.here, UUID(int=8 * n + 1)) for n in range(1, 101)]
        rooms += [(UUID(int=FAR + n), UUID(int=8 * (FAR + n * 1_000 + 1) + 1)) for n in range(1, SMALL)]
        many = [UUID(int=8 * n) for n in range(1, bulk.AT_ONCE + 1)]
        more = [UUID(int=8 * n) for n in range(bulk.AT_ONCE + 1, bulk.AT_ONCE + 501)]  # none of those
        sockets = SocketAccess(db)
        owner = self.town.owner
        self.value = value = "low" if self.value == "high" else "high"  # always another than it is
        begun = await db.write(owner, begun_by_nobody, more, value)
        visitor = Actor.visitor(self.here)
        while await db.write(system, happenings.sweep):
            pass  # what was just measured has happened, too: a step of it is as long as it may be
        return {
            **{f"the chore {name}": partial(db.write, system, chore) for name, chore in chores.items()},
            "the next job": lambda: db.read(system, outbox.next_due),
            "taking jobs": lambda: db.write(
                system, outbox.claim, Lane.MAIL, lease=timedelta(seconds=30), limit=8
            ),
            "the finished jobs": lambda: db.write(
                system, outbox.sweep, older_than=timedelta(days=7), limit=500
            ),
            "the heads of 300 rooms": lambda: sockets.heads(rooms),
            "entering a room": lambda: sockets.enter(owner, rooms[0][1], Place(0)),
            "links of a customer with thousands": lambda: db.write(
                self.system, access.issue_links, REGULAR, lambda _: new_secret()
            ),
            "exchanging a link": lambda: db.write(
                visitor, access.exchange_link, link_.token, Keys(self.regular)
            ),
            "changing a hundred at once": lambda: db.write(owner, told_to_nobody, many, value),
            "letting go of an agent with thousands": self._let_go,
            "a step of a change of many": lambda: db.write(owner, bulk.step, begun.bulk_id),
        }


def let_go_for_a_moment(tx: Tx, user_id: UUID) -> None:
    """In one transaction, or the worker does a step of the rest before they are back."""
    handover.set_role(tx, user_id, Role.VIEWER)
    handover.set_role(tx, user_id, Role.AGENT)


def told_to_nobody(tx: Tx, ticket_ids: list[UUID], value: str) -> None:
    """A change without the job that tells the rooms of it, which runs while other things are measured."""
    bulk.start(tx, ticket_ids, Field.PRIORITY, value)
    waiting = (jobs.c.lane == lane_of(bulk.SAY)) & jobs.c.finished_at.is_(None) & jobs.c.dead_at.is_(None)
    tx.acting_as(Actor.system()).execute(delete(jobs).where(waiting, jobs.c.kind == bulk.SAY))


def begun_by_nobody(tx: Tx, ticket_ids: list[UUID], value: str) -> Bulk:
    """A change of many tickets without its job, or the worker does what is to be measured."""
    made = bulk.start(tx, ticket_ids, Field.PRIORITY, value)
    tx.acting_as(Actor.system()).execute(delete(jobs).where(jobs.c.kind == bulk.JOB))
    bulk.write_down(tx.as_system(), made.bulk_id, ticket_ids)
    return made


@asynccontextmanager
async def open_city(folder: Path) -> AsyncIterator[City]:
    with metered() as meter:
        async with open_town(folder) as town:
            house = town.house
            house.leave_chores()
            busy = await house.add_agent("busy@acme.example", Role.AGENT)
            crowd = Crowd(house.app.parlour.settings, house.workspace.workspace_id, busy, house.ada)
            await asyncio.to_thread(crowd.add_small_ones)
            await asyncio.to_thread(crowd.grow, 1, FEW)
            # Nothing is posted to anybody while other things are measured.
            behind_its_back(house.app.parlour.settings, "UPDATE workspaces SET hooked = ?", False)
            city = City(town, crowd, meter)
            await city.settle()
            yield city


def counted(page: str) -> float:
    kinds = next((kinds for begins, kinds in COUNTED.items() if page.startswith(begins)), 0)
    return kinds * STEPS_A_COUNT * (COUNT_LIMIT + 1)


def grown(few: Costs, many: Costs) -> dict[str, tuple[int, int]]:
    """What costs more than it should: among few, among many."""
    allowed = {name: max(GROWTH * few[name] + SLACK, counted(name)) for name in many}
    return {name: (few[name], cost) for name, cost in many.items() if cost > allowed[name]}


async def test_a_front_page_asks_as_often_for_twenty_tickets_as_for_two(tmp_path: Path) -> None:
    async with open_city(tmp_path) as city, await city.town.come("nobody") as browser:
        await city.town.house.app.parlour.worker.stop()  # it looks for jobs now and then
        statements = []
        for few in (list(city.regular)[:2], list(city.regular)):
            browser.cookies.update({ticket_cookie(one): city.regular[one] for one in few})
            await city.cost(partial(city._look, browser, "/support/acme"))  # noqa: SLF001 its own pages
            statements.append(city.meter.statements)

    assert statements[0] == statements[1]


@pytest.mark.sqlite
async def test_a_hundred_times_the_tickets_cost_no_more_on_sqlite(tmp_path: Path) -> None:
    """Nobody tells SQLite to ANALYZE, as we do not, or somebody did."""
    async with open_city(tmp_path) as city:
        few = await city.measure()
        await asyncio.to_thread(city.crowd.grow, FEW + 1, MANY)
        many = await city.measure_beside(few)
        await asyncio.to_thread(city.crowd.analyze)
        analyzed = await city.measure_beside(few)

    assert (grown(few, many), grown(few, analyzed)) == ({}, {})


@pytest.mark.postgresql
async def test_a_hundred_times_the_tickets_cost_no_more_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared at once. Units ask for plans for any value themselves; what runs alone is given them here."""
    monkeypatch.setattr(link, "PREPARE_AFTER", 0)
    monkeypatch.setenv("PGOPTIONS", "-c plan_cache_mode=force_generic_plan")
    async with open_city(tmp_path) as city:
        await asyncio.to_thread(city.crowd.analyze)
        few = await city.measure()
        await asyncio.to_thread(city.crowd.grow, FEW + 1, MANY)
        await asyncio.to_thread(city.crowd.analyze)
        many = await city.measure_beside(few)

    assert grown(few, many) == {}
