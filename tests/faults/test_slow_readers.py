"""Sockets that ask for everything and never read: what waits for all of them has one bound."""

import asyncio
import base64
import json
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from parlour.db.factory import make_database
from parlour.features.tickets.models import Ticket
from parlour.server import LOOK_SECONDS
from parlour.server.untaken import UNTAKEN_BYTES
from tests.browser.past import Past
from tests.live import AS_IT_IS, SLUG, Live

pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(300)]

MEBIBYTE = 1024 * 1024
BOUND = 64 * MEBIBYTE
WATCHED = 12.0
"""Seconds: longer than a write may hang before its connection is let go."""
READERS = 300
LET_GO = re.compile(r"connection\.let_go .* bytes=(\d+)")
PAGES_BOUND = 96 * MEBIBYTE
"""For 16 MiB of answers that wait, and what drawing them took. Without a bound it was 198 MiB."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(tmp_path, AS_IT_IS, PARLOUR_TRUSTED_PROXIES="127.0.0.1") as live:
        yield live


def memory(live: Live) -> int:
    """Bytes of the server in memory."""
    status = Path(f"/proc/{live.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def leave_the_search_alone(live: Live) -> None:
    """Its chore would look through all that is new, and fill what SQLite keeps of the file: 32 MiB."""
    with closing(sqlite3.connect(live.settings.sqlite_path, timeout=10)) as file, file:
        file.execute("UPDATE search_progress SET high = (SELECT max(rowid) FROM ticket_search)")


class NeverReads:
    """A browser's socket, by hand, with the smallest buffer that the system gives."""

    def __init__(self, live: Live, ticket: Ticket, cookies: dict[str, str], address: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", live.port))
        carried = "; ".join(f"{name}={value}" for name, value in cookies.items())
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /realtime?ticket={ticket.ticket_id}&portal={SLUG} HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{live.port}\r\nOrigin: {live.url}\r\nX-Forwarded-For: {address}\r\n"
                f"Cookie: {carried}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            ).encode()
        )
        self._say({"t": "subscribe", "room": str(ticket.chat_room_id), "after": 0})

    def _say(self, frame: dict[str, object]) -> None:
        text = json.dumps(frame).encode()
        assert len(text) < 126
        self.socket.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)

    def ping(self, times: int) -> None:
        self.socket.sendall((bytes([0x89, 0x80 | 125, 0, 0, 0, 0]) + b"x" * 125) * times)


@pytest.mark.parametrize(("tickets", "messages"), [(3, 480), (40, 60)], ids=["30-sockets", "400-sockets"])
async def test_those_who_never_read_cost_a_bounded_amount_of_memory(
    live: Live, tickets: int, messages: int
) -> None:
    db = make_database(live.settings, exclusive=False)
    await db.open()
    past = Past(db, UUID(live.workspace_id))
    made = [await past.ticket(email=f"maria{number}@customer.example") for number in range(tickets)]
    for ticket in made:
        words = [(past.customer(ticket), f"{number} " + "x" * 19_990, None) for number in range(messages)]
        await past.said(ticket, words)
    cookies = [await past.visitor(ticket) for ticket in made]
    await db.close()
    leave_the_search_alone(live)
    before = memory(live)

    readers = [
        NeverReads(live, ticket, carried, f"10.{number}.0.1")
        for number, (ticket, carried) in enumerate(zip(made, cookies, strict=True))
        for _ in range(10)
    ]
    async with httpx.AsyncClient() as probe, asyncio.timeout(20):
        while f"parlour_sockets {len(readers)}" not in (await probe.get(f"{live.url}/metrics")).text:
            await asyncio.sleep(0.05)
    most = 0
    for _ in range(int(WATCHED * 10)):
        await asyncio.sleep(0.1)
        most = max(most, memory(live))
    for reader in readers:
        reader.socket.close()
    await asyncio.sleep(2)
    after = memory(live)

    print(f"before {before >> 20} MiB, most {most >> 20} MiB, after {after >> 20} MiB")
    assert most - before < BOUND
    assert after - before < BOUND // 2


async def ask(live: Live, path: str, cookies: dict[str, str], times: int) -> socket.socket:
    """Several requests for a page at once, of which nothing is ever read. The first page is drawn by now: how
    many are drawn at the same moment is no matter of how busy the machine is.
    """
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # as on the internet: the system keeps less
    line.connect(("127.0.0.1", live.port))
    carried = "; ".join(f"{name}={value}" for name, value in cookies.items())
    asked = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\nCookie: {carried}\r\n\r\n"
    await asyncio.to_thread(line.sendall, asked.encode() * times)
    line.settimeout(60)
    with suppress(ConnectionError):  # it was let go of
        await asyncio.to_thread(line.recv, 1, socket.MSG_PEEK)
    return line


async def test_pages_that_nobody_reads_cost_a_bounded_amount_of_memory(live: Live) -> None:
    db = make_database(live.settings, exclusive=False)
    await db.open()
    past = Past(db, UUID(live.workspace_id))
    ticket = await past.ticket(email="maria@customer.example")
    await past.said(
        ticket, [(past.customer(ticket), f"{n} " + "\N{GRINNING FACE}" * 19_990, None) for n in range(9)]
    )
    cookies = await past.visitor(ticket)
    await db.close()
    path = f"/support/{SLUG}/ticket/{ticket.ticket_id}"
    async with httpx.AsyncClient(cookies=cookies, timeout=30) as reader:
        for _ in range(20):  # what one reader after the other takes is there before it is measured
            assert (await reader.get(f"{live.url}{path}")).status_code == 200
    before = memory(live)

    lines = []
    most = 0
    for number in range(READERS):
        lines.append(await ask(live, path, cookies, 2))
        most = max(most, memory(live))
        if number % 20 == 19:  # what is drawn between two looks of the server is not what it keeps
            await asyncio.sleep(LOOK_SECONDS)
    for _ in range(60):
        await asyncio.sleep(0.1)
        most = max(most, memory(live))
    async with httpx.AsyncClient(cookies=cookies, timeout=30) as reader:
        page = await reader.get(f"{live.url}{path}")
    gone = [int(size) for size in LET_GO.findall(live.log.read_text())]
    for line in lines:
        line.close()

    print(f"{len(gone)} of {READERS} let go, before {before >> 20} MiB, most {most >> 20} MiB")
    assert page.status_code == 200
    assert (READERS - len(gone)) * min(gone) <= UNTAKEN_BYTES
    assert most - before < PAGES_BOUND


async def test_answers_to_pings_do_not_wait_for_whoever_never_reads(live: Live) -> None:
    db = make_database(live.settings, exclusive=False)
    await db.open()
    past = Past(db, UUID(live.workspace_id))
    ticket = await past.ticket(email="maria@customer.example")
    reader = NeverReads(live, ticket, await past.visitor(ticket), "10.0.0.1")
    await db.close()
    before = memory(live)

    with suppress(ConnectionError):
        await asyncio.to_thread(reader.ping, 200_000)
    grown = memory(live) - before
    reader.socket.close()

    print(f"grown by {grown >> 10} KiB")
    assert grown < 12 * MEBIBYTE
