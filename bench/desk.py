"""Processor time of a request at a desk of many tickets, application and database together.

A real server, filled with 10,000, 100,000 or 1,000,000 tickets, is asked over HTTP by many callers at once.
Beside it stands what uvicorn alone takes for as many bytes, or for a POST that keeps nothing. The cases come
in another order in each round. `--other` measures another desk with the same client: see bench/README.md.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

from bench import report
from bench.browser import Answer, Browser, Wires
from bench.ceiling import Ceiling, processor
from bench.fill import BATCH, WORDS, fill, fill_postgresql
from bench.report import Goal
from bench.server import Parlour
from bench.sockets import agent_email, open_ticket, place_for, prepare, sign_in

AGENTS = 10
"""Each may write twenty messages in ten seconds, and so may each visitor."""
WRITES, PAUSE_SECONDS = 100, 10.5
CEILING_TIMES = 20
"""The kernel counts in hundredths of a second, and what is measured beside takes 30 µs."""
SETTLE_SECONDS = 1.0
"""What a write leaves to the worker (its mail, its words for the search) is counted with it."""


PAGE = {"sqlite": Goal(1_000, 5), "postgresql": Goal(2_500, 5)}
"""At least a fifth of the rate at which uvicorn alone gives as many bytes."""
FILTER = {"sqlite": Goal(1_500), "postgresql": Goal(3_750)}
SEARCH, OPENING = Goal(2_500), {"sqlite": Goal(4_000), "postgresql": Goal(7_000)}
DATABASE = Goal(500)
"""Of a page, where the database is a process of its own."""


class Case(NamedTuple):
    name: str
    times: int
    ask: Callable[[int], Awaitable[Answer]]
    """Given the number of the request, which never comes twice."""
    goal: Goal = report.NONE
    writes: bool = False


class Place(NamedTuple):
    """Whom to ask, what to ask, and the processes that work for the answer; of a database told apart."""

    cases: Sequence[Case]
    programs: Sequence[int]
    database: Sequence[int] = ()


class Taken(NamedTuple):
    """Microseconds of a request: of all its processes, and of the database's."""

    whole: float
    database: float


async def ask(case: Case, number: int) -> Answer:
    answer = await case.ask(number)
    if answer.status not in (200, 201, 303):
        raise SystemExit(f"{case.name}: {answer.status} {answer.body[:200]!r}")
    return answer


async def microseconds(case: Case, place: Place, callers: int, first: int) -> Taken:
    numbers = iter(range(first, first + case.times))

    async def caller() -> None:
        for number in numbers:
            await ask(case, number)

    spent, there = processor(*place.programs), processor(*place.database)
    await asyncio.gather(*(caller() for _ in range(callers)))
    if case.writes:
        await asyncio.sleep(SETTLE_SECONDS)
    spent, there = processor(*place.programs) - spent, processor(*place.database) - there
    return Taken((spent + there) / case.times * 1e6, there / case.times * 1e6)


async def beside(case: Case, plain: Ceiling, size: int, callers: int) -> float:
    browser = Browser(Wires(plain.port))

    async def same(_: int) -> Answer:
        return await (browser.post(f"/{size}") if case.writes else browser.get(f"/{size}"))

    alone = Place([Case(case.name, case.times * CEILING_TIMES, same)], [plain.process.pid])
    return (await microseconds(alone.cases[0], alone, callers, 0)).whole


async def measure(place: Place, rounds: int, callers: int) -> list[report.Found]:
    plain = Ceiling()
    ours: dict[str, list[Taken]] = {case.name: [] for case in place.cases}
    least: dict[str, list[float]] = {case.name: [] for case in place.cases}
    try:
        sizes = {case.name: len((await ask(case, 0)).body) for case in place.cases}
        for number in range(rounds):
            began = perf_counter()
            turned = number % len(place.cases)
            order = [*place.cases[turned:], *place.cases[:turned]]
            for case in report.followed(order, f"Round {number + 1} of {rounds}"):
                first = 1 + number * case.times
                ours[case.name].append(await microseconds(case, place, callers, first))
                least[case.name].append(await beside(case, plain, sizes[case.name], callers))
            await asyncio.sleep(max(0.0, began + PAUSE_SECONDS - perf_counter()))
    finally:
        plain.stop()
    return [found for case in place.cases for found in told(case, place, ours[case.name], least[case.name])]


