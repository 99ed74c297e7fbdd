"""Messages by 64 senders at once, beside the same POSTs to a server that keeps nothing.

On PostgreSQL beside the least that psycopg can do of it: a number in the room, a row, and a commit that waits
for the disk. And beside the same POSTs without a word, which go the same way and are refused at its end.
Processor time of the server and its database, what a message leaves to the worker included, and messages a
second on the clock. Every sender has a room and a round of few messages: more would be refused.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench import report
from bench.browser import Browser, Wires
from bench.ceiling import Ceiling, processor
from bench.desk import PAUSE_SECONDS, SETTLE_SECONDS, write
from bench.report import Found, Goal
from bench.server import Parlour
from bench.sockets import open_ticket, place_for

EACH = 15
"""Of the twenty in ten seconds that one may send."""
LEAST = (
    "CREATE TABLE least_rooms (room int PRIMARY KEY, last_seq int NOT NULL)",
    """CREATE TABLE least_messages (room int, seq int, id uuid UNIQUE, content text, at timestamptz,
        PRIMARY KEY (room, seq))""",
)
GOALS = {"sqlite": Goal(times=1 / 0.45), "postgresql": Goal(times=1 / 0.6)}
WORDS = "Message {}: how is it going?"


class Round(NamedTuple):
    """Microseconds of a message."""

    busy: float
    clock: float


async def sent(
    senders: int, send: Callable[[int, int], Awaitable[object]], programs: Sequence[int], each: int
) -> Round:
    async def sender(number: int) -> None:
        for message in range(each):
            await send(number, message)

    spent, began = processor(*programs), time.perf_counter()
    await asyncio.gather(*map(sender, range(senders)))
    took = time.perf_counter() - began
    await asyncio.sleep(SETTLE_SECONDS)
    count = senders * each
    return Round((processor(*programs) - spent) / count * 1e6, took / count * 1e6)


def least_of_postgresql(name: str, senders: int) -> Round:
    """Each sender a connection. What psycopg takes in this process counts, and what PostgreSQL does."""
    from tests import postgres_server

    server = postgres_server.server()
    with ExitStack() as stack:
        lines = [stack.enter_context(server.admin_connection(name)) for _ in range(senders)]
        for statement in LEAST:
            lines[0].execute(statement.replace("TABLE", "TABLE IF NOT EXISTS").encode())
        rooms = "INSERT INTO least_rooms SELECT n, 0 FROM generate_series(0, %s) n ON CONFLICT DO NOTHING"
        lines[0].execute(rooms, (senders,))

        def send(room: int) -> None:
            for message in range(EACH):
                with lines[room].transaction():
                    number = (
                        "UPDATE least_rooms SET last_seq = last_seq + 1 WHERE room = %s RETURNING last_seq"
                    )
                    seq = lines[room].execute(number, (room,)).fetchone()
                    assert seq
                    row = (room, seq[0], uuid.uuid4(), WORDS.format(message))
                    lines[room].execute("INSERT INTO least_messages VALUES (%s, %s, %s, %s, now())", row)

        spent, began = time.process_time() + processor(server.process_id), time.perf_counter()
        with ThreadPoolExecutor(senders) as pool:
            list(pool.map(send, range(senders)))
        took, count = time.perf_counter() - began, senders * EACH
        busy = time.process_time() + processor(server.process_id) - spent
        return Round(busy / count * 1e6, took / count * 1e6)


async def measure(server: Parlour, database: str, choice: argparse.Namespace) -> list[Found]:
    programs = [server.process_id]
    if database:
        from tests import postgres_server

        programs.append(postgres_server.server().process_id)
    wires = Wires(server.port)
    rooms = [await open_ticket(wires, number) for number in range(choice.senders)]
    plain = Ceiling()
    bare = Browser(Wires(plain.port))
    least, ours, refused = [], [], []

    async def message(sender: int, number: int) -> None:
        visitor, ticket, _ = rooms[sender]
        answer = await write(visitor, f"/support/bench/ticket/{ticket}/chat", number)
        if answer.status != 201:
            raise SystemExit(f"a message was refused: {answer.status} {answer.body[:200]!r}")

    async def silence(sender: int, _: int) -> None:
        visitor, ticket, _ = rooms[sender]
        path, client_id = f"/support/bench/ticket/{ticket}/chat", str(uuid.uuid4())
        answer = await visitor.post(path, "application/json", content="", client_id=client_id)
        if answer.status != 422:
            raise SystemExit(f"a message without words was not refused: {answer.status}")

    async def nothing(_: int, number: int) -> None:
        await bare.post("/260", content=WORDS.format(number), client_id=str(uuid.uuid4()))

    try:
        for _ in range(choice.rounds):
            ours.append(await sent(choice.senders, message, programs, EACH))
            await asyncio.sleep(PAUSE_SECONDS)
            refused.append(await sent(choice.senders, silence, programs, EACH))
            if database:
                least.append(await asyncio.to_thread(least_of_postgresql, database, choice.senders))
            else:
                least.append(await sent(choice.senders, nothing, [plain.process.pid], EACH * 10))
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        plain.stop()
    goal, busy = GOALS[choice.on], [each.busy for each in ours]
    return [
        Found("a message", "µs", busy, [each.busy for each in least], goal),
        Found("a message, on the clock", "µs", [each.clock for each in ours], [each.clock for each in least]),
        Found("beside one without words, which is refused", "µs", busy, [each.busy for each in refused]),
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench send", description=__doc__)
    parser.add_argument("--senders", type=int, default=64, help="at once (%(default)s)")
    parser.add_argument("--on", choices=tuple(GOALS), default="sqlite", help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    choice = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        [server] = place_for(choice.on, folder, stack)
        server.command("workspace", "create", "bench", "--name", "Bench")
        server.start()
        database = ""
        if choice.on == "postgresql":
            from tests import postgres_server

            database = postgres_server.server().of_folder(folder)
        print("Opening tickets …", file=sys.stderr)
        found = uvloop.run(measure(server, database, choice))
    print(report.table(found))
    report.save(f"send-{choice.on}", found, {"senders": choice.senders, "rounds": choice.rounds})
    return 0
