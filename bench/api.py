"""Processor time of each operation of the API, over a socket, beside the same bytes without Parlour.

Parlour and a program that answers each address with bytes that it has ready run in this process, on the
same uvicorn; a client in a process of its own asks each for 25 tickets, 50 messages or 100 changes over one
connection. `plain` is what uvicorn and the bytes alone cost: what no API on it could go below.
"""

import argparse
import asyncio
import io
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import uvicorn
import uvloop

from bench import report
from parlour import logs
from parlour.features.tickets import service as tickets
from parlour.kernel import garbage
from parlour.kernel.access import Actor
from parlour.web.limits import Limit
from parlour.web.windows import Rate
from tests.house import House, open_house
from tests.programs import HOME, key_of

CLIENT = """
import http.client, json, sys
port, times, method, path, body, headers = json.loads(sys.stdin.read())
wire = http.client.HTTPConnection("127.0.0.1", port)
for number in range(times):
    wire.request(method, path, body or None, headers)
    answer = wire.getresponse()
    answer.read()
    assert answer.status < 300, (answer.status, path)
"""


class Asked(NamedTuple):
    method: str
    path: str
    body: str = ""


class Plain:
    """Answers with what it was given for this method and address."""

    def __init__(self) -> None:
        self.bytes: dict[tuple[str, str], bytes] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.bytes[scope["method"], scope["path"]]})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """As `parlour serve` configures uvicorn, less what guards its connections. Yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, loop="uvloop", lifespan="off", access_log=False, server_header=False, log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def seconds_each(port: int, asked: Asked, headers: dict[str, str], times: int) -> float:
    """Processor seconds that this process takes for one answer."""
    given = json.dumps([port, times, *asked, headers]).encode()
    began = time.process_time()
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, stdin=asyncio.subprocess.PIPE)
    await client.communicate(given)
    if client.returncode:
        raise SystemExit("the client ended with an error")
    return (time.process_time() - began) / times


async def furnish(house: House) -> list[Asked]:
    """25 tickets, one of them with 50 messages."""
    async with house.browser() as browser:
        ticket = await house.open_ticket(browser)
    customer = Actor.customer(house.workspace.workspace_id, ticket.ticket_id, ticket.email)
    for number in range(49):
        words = f"Message {number} about the parcel"
        await house.db.write(customer, tickets.send_message, ticket.ticket_id, words, uuid4())
    for number in range(24):
        async with house.browser(f"127.0.1.{number}") as browser:
            await house.open_ticket(browser, subject=f"Parcel {number}", email=f"m{number}@example.com")
    this = f"{HOME}/tickets/{ticket.ticket_id}"
    return [
        Asked("GET", f"{HOME}/me"),
        Asked("GET", f"{HOME}/tickets"),
        Asked("GET", this),
        Asked("GET", f"{this}/messages"),
        Asked("GET", f"{HOME}/contacts"),
        Asked("GET", f"{HOME}/changes"),
        Asked("POST", f"{this}/messages", json.dumps({"content": "It arrives on Tuesday."})),
    ]


async def measure(rounds: int, times: int) -> None:
    logs.configure("json", stream=io.StringIO())
    Limit.API.rate = Rate(10**9, 1)
    plain = Plain()
    with TemporaryDirectory() as folder:
        async with open_house(Path(folder)) as house, served(house.app) as port, served(plain) as plain_port:
            headers = {"Authorization": f"Bearer {await key_of(house)}", "Content-Type": "application/json"}
            operations = await furnish(house)
            garbage.settle()
            await house.app.parlour.worker.stop()
            cases = []
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
                for asked in operations:
                    answer = await client.request(asked.method, asked.path, content=asked.body)
                    plain.bytes[asked.method, asked.path] = answer.raise_for_status().content
            for asked in operations:
                costs: dict[int, list[float]] = {}
                for where in (port, plain_port):
                    await seconds_each(where, asked, headers, times)
                    costs[where] = [
                        await seconds_each(where, asked, headers, times) * 1e6 for _ in range(rounds)
                    ]
                name = f"{asked.method} {asked.path.removeprefix(HOME)}".replace(
                    operations[2].path.removeprefix(HOME), "/tickets/{ticket_id}"
                )
                size = len(plain.bytes[asked.method, asked.path]) / 1000
                cases.append(report.Found(f"{name}, {size:.1f} kB", "µs", costs[port], costs[plain_port]))
    print(report.table(cases))
    report.save("api", cases, {"rounds": rounds, "times": times})


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=300, help="answers a round")
    chosen = parser.parse_args(argv)
    uvloop.run(measure(chosen.rounds, chosen.times))
    return 0
