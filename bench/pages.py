"""Processor time of each page, in this process, without a network: how much of a core one page costs.

The ticket list and the dashboard show 25 and 5 tickets, the conversation 50 messages. Times are medians
of several rounds, `reading` and `drawing` what of it the database and the templates take; the last column
compares with the smallest answer there is, measured in the same run. What pages show alike is kept: `anew`
is the cost where none of the rows, messages and people on the page were shown before.
"""

import argparse
import asyncio
import gc
import io
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from bench import report
from parlour import logs
from parlour.app import Application
from parlour.db import found
from parlour.features.tickets import service as tickets
from parlour.kernel.access import Actor
from parlour.kernel.kept import Alike, Kept, Together
from parlour.web.limits import Limit
from parlour.web.render import Renderer
from parlour.web.windows import Rate
from tests.house import Browser, House, open_house
from tests.programs import key_of
from tests.web.test_weight import bring_pictures

GOALS = dict.fromkeys(
    ("conversation", "its 50 pictures", "dashboard", "ticket list", "ticket at the desk"),
    report.Goal(1_000, times=18),
)
"""1,000 µs on the machine that the aim was set on, where the smallest answer took 56."""

Headers = list[tuple[bytes, bytes]]


def request(path: str, headers: Headers) -> MutableMapping[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"parlour.test"), *headers],
        "client": ("127.0.0.1", 40000),
        "server": ("parlour.test", 80),
        "state": {},
    }


async def exchange(
    app: Application, path: str, headers: Headers, body: bytes | None = None, *, query: str = ""
) -> tuple[int, int]:
    """Ask for a page, or POST a form to it. Returns the answer's status and its bytes."""
    method = "GET" if body is None else "POST"
    status = size = 0

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size = len(message.get("body", b"")) or size

    asked = {**request(path, headers), "method": method, "query_string": query.encode()}
    await app(asked, receive, send)
    return status, size


async def seconds_a_page(app: Application, path: str, headers: Headers, times: int) -> tuple[float, int]:
    """Processor seconds for one answer, and its bytes."""
    size = 0
    started = time.process_time()
    for _ in range(times):
        status, size = await exchange(app, path, headers)
        assert status == 200
    return (time.process_time() - started) / times, size


async def seconds_anew(app: Application, path: str, headers: Headers, times: int) -> float:
    """The same without what was kept of rows and messages."""
    kept = [each for each in gc.get_objects() if isinstance(each, Alike | Kept | Together)]
    spent, most = 0.0, found.ROOM
    for _ in range(times):
        for each in kept:
            each._made.clear()  # noqa: SLF001 nobody but a benchmark wants to forget
        found.ROOM = 0
        spent += (await seconds_a_page(app, path, headers, 1))[0]
        found.ROOM = most
    return spent / times


async def headers_of(browser: Browser, path: str) -> Headers:
    """What a browser sends that has been there before."""
    await browser.get(path)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    return [(b"cookie", cookies.encode())]


class Apart:
    """Seconds of processor time in one function of the house, which goes on as before."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            result = function(*args, **kwargs)
            self.seconds += time.process_time() - started
            return result

        return timed

    def awaited(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Right for what waits for nothing, as a read of SQLite does."""

        async def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            result = await function(*args, **kwargs)
            self.seconds += time.process_time() - started
            return result

        return timed


async def furnish(house: House) -> tuple[Browser, Browser, str]:
    """25 tickets, one of them with 50 messages; Ada's browser, the customer's, and that ticket's id."""
    for number in range(24):
        async with house.browser(f"127.0.1.{number}") as browser:
            await house.open_ticket(browser, subject=f"Parcel {number}", email=f"m{number}@example.com")
    maria = house.browser()
    ticket = await talk(house, maria, "maria@example.com")
    return await house.sign_in(), maria, str(ticket)


async def talk(house: House, browser: Browser, email: str) -> UUID:
    """A ticket with 50 messages, by its id."""
    ticket = await house.open_ticket(browser, email=email)
    customer = Actor.customer(house.workspace.workspace_id, ticket.ticket_id, ticket.email)
    for number in range(49):
        words = f"Message {number} about the parcel"
        await house.db.write(customer, tickets.send_message, ticket.ticket_id, words, uuid4())
    return ticket.ticket_id


async def measure(rounds: int, times: int) -> None:
    logs.configure("json", stream=io.StringIO())
    Limit.API.rate = Rate.of("1000000/10 seconds")
    with TemporaryDirectory() as folder:
        async with open_house(Path(folder)) as house:
            ada, maria, ticket = await furnish(house)
            lena = house.browser("127.0.2.1")
            pictured = await talk(house, lena, "lena@example.com")
            await house.as_system(bring_pictures, pictured)
            desk = f"/workspace/{house.workspace.workspace_id}"
            pages = [
                ("smallest answer", "/healthz", maria),
                ("portal", "/support/acme", maria),
                ("open a ticket", "/support/acme/ticket/new", maria),
                ("ticket", f"/support/acme/ticket/{ticket}", maria),
                ("conversation", f"/support/acme/ticket/{ticket}/chat", maria),
                ("its 50 pictures", f"/support/acme/ticket/{pictured}/chat", lena),
                ("dashboard", desk, ada),
                ("ticket list", f"{desk}/tickets", ada),
                ("ticket at the desk", f"{desk}/tickets/{ticket}", ada),
                ("50 pictures there", f"{desk}/tickets/{pictured}", ada),
                ("GET /tickets", "/api/v1/tickets", None),
            ]
            key = [(b"authorization", f"Bearer {await key_of(house)}".encode())]
            reading, drawing = Apart(), Apart()
            house.db.read = reading.awaited(house.db.read)  # type: ignore[method-assign, assignment]
            Renderer.__call__ = drawing.called(Renderer.__call__)  # type: ignore[method-assign]
            print(f"{'page':20}{'µs of a core':>14}{'reading':>10}{'drawing':>10}", end="")
            print(f"{'anew':>8}{'kB':>8}{'x smallest':>12}")
            cases: list[report.Found] = []
            for name, path, browser in pages:
                headers = await headers_of(browser, path) if browser else key
                await seconds_a_page(house.app, path, headers, times)
                reading.seconds = drawing.seconds = 0.0
                found = [await seconds_a_page(house.app, path, headers, times) for _ in range(rounds)]
                costs = [seconds * 1e6 for seconds, _ in found]
                smallest = cases[0].rounds if cases else costs
                cases.append(report.Found(name, "µs", costs, smallest, GOALS.get(name, report.NONE)))
                parts = [part.seconds / rounds / times * 1e6 for part in (reading, drawing)]
                anew = await seconds_anew(house.app, path, headers, times) * 1e6
                print(
                    f"{name:20}{cases[-1].typical:14.0f}{parts[0]:10.0f}{parts[1]:10.0f}{anew:8.0f}", end=""
                )
                print(f"{found[0][1] / 1000:8.1f}{cases[-1].times or 1:12.1f}")
            report.save("pages", cases, {"rounds": rounds, "times": times})
            await ada.aclose()
            await maria.aclose()
            await lena.aclose()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, default=50, help="answers a round")
    chosen = parser.parse_args(argv)
    asyncio.run(measure(chosen.rounds, chosen.times))
    return 0
