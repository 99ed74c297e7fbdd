"""Every filter that the ticket list offers, in every order, and searches, among few tickets and among many.

Each page is made in this process, by turns in a workspace of the least and one of the most tickets; what
counts is processor time, PostgreSQL's included. A list has two goals: within 1.5 times what the 25 newest
open tickets take in the same workspace, and among the most tickets within 1.2 times what it takes among the
least. PARLOUR_TEST_DATABASE=postgresql measures there.
"""

import argparse
import asyncio
import io
import itertools
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode

from bench import report
from bench.ceiling import processor
from bench.fill import WORDS, fill, fill_postgresql
from bench.pages import Headers, exchange, headers_of
from bench.report import Found, Goal
from parlour import logs
from parlour.app import Application
from parlour.features.tickets.models import Order, Priority, Stage, Status, Whose
from parlour.features.tickets.tags import service as tags
from parlour.kernel import garbage
from parlour.kernel.access import Role
from tests import postgres_server
from tests.house import House, behind_its_back, open_house

NEWEST = {"status": "open", "sort": "created"}
BESIDE_NEWEST, BESIDE_FEW = Goal(times=1.5), Goal(times=1.2)
FIRST_PAGE, SLOWEST = Goal(2_500), Goal(50)
SHOWN = 15
SEARCHES = {
    "a word of a sixth": "refund",
    "two of those": "refund tent",
    "three of those": "refund tent zip",
    "a beginning": "war",
    "an address": "customer77@example.com",
    "a number": "#77",
    "a word of nobody": "xylophone",
}
MORE = (
    "UPDATE tickets SET snoozed_until = created_at WHERE status = 'pending' AND number % 3 = 0",
    "UPDATE tickets SET tagged = true WHERE number % 7 = 0",
    """INSERT INTO ticket_tags
            (workspace_id, ticket_id, tag_id, last_message_at, created_at, priority_rank)
        SELECT t.workspace_id, t.ticket_id, tags.tag_id, t.last_message_at, t.created_at, t.priority_rank
        FROM tickets AS t JOIN tags ON tags.workspace_id = t.workspace_id WHERE t.number % 7 = 0""",
    """INSERT INTO mentions (workspace_id, user_id, message_id, ticket_id, created_at)
        SELECT t.workspace_id, u.user_id, m.message_id, t.ticket_id, t.created_at
        FROM tickets AS t JOIN users AS u ON u.email = 'ada@acme.example'
        JOIN messages AS m ON m.workspace_id = t.workspace_id AND m.room_id = t.chat_room_id
        WHERE t.number % 11 = 0""",
)
"""What `fill` leaves out, and a list can be narrowed by."""


TAG = "TAG"
"""In the address of a list; each workspace has another one."""


class Workspace(NamedTuple):
    app: Application
    desk: str
    headers: Headers
    tag: str


def busy() -> float:
    """Seconds of processor time of this process and of the database's."""
    spent = time.process_time()
    return spent + processor(postgres_server.server().process_id) if postgres_server.ON_POSTGRESQL else spent


