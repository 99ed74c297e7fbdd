"""Attachments up and down, against plain file serving by the same uvicorn in the same run.

What a transfer takes as a client sees it, and of the server's processor time. A file is plain
bytes, so that nothing is drawn anew; uploads are forms with one file, as the page's script sends them. At the
end, the memory that many uploads in the same moment take.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx

from bench import report
from bench.server import Parlour, free_port, parlour

HERTZ = os.sysconf("SC_CLK_TCK")
ROUND_BYTES = 20_000_000
"""In one round. All rounds of one size have to fit into one ticket."""
MEMORY = report.Goal(most=100)
A_TICKET = 7
"""Files of the largest size that a ticket's customer may have there, and a bit of room."""


class Plain:
    """bench.plain under uvicorn, with the settings that Parlour's server has."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "bench.plain:app", "--port", str(self.port)),
                "--no-access-log",
            ],
            env={**os.environ, "BENCH_FOLDER": str(folder)},
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            with suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/nothing")
                return
            time.sleep(0.1)
        raise SystemExit("the plain server did not start")

    def processor(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ


def opened(client: httpx.Client) -> str:
    """A ticket of the client's: its address on the portal."""
    page = client.get("/support/acme/ticket/new")
    fields = {"csrf": csrf(page.text), "client_id": str(uuid4()), "email": "maria@example.com"}
    fields |= {"subject": "Files", "description": "Here they come."}
    return client.post("/support/acme/ticket/new", data=fields).headers["location"]


def conversing(client: httpx.Client) -> tuple[str, dict[str, str]]:
    """A ticket of the client's, and what its page's script sends along."""
    ticket = opened(client)
    return ticket, {
        "accept": "application/json",
        "x-csrf-token": csrf(client.get(f"{ticket}/chat").text),
    }


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


class Side:
    """What one of the two servers takes for moving a file of `size` bytes once: seconds."""

    def __init__(self, processor: Callable[[], float], once: Callable[[], None]) -> None:
        self._processor = processor
        self._once = once
        self.clock: list[float] = []
        """Milliseconds."""
        self._busy = 0.0
        once()

    def go(self) -> None:
        began, spent = time.perf_counter(), self._processor()
        self._once()
        self.clock.append((time.perf_counter() - began) * 1e3)
        self._busy += self._processor() - spent

    @property
    def busy(self) -> list[float]:
        """Milliseconds of processor time, of all together: the kernel counts that in hundredths."""
        return [max(self._busy, 1 / HERTZ) / len(self.clock) * 1e3]


def got(client: httpx.Client, path: str, size: int) -> Callable[[], None]:
    def get() -> None:
        with client.stream("GET", path) as answer:
            assert sum(map(len, answer.iter_raw(1 << 20))) == size

    return get


def put(client: httpx.Client, path: str, data: bytes, headers: dict[str, str]) -> Callable[[], None]:
    def post() -> None:
        answer = client.post(path, files={"files": ("bytes.bin", data)}, headers=headers)
        assert answer.status_code == 201, answer.text

    return post


def run(rounds: int, size: int) -> list[report.Found]:
    data = os.urandom(size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").write_bytes(data)
        server, plain = Parlour(folder / "parlour"), Plain(folder)
        try:
            server.command("workspace", "create", "acme", "--name", "Acme")
            server.start()
            with (
                httpx.Client(base_url=server.origin, headers={"origin": server.origin}, timeout=60) as ours,
                httpx.Client(base_url=f"http://127.0.0.1:{plain.port}", timeout=60) as theirs,
            ):
                ticket, headers = conversing(ours)
                sent = ours.post(
                    f"{ticket}/chat",
                    data={"client_id": str(uuid4()), "content": ""},
                    files={"files": ("bytes.bin", data)},
                    headers=headers,
                ).json()
                file = sent["message"]["files"][0]
                address = f"{ticket}/files/{file['file_id']}/{file['name']}"
                times = rounds * max(2, ROUND_BYTES // size)
                ways = {
                    "down": (got(theirs, "/", size), got(ours, address, size)),
                    "up": (put(theirs, "/", data, {}), put(ours, f"{ticket}/files", data, headers)),
                }
                return [
                    found
                    for way, (there, here) in ways.items()
                    for found in by_turns(
                        f"{size / 1e6:.0f} MB {way}",
                        times,
                        Side(plain.processor, there),
                        Side(server.processor, here),
                    )
                ]
        finally:
            server.stop()
            plain.process.kill()


def together(at_once: int, size: int) -> report.Found:
    """What the server's memory grows by, at most, while so many files go up in the same moment."""
    data = os.urandom(size)
    with TemporaryDirectory() as name, parlour(Path(name)) as server, ExitStack() as stack:
        server.command("workspace", "create", "acme", "--name", "Acme")
        server.start()
        uploads: list[Callable[[], None]] = []
        for number in range(0, at_once, A_TICKET):
            # From one network come only so many at a time.
            way = httpx.HTTPTransport(local_address=f"127.0.0.{number + 2}")
            client = httpx.Client(
                transport=way, base_url=server.origin, headers={"origin": server.origin}, timeout=300
            )
            ticket, headers = conversing(stack.enter_context(client))
            post = put(client, f"{ticket}/files", data, headers)
            uploads += [post] * min(A_TICKET, at_once - number)
        before = server.peak(anew=True)
        with ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(upload) for upload in uploads]:
                done.result()
        grown = (server.peak() - before) / 1_024
    return report.Found(f"{at_once} x {size / 1e6:.0f} MB up at once, memory", "MB", [grown], goal=MEMORY)


def by_turns(name: str, times: int, plain: Side, ours: Side) -> tuple[report.Found, report.Found]:
    """So that a disk or a processor with other work to do is as slow for both."""
    for _ in range(times):
        plain.go()
        ours.go()
    return (
        report.Found(f"{name}, on the clock", "ms", ours.clock, plain.clock),
        report.Found(f"{name}, processor time", "ms", ours.busy, plain.busy),
    )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench files", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000_000, 5_000_000, 25_000_000], help="bytes"
    )
    parser.add_argument("--at-once", type=int, default=20, help="files of the largest size")
    chosen = parser.parse_args(argv)
    found = [found for size in chosen.sizes for found in run(chosen.rounds, size)]
    found.append(together(chosen.at_once, max(chosen.sizes)))
    print(report.table(found))
    report.save("files", found, {"rounds": chosen.rounds})
    return 0
