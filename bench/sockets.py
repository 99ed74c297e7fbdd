"""Hundreds of open sockets in rooms of two, and how soon a sent message is on the other's screen.

A real server in its own process; its workspace and agents are made by the command line, its tickets and
messages by HTTP, as people do. A message's time runs from the start of its POST to its arrival on the
other side's socket. Every listener also checks that its room's log comes whole, once and in order.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time

import uvloop

from bench.browser import Browser, Wires
from bench.ceiling import processor as processor_of
from bench.listening import Ear
from bench.report import NONE, Found, Goal, save
from bench.server import Parlour, parlour

SOCKETS_AN_AGENT = 10
PEOPLE_AN_ADDRESS = 20
PASSWORD = "a-bench-knows-no-secrets"
GRACE_SECONDS = 2.0

SHARES = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))

_ROOM = re.compile(rb'data-room="([0-9a-f-]{36})"')


@dataclass(slots=True)
class Talk:
    """What was sent, and what came of it."""

    started: dict[str, float] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    arrived: dict[str, float] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    doubled: int = 0
    reordered: int = 0
    closed: list[int | None] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Seat:
    """One side of one room: whose browser, where to send, what has come."""

    browser: Browser
    address: str
    room: str
    chat: str
    query: str
    mine: set[str] = field(default_factory=set)
    ear: Ear | None = None

    async def sit_down(self) -> None:
        browser = self.browser
        self.ear = await Ear.opened(browser.wires.port, self.address, self.query, browser.cookie, self.room)

    def tell(self, talk: Talk) -> None:
        """What this side has heard: its room's log, whole, once and in order."""
        assert self.ear
        last = 0
        for when, text in self.ear.heard:
            frame = json.loads(text)
            seq, sent = frame["seq"], frame["client_id"]
            talk.doubled += seq <= last
            talk.reordered += seq > last + 1
            last = max(last, seq)
            if sent in talk.started and sent not in self.mine:
                talk.arrived.setdefault(sent, when)
        if self.ear.gone is not None:
            talk.closed.append(self.ear.gone)

    async def send(self, talk: Talk, number: int) -> None:
        sent = str(uuid.uuid4())
        self.mine.add(sent)
        talk.started[sent] = perf_counter()
        answer = await self.browser.post(
            self.chat, "application/json", content=f"Message {number}: how is it going?", client_id=sent
        )
        if answer.status == 201:
            talk.acknowledged.add(sent)
        else:
            talk.refused[answer.status] = talk.refused.get(answer.status, 0) + 1


async def sign_in(wires: Wires, number: int, workspace_id: str) -> Browser:
    browser = Browser(wires, f"127.0.1.{1 + number // PEOPLE_AN_ADDRESS}")
    await browser.get("/auth/login")
    answer = await browser.post("/auth/login", email=agent_email(number), password=PASSWORD, next="/")
    if answer.status != 303:
        raise SystemExit(f"agent {number} could not sign in: {answer.status}")
    await browser.get(f"/workspace/{workspace_id}")
    browser.address = None
    return browser


def customers_at(number: int) -> str:
    """A network has only so many tickets an hour, and sockets at a time."""
    block, host = divmod(number // PEOPLE_AN_ADDRESS, 250)
    return f"127.0.{2 + block}.{1 + host}"


async def open_ticket(wires: Wires, number: int) -> tuple[Browser, str, str]:
    """Returns the customer's browser, the ticket's id and its room's id."""
    browser = Browser(wires, customers_at(number))
    await browser.get("/support/bench/ticket/new")
    answer = await browser.post(
        "/support/bench/ticket/new",
        subject=f"Question {number}",
        description="Something does not work, and I would like to know why.",
        email=f"customer{number}@bench.example",
        client_id=str(uuid.uuid4()),
    )
    if answer.status != 303:
        raise SystemExit(f"ticket {number} was not opened: {answer.status} {answer.body[:300]!r}")
    ticket = answer.header("location").rpartition("/")[2]
    browser.address = None
    found = _ROOM.search((await browser.get(f"/support/bench/ticket/{ticket}/chat")).body)
    if found is None:
        raise SystemExit("the ticket's page shows no room")
    return browser, ticket, found[1].decode()


async def take_seats(nodes: list[Parlour], workspace_id: str, rooms: int) -> list[Seat]:
    """Customer and agent of every room, over all nodes.

    After as many connections as one may have comes the next agent.
    """
    wires = [Wires(node.port) for node in nodes]
    customers = [await open_ticket(wires[number % len(wires)], number) for number in range(rooms)]
    agents = [
        await sign_in(wires[(number + 1) % len(wires)], number, workspace_id)
        for number in range(agents_for(rooms))
    ]
    seats = []
    for number, (customer, ticket, room) in enumerate(customers):
        here, there = f"/support/bench/ticket/{ticket}", f"/workspace/{workspace_id}/tickets/{ticket}"
        agent, network = agents[number // SOCKETS_AN_AGENT], customers_at(number)
        seats += [
            Seat(customer, network, room, f"{here}/chat", f"ticket={ticket}&portal=bench"),
            Seat(agent, network, room, f"{there}/chat", f"workspace={workspace_id}"),
        ]
    return seats


async def talk_for(seats: list[Seat], rate: float, seconds: float) -> Talk:
    """Send at a steady rate, whoever may be slow, and wait for what is still on the way."""
    talk = Talk()
    begin = perf_counter()
    sending = []
    turns = seats[::2] + seats[1::2]
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begin + number / rate - perf_counter()))
        sending.append(asyncio.create_task(turns[number % len(turns)].send(talk, number)))
    await asyncio.gather(*sending)
    await asyncio.sleep(GRACE_SECONDS)
    return talk