async def grown(house: House, tickets: int) -> str:
    """Fill the workspace. Returns the id of the tag that a seventh of the tickets have."""
    settings, here = house.app.parlour.settings, house.workspace.workspace_id
    agents = [house.ada, await house.add_agent("ben@acme.example", Role.AGENT)]
    tag = await house.as_system(tags.make, "Delivery", "blue")
    bar = report.followed(range(-(-tickets // 10_000) + 1), f"{tickets:,} tickets")
    if settings.is_postgresql:
        name = settings.database_url.rsplit("/", 1)[1]
        with postgres_server.server().admin_connection(name) as admin:
            admin.execute("SET session_replication_role = replica")
            fill_postgresql(admin, here, agents, tickets, done=lambda _: next(bar))
            for statement in (*MORE, "ANALYZE"):
                admin.execute(statement.encode())
    else:
        fill(str(settings.sqlite_path), here, agents, tickets, done=lambda _: next(bar))
        for statement in MORE:
            behind_its_back(settings, statement)
    list(bar)
    return str(tag.tag_id)


def lists() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every filter alone and with each other one, in every order; named by what its address says."""
    offered = {
        "status": [*Status, *Stage],
        "priority": [*Priority],
        "assignee": ["me", Whose.NOBODY],
        "waiting": ["us"],
        "tag": [TAG],
        "mentioned": ["me"],
    }
    alone = [(name, str(value)) for name, values in offered.items() for value in values]
    pairs = [pair for pair in itertools.combinations(alone, 2) if pair[0][0] != pair[1][0]]
    for chosen, order in itertools.product([(), *((one,) for one in alone), *pairs], Order):
        query = {**dict(chosen), "sort": order.value}
        yield urlencode(query), query


async def microseconds(place: Workspace, query: Mapping[str, str], times: int) -> float:
    address, question = f"{place.desk}/tickets", urlencode(query).replace(TAG, place.tag)
    spent = busy()
    for _ in range(times):
        status, _ = await exchange(place.app, address, place.headers, query=question)
        if status != 200:
            raise SystemExit(f"{query}: {status}")
    return (busy() - spent) / times * 1e6


async def measure(
    places: Sequence[Workspace], asked: Mapping[str, Mapping[str, str]], choice: argparse.Namespace
) -> dict[str, list[list[float]]]:
    """By case what each round took: in the order of the places, and then the newest open tickets among the
    most, at that moment. The first page is made to warm up.
    """
    found: dict[str, list[list[float]]] = {name: [[] for _ in (*places, NEWEST)] for name in asked}
    for number in range(choice.rounds):
        bar = report.followed(asked.items(), f"Round {number + 1} of {choice.rounds}")
        for name, query in bar:
            turns = [*((place, query) for place in places), (places[-1], NEWEST)]
            for took, (place, this) in zip(found[name], turns, strict=True):
                await microseconds(place, this, 1)
                took.append(await microseconds(place, this, choice.times))
    return found


async def slowest(place: Workspace, searches: int) -> list[float]:
    """Milliseconds on the clock of searches of which none comes twice, in order."""
    chance = random.Random(1)  # noqa: S311 the same searches on every run
    took = []
    for number in range(searches):
        words = [*chance.sample(WORDS, 1 + number % 3)]
        if number % 4 == 0:
            words[-1] = words[-1][:3]
        began = time.perf_counter()
        await microseconds(place, {"q": " ".join(words), "per": str((25, 50)[number % 2])}, 1)
        took.append((time.perf_counter() - began) * 1e3)
    return sorted(took)


def judged(measured: Mapping[str, list[list[float]]], sizes: Sequence[int]) -> list[Found]:
    """Each list beside the newest open ones, and beside itself among few tickets."""
    found = []
    for name, (few, *_, many, newest) in ((name, [rounds[0], *rounds]) for name, rounds in measured.items()):
        if name in SEARCHES:
            found.append(Found(f"search: {name}", "µs", many, few, FIRST_PAGE))
            continue
        found.append(Found(name, "µs", many, newest, BESIDE_NEWEST))
        if len(sizes) > 1:
            found.append(Found(f"{name} beside {sizes[0]:,}", "µs", many, few, BESIDE_FEW))
    return found


def tell(found: Sequence[Found], choice: argparse.Namespace) -> None:
    """All of it into the files, the farthest from each goal for the eye."""
    on = postgres_server.ENGINE
    found = sorted(found, key=lambda case: -(case.times or 0))
    report.save(f"filters-{on}-{choice.sizes[-1]}", found, {"sizes": choice.sizes, "times": choice.times})
    for goal in (BESIDE_NEWEST, BESIDE_FEW):
        cases = [case for case in found if case.goal == goal]
        if cases:
            met = sum(bool(case.met) for case in cases)
            typical = statistics.median(case.times or 0 for case in cases)
            within = f"{met} of {len(cases)} lists within {goal.times} x"
            print(f"\n{within}, {typical:.2f} x in the median; the farthest:")
            print(report.table(cases[:SHOWN]))
    print(f"\n{report.table([case for case in found if case.goal in (FIRST_PAGE, SLOWEST)])}")


async def run(choice: argparse.Namespace) -> None:
    logs.configure("json", stream=io.StringIO())
    asked = dict(lists()) | {name: {"q": words} for name, words in SEARCHES.items()}
    async with AsyncExitStack() as stack:
        places = []
        for size in choice.sizes:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="parlour-bench-")))
            house = await stack.enter_async_context(open_house(folder))
            house.leave_chores()
            tag = await grown(house, size)
            await house.app.parlour.worker.stop()
            garbage.settle()
            ada = await stack.enter_async_context(aclosing(await house.sign_in()))
            desk = f"/workspace/{house.workspace.workspace_id}"
            places.append(Workspace(house.app, desk, await headers_of(ada, desk), tag))
        found = judged(await measure(places, asked, choice), choice.sizes)
        times = await slowest(places[-1], choice.searches)
        p99 = times[int(len(times) * 0.99)]
        name = f"search, p99 of {choice.searches}"
        tell([*found, Found(name, "ms", [p99], [statistics.median(times)], SLOWEST)], choice)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench filters", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000], help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--times", type=int, default=5, help="pages a round (%(default)s)")
    parser.add_argument("--searches", type=int, default=300, help="of which none comes twice (%(default)s)")
    choice = parser.parse_args(arguments)
    choice.sizes = sorted(set(choice.sizes))
    asyncio.run(run(choice))
    return 0