def told(case: Case, place: Place, ours: list[Taken], least: list[float]) -> Iterator[report.Found]:
    yield report.Found(case.name, "µs", [taken.whole for taken in ours], least, case.goal)
    if place.database:
        goal = DATABASE if case.goal in PAGE.values() else report.NONE
        yield report.Found(f"{case.name}: database", "µs", [taken.database for taken in ours], goal=goal)


def stocked(server: Parlour, on: str, folder: Path, tickets: int) -> str:
    """Make the workspace, its agents and its tickets; returns the workspace's id."""
    workspace = prepare(server, AGENTS * 10)
    agents = [uuid.UUID(int=number + 1) for number in range(4)]
    bar = report.followed(range(-(-tickets // BATCH)), f"{tickets:,} tickets")
    next(bar)

    def done(_: int) -> None:
        next(bar, None)

    if on == "sqlite":
        path = folder / "data" / "parlour.db"
        fill(str(path), uuid.UUID(workspace), agents, tickets, done=done)
    else:
        from tests import postgres_server

        database = postgres_server.server()
        with database.admin_connection(database.of_folder(folder)) as admin:
            admin.execute("SET session_replication_role = replica")
            fill_postgresql(admin, uuid.UUID(workspace), agents, tickets, done=done)
            admin.execute("VACUUM ANALYZE")
    return workspace


async def desk(server: Parlour, workspace: str, rounds: int, on: str) -> Sequence[Case]:
    wires = Wires(server.port)
    home, portal = f"/workspace/{workspace}", "/support/bench"
    listed = f"{home}/tickets?"
    agents = [await sign_in(wires, number, workspace) for number in range(AGENTS)]
    rooms = [await open_ticket(wires, number) for number in range(AGENTS)]
    talks = {count: await conversation(wires, agents, home, count) for count in (20, 50)}
    newcomers = [await arrived(wires, number) for number in range(AGENTS, AGENTS + rounds * WRITES + 1)]

    def page(path: str, browser: Browser = agents[0]) -> Callable[[int], Awaitable[Answer]]:
        return lambda _: browser.get(path)

    def search(words: int) -> Callable[[int], Awaitable[Answer]]:
        """Which nobody asked for before."""
        those = asked(words)
        return lambda number: agents[0].get(f"{listed}q={those[number]}")

    async def open_one(number: int) -> Answer:
        return await newcomers[number].post(
            f"{portal}/ticket/new",
            subject=f"Parcel {number}",
            description="It has not come, and the tracking has stood still since Tuesday.",
            email=f"newcomer{number}@bench.example",
            client_id=str(uuid.uuid4()),
        )

    def answer(number: int) -> Awaitable[Answer]:
        who = number % AGENTS
        return write(agents[who], f"{home}/tickets/{rooms[who][1]}/chat", number)

    def say(number: int) -> Awaitable[Answer]:
        visitor, ticket, _ = rooms[number % AGENTS]
        return write(visitor, f"{portal}/ticket/{ticket}/chat", number)

    goal = PAGE[on]
    return [
        Case("25 newest open", 300, page(f"{listed}status=open&sort=created"), goal),
        Case("my open ones", 300, page(f"{listed}status=open&assignee=me"), FILTER[on]),
        Case("dashboard", 300, page(home), goal),
        *(
            case
            for count, (visitor, ticket) in talks.items()
            for case in (
                Case(f"a ticket of {count} messages", 300, page(f"{home}/tickets/{ticket}"), goal),
                Case(f"for its visitor, {count}", 300, page(f"{portal}/ticket/{ticket}/chat", visitor), goal),
            )
        ),
        Case("search, few matches", 200, page(f"{listed}q=refund+tent+zip+boots"), SEARCH),
        Case("search, thousands of matches", 200, page(f"{listed}q=refund"), SEARCH),
        Case("search, any three words", 100, search(3), SEARCH),
        Case("search, any four words", 100, search(4), SEARCH),
        Case("open a new ticket", WRITES, open_one, OPENING[on], writes=True),
        Case("an agent answers", WRITES, answer, writes=True),
        Case("a visitor writes", WRITES, say, writes=True),
    ]


def asked(words: int) -> Sequence[str]:
    """Searches for so many words that tickets have, of which no two are for the same, in an order of chance.

    Of 10,000 tickets three words are in some 25, four in one or two.
    """
    those = list(map("+".join, combinations(WORDS, words)))
    random.Random(words).shuffle(those)  # noqa: S311 the same on every run
    return those


async def conversation(
    wires: Wires, agents: Sequence[Browser], home: str, messages: int
) -> tuple[Browser, str]:
    """The visitor's browser and the ticket's id. As many agents answer as no limit keeps from it."""
    visitor, ticket, _ = await open_ticket(wires, AGENTS + messages)
    for number in range(1, messages):
        agent = agents[number // 15 % AGENTS]
        if number % 5:
            await write(agent, f"{home}/tickets/{ticket}/chat", number)
        else:
            await write(visitor, f"/support/bench/ticket/{ticket}/chat", number)
    return visitor, ticket


async def arrived(wires: Wires, number: int) -> Browser:
    """Somebody with an address and the form of a new ticket."""
    browser = Browser(wires, f"127.0.{2 + number // 5000}.{1 + number // 20 % 250}")
    await browser.get("/support/bench/ticket/new")
    return browser


async def write(browser: Browser, path: str, number: int) -> Answer:
    words = f"Message {number}: how is it going?"
    return await browser.post(path, "application/json", content=words, client_id=str(uuid.uuid4()))


def another(file: Path, programs: Sequence[int]) -> Place:
    """Cases of a file: `name`, `method`, `url`, and if needed `headers`, `body` and `times`."""
    cases = []
    for told in json.loads(file.read_text()):
        address = urlsplit(told["url"])
        wires = Wires(address.port or 80)
        body = told.get("body", "").encode()
        path = address.path + (f"?{address.query}" if address.query else "")
        head = {"Host": address.netloc, "Content-Length": str(len(body)), **told.get("headers", {})}
        lines = [f"{told['method']} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        writes = told["method"] != "GET"

        def once(_: int, wires: Wires = wires, request: bytes = request) -> Awaitable[Answer]:
            return wires.ask(request)

        cases.append(Case(told["name"], told.get("times", WRITES if writes else 300), once, writes=writes))
    return Place(cases, programs)


async def _here(server: Parlour, workspace: str, database: Sequence[int], choice: argparse.Namespace) -> None:
    await asyncio.sleep(SETTLE_SECONDS)
    rest = server.memory() / 1024
    cases = await desk(server, workspace, choice.rounds, choice.on)
    found = await measure(Place(cases, [server.process_id], database), choice.rounds, choice.callers)
    memory = [
        report.Found("memory at rest", "MiB", [rest], goal=Goal(90)),
        report.Found("memory after the run", "MiB", [server.memory() / 1024], goal=Goal(150)),
    ]
    tell(f"desk-{choice.on}-{choice.tickets}", [*found, *memory], choice)


def tell(name: str, found: Sequence[report.Found], choice: argparse.Namespace) -> None:
    print(report.table(found))
    report.save(name, found, {"rounds": choice.rounds, "callers": choice.callers, "tickets": choice.tickets})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench desk",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tickets", type=int, default=10_000, help="how many there are (%(default)s)")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite", help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--callers", type=int, default=16, help="at once (%(default)s)")
    parser.add_argument("--other", type=Path, metavar="FILE", help="cases of another desk, as JSON")
    parser.add_argument("--pid", type=int, action="append", default=[], help="its processes, with --other")
    choice = parser.parse_args(arguments)
    if choice.other:
        place = another(choice.other, choice.pid)
        tell(choice.other.stem, uvloop.run(measure(place, choice.rounds, choice.callers)), choice)
        return 0
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder, ExitStack() as stack:
        [server] = place_for(choice.on, Path(folder), stack)
        workspace = stocked(server, choice.on, Path(folder), choice.tickets)
        server.start()
        database = []
        if choice.on == "postgresql":
            from tests import postgres_server

            database.append(postgres_server.server().process_id)
        print(f"{agent_email(0)} and nine colleagues sign in …", file=sys.stderr)
        uvloop.run(_here(server, workspace, database, choice))
    return 0
