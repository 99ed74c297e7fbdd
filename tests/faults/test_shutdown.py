"""How a server ends when it is asked to, and what stands in the way of a second one."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.people import Agent, Customer, Person, Records, Said, check_nothing_lost
from tests.live import SLUG, Live
from tests.ports import free_port
from tests.post_office import PostOffice

pytestmark = pytest.mark.timeout(240)

GONE_WITHIN = 15
HALF_A_REQUEST = (
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail="
)


class SlowOffice(PostOffice):
    """Thinks for a while about every mail, before it takes it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.thinking = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.thinking.set()
        await asyncio.sleep(self._seconds)
        return await super().handle_DATA(server, session, envelope)


@asynccontextmanager
async def slow_office(seconds: float) -> AsyncIterator[SlowOffice]:
    office = SlowOffice(seconds)
    await office.open()
    try:
        yield office
    finally:
        await office.close()


async def seconds_to_stop(live: Live) -> float:
    started = time.monotonic()
    await asyncio.to_thread(live.stop)
    return time.monotonic() - started


async def open_socket(customer: Customer) -> ClientConnection:
    live = customer.live
    cookies = "; ".join(f"{name}={value}" for name, value in customer.cookies.items())
    address = f"ws://127.0.0.1:{live.port}/realtime?ticket={customer.ticket_id}&portal={SLUG}"
    return await connect(address, additional_headers={"Cookie": cookies, "Origin": live.url})


async def goodbye(socket: ClientConnection) -> int | None:
    """Read until the server ends it; the code with which it does."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def test_a_stop_under_load_loses_nothing_and_tells_every_socket(live: Live) -> None:
    async with AsyncExitStack() as stack:
        customers = [await stack.enter_async_context(Customer(live, f"c{number}")) for number in range(4)]
        ada = await stack.enter_async_context(Agent(live, "ada"))
        await ada.sign_in()
        over = asyncio.Event()
        said: dict[str, list[Said]] = {await customer.open_ticket(): [] for customer in customers}
        sockets = [await open_socket(customer) for customer in customers for _ in range(5)]
        goodbyes = [asyncio.create_task(goodbye(socket)) for socket in sockets]
        people: list[Person] = [*customers, ada]
        async with asyncio.TaskGroup() as load:
            for who in people:
                for ticket in [who.ticket_id] if isinstance(who, Customer) else said:
                    load.create_task(who.talk(ticket, over, said[ticket], pause=0.02))
            await asyncio.sleep(0.5)
            took = await seconds_to_stop(live)
            await asyncio.to_thread(live.start)
            over.set()

    assert took < GONE_WITHIN
    assert await asyncio.gather(*goodbyes) == [1001] * len(sockets)
    for ticket, messages in said.items():
        assert messages
        check_nothing_lost(Records(live.settings), ticket, messages)


async def test_a_mail_that_is_being_sent_is_finished_first_and_never_sent_again(tmp_path: Path) -> None:
    async with slow_office(seconds=2) as office:
        with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
            async with Customer(live, "maria") as maria:
                await maria.open_ticket()
            await asyncio.wait_for(office.thinking.wait(), 30)
            took = await seconds_to_stop(live)
            await asyncio.to_thread(live.start)
            await asyncio.sleep(1.5)

    assert took < GONE_WITHIN
    assert len(office.envelopes) == 1


async def test_a_program_that_waits_for_news_is_answered_and_holds_no_stop_up(live: Live) -> None:
    made = live.command("apikey", "create", "--workspace", SLUG, "--name", "Follower")
    headers = {"authorization": f"Bearer {made.splitlines()[-1]}"}
    async with httpx.AsyncClient(base_url=live.url, headers=headers, timeout=40) as program:
        start = (await program.get("/api/v1/changes", params={"after": "now"})).json()["next"]
        waiting = {"after": start, "wait": 30}
        asking = asyncio.create_task(program.get("/api/v1/changes", params=waiting))
        while "parlour_api_waiting 1" not in (await program.get("/metrics")).text:
            await asyncio.sleep(0.05)
        took = await seconds_to_stop(live)
        answer = await asking

    assert took < 8  # the requests on their way get ten
    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_neither_a_mail_server_that_hangs_nor_half_a_request_holds_a_stop_up(tmp_path: Path) -> None:
    async with slow_office(seconds=120) as office:
        with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
            async with Customer(live, "maria") as maria:
                await maria.open_ticket()
            _, half = await asyncio.open_connection("127.0.0.1", live.port)
            half.write(HALF_A_REQUEST)
            await asyncio.wait_for(office.thinking.wait(), 30)
            took = await seconds_to_stop(live)
            half.close()

    kept = Records(live.settings).rows("SELECT finished_at, dead_at, attempts FROM outbox")
    assert took < GONE_WITHIN
    assert kept == [(None, None, 1)]  # it will be tried again


@pytest.mark.sqlite
def test_a_second_server_on_the_same_folder_says_why_it_does_not_start(live: Live) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "parlour", "serve", "--port", str(free_port())],
        env=live.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert second.returncode == 2
    assert "Another Parlour is already running" in second.stderr
    assert "Traceback" not in second.stderr
