"""Messages by 64 senders at once, beside the same POSTs to a server that keeps nothing.

And beside the same POSTs without a word, which go the same way and are refused at its end. On PostgreSQL also
beside the same statements sent by psycopg alone, and beside the least that it can do: a number in the room, a
row, and a commit that waits for the disk.
Processor time of the server and its database, what a message leaves to the worker included, and messages a
second on the clock. Every sender has a room and a round of few messages: more would be refused.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench import report
from bench.browser import Browser, Wires
from bench.ceiling import Ceiling, processor
from bench.desk import PAUSE_SECONDS, SETTLE_SECONDS, write
from bench.report import NONE, Found, Goal
from bench.same import LINE_PREFIX, Sender, messages_in
from bench.server import Parlour
from bench.sockets import open_ticket, place_for

AT_ONCE = 10
"""Connections on which Parlour writes; more take psycopg longer, too."""
EACH = 15
"""Of the twenty in ten seconds that one may send."""
LEAST = (
    "CREATE TABLE least_rooms (room int PRIMARY KEY, last_seq int NOT NULL)",
    """CREATE TABLE least_messages (room int, seq int, id uuid UNIQUE, content text, at timestamptz,
        PRIMARY KEY (room, seq))""",
)
REFUSED, SAME = Goal(times=1 / 0.45), Goal(times=1 / 0.6)
"""Of the rate of the same POST that keeps nothing, on SQLite; of the same statements', on PostgreSQL."""
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


def by_threads(sends: Sequence[Callable[[], object]]) -> Round:
    """All at once. What psycopg takes in this process counts, and what PostgreSQL does."""
    from tests import postgres_server

    server = postgres_server.server().process_id
    spent, began = time.process_time() + processor(server), time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(send) for send in sends]:
            done.result()
    took, count = time.perf_counter() - began, len(sends) * EACH
    return Round((time.process_time() + processor(server) - spent) / count * 1e6, took / count * 1e6)


def least_of_postgresql(name: str, senders: int) -> Round:
    """Each sender a connection."""
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

        return by_threads([partial(send, room) for room in range(senders)])


async def same_statements(
    name: str, senders: int, send: Callable[[int, int], Awaitable[object]]
) -> list[Sender]:
    """Every sender's own, as PostgreSQL heard them."""
    from tests import postgres_server

    server = postgres_server.server()
    log = server.folder / "log"
    heard = log.stat().st_size
    with server.set_to("log_line_prefix", LINE_PREFIX), server.set_to("log_statement", "all"):
        for sender in range(senders):
            await send(sender, 0)
            await send(sender, 1)
    lines = iter(messages_in(log.read_bytes()[heard:].decode()))
    return [
        Sender(first, second, server.direct_url(name)) for first, second in zip(lines, lines, strict=True)
    ]


def again(senders: Sequence[Sender]) -> Round:
    def send(sender: Sender) -> None:
        for _ in range(EACH):
            sender.send()

    return by_threads([partial(send, sender) for sender in senders])


class Rooms:
    """A visitor in each, on the server that is measured."""

    def __init__(self, rooms: Sequence[tuple[Browser, str]]) -> None:
        self._rooms = rooms

    async def message(self, sender: int, number: int) -> None:
        visitor, ticket = self._rooms[sender]
        answer = await write(visitor, f"/support/bench/ticket/{ticket}/chat", number)
        if answer.status != 201:
            raise SystemExit(f"a message was refused: {answer.status} {answer.body[:200]!r}")

    async def silence(self, sender: int, _: int) -> None:
        visitor, ticket = self._rooms[sender]
        path, client_id = f"/support/bench/ticket/{ticket}/chat", str(uuid.uuid4())
        answer = await visitor.post(path, "application/json", content="", client_id=client_id)
        if answer.status != 422:
            raise SystemExit(f"a message without words was not refused: {answer.status}")


async def on_sqlite(rooms: Rooms, program: int, choice: argparse.Namespace) -> list[Found]:
    plain = Ceiling()
    bare = Browser(Wires(plain.port))
    ours, refused, least = [], [], []

    async def nothing(_: int, number: int) -> None:
        await bare.post("/260", content=WORDS.format(number), client_id=str(uuid.uuid4()))

    try:
        for _ in range(choice.rounds):
            ours.append(await sent(choice.senders, rooms.message, [program], EACH))
            await asyncio.sleep(PAUSE_SECONDS)
            refused.append(await sent(choice.senders, rooms.silence, [program], EACH))
            least.append(await sent(choice.senders, nothing, [plain.process.pid], EACH * 10))
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        plain.stop()
    return [
        *compared("one without words, which is refused", ours, refused, REFUSED),
        *compared("a POST to uvicorn alone", ours, least),
    ]


async def on_postgresql(rooms: Rooms, program: int, database: str, choice: argparse.Namespace) -> list[Found]:
    from tests import postgres_server

    programs = [program, postgres_server.server().process_id]
    ours, refused, least, same = [], [], [], []
    senders = await same_statements(database, choice.senders, rooms.message)
    try:
        for _ in range(choice.rounds):
            await asyncio.sleep(PAUSE_SECONDS)
            ours.append(await sent(choice.senders, rooms.message, programs, EACH))
            await asyncio.sleep(PAUSE_SECONDS)
            refused.append(await sent(choice.senders, rooms.silence, programs, EACH))
            least.append(await asyncio.to_thread(least_of_postgresql, database, choice.senders))
            same.append(await asyncio.to_thread(again, senders))
    finally:
        for each in senders:
            each.close()
    return [
        *compared("the same statements by psycopg", ours, same, SAME),
        *compared("the least that psycopg can do", ours, least),
        *compared("one without words, which is refused", ours, refused),
    ]


async def measure(server: Parlour, database: str, choice: argparse.Namespace) -> list[Found]:
    wires = Wires(server.port)
    opened = [await open_ticket(wires, number) for number in range(choice.senders)]
    rooms = Rooms([(visitor, str(ticket)) for visitor, ticket, _ in opened])
    if database:
        return await on_postgresql(rooms, server.process_id, database, choice)
    return await on_sqlite(rooms, server.process_id, choice)


def compared(
    what: str, ours: Sequence[Round], ceiling: Sequence[Round], goal: Goal = NONE
) -> Iterator[Found]:
    yield Found(f"a message beside {what}", "µs", [r.busy for r in ours], [r.busy for r in ceiling], goal)
    yield Found("  on the clock", "µs", [r.clock for r in ours], [r.clock for r in ceiling])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench send", description=__doc__)
    parser.add_argument("--senders", type=int, default=64, help="at once (%(default)s)")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite", help="(%(default)s)")
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
