"""Mail that comes in by SMTP and becomes tickets, end to end, against raw storing alone in the same run.

Each mail is of another sender, so that none is held back. `taken` is what the sender of the mails sees: the
server has said yes, and they are on the disk. `sorted` is when the last of them stands in a ticket, its
confirmation on the way. The ceiling is what one process can do at most that keeps the same promise at the
door: each mail a file that is fsynced, and a row that is committed.
"""

import argparse
import asyncio
import smtplib
import sqlite3
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bench import report
from bench.server import Parlour, free_port
from parlour.db.sqlite import file
from parlour.files.store import FileStore

TO = "support@acme.example"
PATIENCE = 300
"""Seconds after which mails that are not sorted are a failure."""


def mails(count: int, size: int) -> list[bytes]:
    """With `size` characters of words each."""
    words = ("The parcel has not come, and nobody tells me why.\n" * (size // 50 + 1))[:size]
    made = []
    for number in range(count):
        mail = EmailMessage()
        mail["From"] = f"Customer {number} <customer{number}@shop{number % 97}.example>"
        mail["To"], mail["Subject"] = TO, f"Where is parcel {number}?"
        mail["Message-ID"] = f"<{uuid4()}@shop.example>"
        mail.set_content(f"{words}\n\nOrder {number}")
        made.append(mail.as_bytes(policy=SMTP))
    return made


def bring(port: int, those: list[bytes]) -> None:
    """Over one connection, one after the other."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as wire:
        for mail in those:
            wire.sendmail("bench@shop.example", [TO], mail)


async def pieces(mail: bytes) -> AsyncIterator[bytes]:
    yield mail


def stored(folder: Path, those: list[bytes], lines: int) -> float:
    """Mails a second when nothing is done but to keep them."""
    store = FileStore.at(str(folder / "files"))
    engine = file.make_engine(folder / "ceiling.db", writer=True)

    async def line(some: list[bytes], write: ThreadPoolExecutor) -> None:
        for mail in some:
            await store.put(uuid4().hex, pieces(mail), limit=len(mail))
            await asyncio.get_running_loop().run_in_executor(write, keep, len(mail))

    def keep(size: int) -> None:
        connection.exec_driver_sql("INSERT INTO mails (size) VALUES (?)", (size,))

    async def everything() -> None:
        with ThreadPoolExecutor(1) as write:
            await asyncio.gather(*(line(those[start::lines], write) for start in range(lines)))

    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE mails (id INTEGER PRIMARY KEY, size INTEGER)")
        began = time.perf_counter()
        asyncio.run(everything())
        return len(those) / (time.perf_counter() - began)


def left(data: Path) -> int:
    """Mails that are not sorted, and confirmations that have not gone out."""
    with closing(sqlite3.connect(f"file:{data / 'parlour.db'}?mode=ro", uri=True)) as there:
        soon = "strftime('%Y-%m-%dT%H:%M:%S', 'now', '+1 minute')"
        unfinished = f"finished_at IS NULL AND dead_at IS NULL AND due_at < {soon}"
        [(waiting,)] = there.execute(f"SELECT count(*) FROM outbox WHERE {unfinished}")  # noqa: S608
        return int(waiting)


def round_of(count: int, size: int, lines: int) -> tuple[float, float, float, float, int, int]:
    """Mails a second stored alone, taken and sorted; the server's ms of processor time for each; its memory
    at rest and at the end, in MiB.
    """
    those = mails(count, size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        ceiling = stored(folder, those, lines)
        port = free_port()
        server = Parlour(folder / "parlour", PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}")
        try:
            server.command("workspace", "create", "acme", "--name", "Acme")
            server.command("mailbox", "add", TO, "--workspace", "acme")
            server.start()
            bring(port, mails(3, size))  # what is loaded with the first mail is loaded
            time.sleep(2)
            rest, spent, began = server.memory(), server.processor(), time.perf_counter()
            with ThreadPoolExecutor(lines) as pool:
                list(pool.map(lambda start: bring(port, those[start::lines]), range(lines)))
            taken = time.perf_counter() - began
            while left(folder / "parlour" / "data"):
                if time.perf_counter() - began > PATIENCE:
                    raise SystemExit("the mails were not sorted in time")
                time.sleep(0.1)
            done = time.perf_counter() - began
            busy = (server.processor() - spent) / count * 1000
            return ceiling, count / taken, count / done, busy, rest // 1024, server.memory() // 1024
        finally:
            server.stop()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench mail", description=__doc__)
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--size", type=int, default=2_000, help="characters of each (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(argv)
    rounds = [round_of(chosen.mails, chosen.size, chosen.connections) for _ in range(chosen.rounds)]
    alone, taken, done, busy, rest, end = zip(*rounds, strict=True)
    least = [1e6 / rate for rate in alone]
    found = [
        report.Found("a mail taken", "µs", [1e6 / rate for rate in taken], least),
        report.Found("a mail sorted", "µs", [1e6 / rate for rate in done], least),
        report.Found("processor time of a mail", "µs", [each * 1e3 for each in busy]),
        report.Found("memory at rest", "MiB", rest),
        report.Found("memory after the run", "MiB", end),
    ]
    print(report.table(found))
    report.save("mail", found, {"mails": chosen.mails, "size": chosen.size})
    return 0
