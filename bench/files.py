"""Attachments up and down, against plain file serving by the same uvicorn in the same run.

Bytes a second as a client sees them, and bytes a second of the server's processor time. A file is plain
bytes, so that nothing is drawn anew; uploads are forms with one file, as the page's script sends them.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx

from bench.server import Parlour, free_port

HERTZ = os.sysconf("SC_CLK_TCK")
ROUND_BYTES = 20_000_000
"""In one round. All rounds of one size have to fit into one ticket."""


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


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


class Side:
    """What one of the two servers takes for moving a file of `size` bytes once: seconds."""

    def __init__(self, size: int, processor: Callable[[], float], once: Callable[[], None]) -> None:
        self._size = size
        self._processor = processor
        self._once = once
        self._clock: list[float] = []
        self._busy = 0.0
        once()

    def go(self) -> None:
        began, spent = time.perf_counter(), self._processor()
        self._once()
        self._clock.append(time.perf_counter() - began)
        self._busy += self._processor() - spent

    def rates(self) -> tuple[float, float]:
        """MB a second on the clock, in the median, and MB a second of processor time, of all together:
        the kernel counts that in hundredths.
        """
        size = self._size / 1e6
        busy = max(self._busy, 1 / HERTZ) / len(self._clock)
        return size / statistics.median(self._clock), size / busy


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


def run(rounds: int, size: int) -> None:
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
                ticket = opened(ours)
                headers = {
                    "accept": "application/json",
                    "x-csrf-token": csrf(ours.get(f"{ticket}/chat").text),
                }
                sent = ours.post(
                    f"{ticket}/chat",
                    data={"client_id": str(uuid4()), "content": ""},
                    files={"files": ("bytes.bin", data)},
                    headers=headers,
                ).json()
                file = sent["message"]["files"][0]
                address = f"{ticket}/files/{file['file_id']}/{file['name']}"
                tell("down", rounds, size, plain, server, got(theirs, "/", size), got(ours, address, size))
                uploads = put(theirs, "/", data, {}), put(ours, f"{ticket}/files", data, headers)
                tell("up", rounds, size, plain, server, *uploads)
        finally:
            server.stop()
            plain.process.kill()


def tell(
    what: str,
    rounds: int,
    size: int,
    plain: Plain,
    server: Parlour,
    theirs: Callable[[], None],
    ours: Callable[[], None],
) -> None:
    """By turns, so that a disk or a processor with other work to do is as slow for both."""
    sides = Side(size, plain.processor, theirs), Side(size, server.processor, ours)
    for _ in range(rounds * max(2, ROUND_BYTES // size)):
        for side in sides:
            side.go()
    ceiling, found = (side.rates() for side in sides)
    print(f"{what:6}{size / 1e6:8.1f} MB", end="")
    for one, most in zip(found, ceiling, strict=True):
        print(f"{one:10.0f} of {most:6.0f} MB/s = {one / most:4.0%}", end="")
    print()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench files", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000_000, 5_000_000, 25_000_000], help="bytes"
    )
    chosen = parser.parse_args(argv)
    print(f"{'':17}{'on the clock':>30}{'of processor time':>30}")
    for size in chosen.sizes:
        run(chosen.rounds, size)
    return 0
