"""Processor time of a request at a desk of many tickets, application and database together.

A real server, filled with 10,000, 100,000 or 1,000,000 tickets, is asked over HTTP by many callers at once.
Beside it stands what uvicorn alone takes for as many bytes, or for a POST that keeps nothing. The cases come
in another order in each round. `--other` measures another desk with the same client: see bench/README.md.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop
from rich.progress import track

from bench import report
from bench.browser import Answer, Browser, Wires
from bench.ceiling import Ceiling, processor
from bench.fill import BATCH, fill, fill_postgresql
from bench.server import Parlour
from bench.sockets import agent_email, open_ticket, place_for, prepare, sign_in

AGENTS = 10
"""Each may write twenty messages in ten seconds, and so may each visitor."""
WRITES, PAUSE_SECONDS = 100, 10.5
CEILING_TIMES = 20
"""The kernel counts in hundredths of a second, and what is measured beside takes 30 µs."""
SETTLE_SECONDS = 1.0
"""What a write leaves to the worker (its mail, its words for the search) is counted with it."""


class Case(NamedTuple):
    name: str
    times: int
    ask: Callable[[int], Awaitable[Answer]]
    """Given the number of the request, which never comes twice."""
    writes: bool = False


class Place(NamedTuple):
    """Whom to ask, what to ask, and the processes that work for the answer."""

    cases: Sequence[Case]
    programs: Sequence[int]


async def ask(case: Case, number: int) -> Answer:
    answer = await case.ask(number)
    if answer.status not in (200, 201, 303):
        raise SystemExit(f"{case.name}: {answer.status} {answer.body[:200]!r}")
    return answer


async def microseconds(case: Case, programs: Sequence[int], callers: int, first: int) -> float:
    numbers = iter(range(first, first + case.times))

    async def caller() -> None:
        for number in numbers:
            await ask(case, number)

    spent = processor(*programs)
    await asyncio.gather(*(caller() for _ in range(callers)))
    if case.writes:
        await asyncio.sleep(SETTLE_SECONDS)
    return (processor(*programs) - spent) / case.times * 1e6


async def beside(case: Case, plain: Ceiling, size: int, callers: int) -> float:
    wires = Wires(plain.port)
    browser = Browser(wires)

    async def same(_: int) -> Answer:
        return await (browser.post(f"/{size}") if case.writes else browser.get(f"/{size}"))

    times = case.times * CEILING_TIMES
    return await microseconds(Case(case.name, times, same), [plain.process.pid], callers, 0)


async def measure(place: Place, rounds: int, callers: int) -> list[report.Found]:
    plain = Ceiling()
    ours: dict[str, list[float]] = {case.name: [] for case in place.cases}
    least: dict[str, list[float]] = {case.name: [] for case in place.cases}
    try:
        sizes = {case.name: len((await ask(case, 0)).body) for case in place.cases}
        for number in range(rounds):
            began = perf_counter()
            turned = number % len(place.cases)
            order = [*place.cases[turned:], *place.cases[:turned]]
            for case in track(order, description=f"Round {number + 1} of {rounds}", transient=True):
                first = 1 + number * case.times
                ours[case.name].append(await microseconds(case, place.programs, callers, first))
                least[case.name].append(await beside(case, plain, sizes[case.name], callers))
            await asyncio.sleep(max(0.0, began + PAUSE_SECONDS - perf_counter()))
    finally:
        plain.stop()
    return [report.Found(case.name, "µs", ours[case.name], least[case.name]) for case in place.cases]


def stocked(server: Parlour, on: str, folder: Path, tickets: int) -> str:
    """Make the workspace, its agents and its tickets; returns the workspace's id."""
    workspace = prepare(server, AGENTS * 10)
    agents = [uuid.UUID(int=number + 1) for number in range(4)]
    bar = iter(track(range(-(-tickets // BATCH)), description=f"{tickets:,} tickets"))
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
            admin.execute("ANALYZE")
    return workspace


async def desk(server: Parlour, workspace: str, rounds: int, programs: Sequence[int]) -> Place:
    wires = Wires(server.port)
    home = f"/workspace/{workspace}"
    agents = [await sign_in(wires, number, workspace) for number in range(AGENTS)]
    rooms = [await open_ticket(wires, number) for number in range(AGENTS)]
    visitor, ticket, _ = rooms[0]
    for number in range(19):
        await write(visitor, f"/support/bench/ticket/{ticket}/chat", number)
    newcomers = [await arrived(wires, number) for number in range(AGENTS, AGENTS + rounds * WRITES + 1)]

    def page(path: str, browser: Browser = agents[0]) -> Callable[[int], Awaitable[Answer]]:
        return lambda _: browser.get(path)

    async def open_one(number: int) -> Answer:
        return await newcomers[number].post(
            "/support/bench/ticket/new",
            subject=f"Parcel {number}",
            description="It has not come, and the tracking has stood still since Tuesday.",
            email=f"newcomer{number}@bench.example",
            client_id=str(uuid.uuid4()),
        )

    return Place(
        [
            Case("25 newest open", 300, page(f"{home}/tickets?status=open&sort=created")),
            Case("my open ones", 300, page(f"{home}/tickets?status=open&assignee=me")),
            Case("dashboard", 300, page(home)),
            Case("a ticket of 20 messages", 300, page(f"{home}/tickets/{ticket}")),
            Case(
                "its conversation, for the visitor",
                300,
                page(f"/support/bench/ticket/{ticket}/chat", visitor),
            ),
            Case("search, few matches", 200, page(f"{home}/tickets?q=refund+tent+zip+boots")),
            Case("search, thousands of matches", 200, page(f"{home}/tickets?q=refund")),
            Case("open a new ticket", WRITES, open_one, writes=True),
            Case(
                "an agent answers",
                WRITES,
                lambda number: write(
                    agents[number % AGENTS], f"{home}/tickets/{rooms[number % AGENTS][1]}/chat", number
                ),
                writes=True,
            ),
            Case(
                "a visitor writes",
                WRITES,
                lambda number: write(
                    rooms[1 + number % (AGENTS - 1)][0],
                    f"/support/bench/ticket/{rooms[1 + number % (AGENTS - 1)][1]}/chat",
                    number,
                ),
                writes=True,
            ),
        ],
        programs,
    )


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

        cases.append(Case(told["name"], told.get("times", WRITES if writes else 300), once, writes))
    return Place(cases, programs)


async def _here(server: Parlour, workspace: str, programs: Sequence[int], choice: argparse.Namespace) -> None:
    place = await desk(server, workspace, choice.rounds, programs)
    tell(f"desk-{choice.on}-{choice.tickets}", await measure(place, choice.rounds, choice.callers), choice)


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
        programs = [server.process_id]
        if choice.on == "postgresql":
            from tests import postgres_server

            programs.append(postgres_server.server().process_id)
        print(f"{agent_email(0)} and nine colleagues sign in …", file=sys.stderr)
        uvloop.run(_here(server, workspace, programs, choice))
    return 0