async def measure(
    nodes: list[Parlour], workspace_id: str, choice: argparse.Namespace
) -> list[tuple[str, str]]:
    seats = await take_seats(nodes, workspace_id, choice.sockets // 2)
    await asyncio.sleep(1)
    before = memory(nodes)
    begin = perf_counter()
    for some in chunks(seats, 50):
        await asyncio.gather(*(seat.sit_down() for seat in some))
    opened_in = perf_counter() - begin
    await asyncio.sleep(1)
    idle = memory(nodes)
    gc.freeze()  # this process's own pause, of 80 ms, would be that of every message meanwhile
    began, spent = perf_counter(), processors(nodes, choice.on)
    talk = await talk_for(seats, choice.rate, choice.seconds)
    took = perf_counter() - began
    spent = {who: now - spent[who] for who, now in processors(nodes, choice.on).items()}
    after = memory(nodes)
    for seat in seats:
        seat.tell(talk)
    save(
        f"sockets-{choice.on}-{len(nodes)}",
        found(talk, (idle - before) / len(seats), after, choice),
        vars(choice),
    )
    return [
        ("sockets opened", f"{len(seats)} in {opened_in:.1f} s"),
        ("memory a connection", f"{(idle - before) / len(seats):.1f} kB"),
        ("memory of the server", f"{before} kB without sockets, {idle} kB with, {after} kB after the talk"),
        ("processor, of one core", told(spent, lambda seconds: f"{seconds / took:.0%}")),
        ("processor a message", told(spent, lambda seconds: f"{seconds / len(talk.started) * 1e6:,.0f} µs")),
        *report(talk, choice),
    ]


def found(talk: Talk, each: float, after: int, choice: argparse.Namespace) -> list[Found]:
    times = sorted(talk.arrived[sent] - talk.started[sent] for sent in talk.arrived)
    slowest = {"sqlite": Goal(15)}.get(choice.on, Goal(100))
    return [
        *(
            Found(f"delivery, {name}", "ms", [share(times, part) * 1000], goal=goal)
            for (name, part), goal in zip(SHARES, (NONE, slowest, NONE), strict=True)
        ),
        Found(
            "p99 of delivery", "ms", [share(times, 0.99) * 1000], [share(times, 0.5) * 1000], Goal(times=3)
        ),
        Found("memory of an idle socket", "kB", [each], goal=Goal(30)),
        Found("memory after the talk", "MiB", [after / 1024], goal=Goal(150)),
    ]


def report(talk: Talk, choice: argparse.Namespace) -> list[tuple[str, str]]:
    times = sorted(talk.arrived[sent] - talk.started[sent] for sent in talk.arrived)
    lost = len(talk.acknowledged - talk.arrived.keys())
    refused = sum(talk.refused.values())
    choice.failed = bool(lost or talk.doubled or talk.reordered or talk.closed or refused or not times)
    return [
        ("messages sent", f"{len(talk.started)} at {choice.rate:g}/s, {len(talk.acknowledged)} acknowledged"),
        ("messages delivered", f"{len(times) / choice.seconds:.0f}/s"),
        ("delivery", ", ".join(f"{name} {share(times, part) * 1000:.1f} ms" for name, part in SHARES)),
        ("lost, doubled, reordered", f"{lost}, {talk.doubled}, {talk.reordered}"),
        ("sockets closed early", f"{len(talk.closed)} {sorted(set(map(str, talk.closed))) or ''}"),
        ("POSTs refused", f"{refused} {talk.refused or ''}"),
    ]


def memory(nodes: list[Parlour]) -> int:
    return sum(node.memory() for node in nodes)


def processors(nodes: list[Parlour], kind: str) -> dict[str, float]:
    """Seconds of processor time that each side has used so far."""
    spent = {"server": sum(node.processor() for node in nodes)}
    return spent | {"database": database(kind), "load": process_time()}


def told(spent: dict[str, float], as_words: Callable[[float], str]) -> str:
    return ", ".join(f"{who} {as_words(seconds)}" for who, seconds in spent.items())


def database(kind: str) -> float:
    """Seconds of processor time that PostgreSQL has used. SQLite's are the server's own."""
    if kind == "sqlite":
        return 0.0
    from tests import postgres_server

    return processor_of(postgres_server.server().process_id)


def agent_email(number: int) -> str:
    return f"agent{number}@bench.example"


def agents_for(rooms: int) -> int:
    return -(-rooms // SOCKETS_AN_AGENT)


def chunks(seats: list[Seat], size: int) -> Iterable[list[Seat]]:
    return (seats[start : start + size] for start in range(0, len(seats), size))


def share(times: list[float], part: float) -> float:
    return times[min(int(len(times) * part), len(times) - 1)] if times else float("nan")


def prepare(server: Parlour, rooms: int) -> str:
    """Make the workspace and its agents. Returns the workspace's id."""
    workspace_id = server.command("workspace", "create", "bench", "--name", "Bench")

    words = ("--workspace", "bench", "--role", "agent", "--password-stdin")
    hired = range(agents_for(rooms))
    server.commands(
        [
            (("agent", "create", agent_email(number), "--name", f"Agent {number}", *words), f"{PASSWORD}\n")
            for number in hired
        ]
    )
    return workspace_id


def place_for(kind: str, folder: Path, stack: ExitStack, nodes: int = 1) -> list[Parlour]:
    """Not started yet. PostgreSQL waits for the disk with every commit, as SQLite does."""
    if kind == "sqlite":
        return [stack.enter_context(parlour(folder))]
    from tests import postgres_server
    from tests.redis_server import RedisServer

    postgres_server.DURABLE = True
    server = postgres_server.server()
    shared = {
        "PARLOUR_DATABASE_URL": server.direct_url(server.of_folder(folder)),
        "PARLOUR_SECRET_KEY": "a-bench-knows-no-secrets-either!" * 2,
    }
    if kind == "nodes":
        shared["PARLOUR_REDIS_URL"] = stack.enter_context(RedisServer(folder)).url
    return [stack.enter_context(parlour(folder / f"node{n}", **shared)) for n in range(nodes)]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench sockets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sockets", type=int, default=1000, help="open sockets, two a room (%(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="messages a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="how long (%(default)s)")
    parser.add_argument(
        "--on",
        choices=("sqlite", "postgresql", "nodes"),
        default="sqlite",
        help="SQLite, PostgreSQL alone, or nodes on PostgreSQL and Redis (%(default)s)",
    )
    parser.add_argument("--nodes", type=int, help="processes that share the load (2 on nodes, else 1)")
    parser.add_argument("--quick", action="store_true", help="only five seconds")
    choice = parser.parse_args(arguments)
    if choice.quick:
        choice.seconds = 5
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder, ExitStack() as stack:
        count = choice.nodes or (2 if choice.on == "nodes" else 1)
        if choice.on == "sqlite" and count > 1:
            parser.error("SQLite is written by one process.")
        nodes = place_for(choice.on, Path(folder), stack, count)
        print(f"Hiring {agents_for(choice.sockets // 2)} agents …", file=sys.stderr)
        workspace_id = prepare(nodes[0], choice.sockets // 2)
        for node in nodes:
            node.start()
        print("Opening tickets and sockets …", file=sys.stderr)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(measure(nodes, workspace_id, choice))
    for name, value in rows:
        print(f"{name:28}{value}")
    return 1 if choice.failed else 0
