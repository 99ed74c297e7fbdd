"""What uvicorn alone costs: an answer of as many bytes as the address says, and a POST that keeps nothing."""

import os
import subprocess
import sys
import time
from collections.abc import MutableMapping
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.server import free_port


async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = b"x" * int(scope["path"].rpartition("/")[2])
    head = {
        "type": "http.response.start",
        "status": 200 if scope["method"] == "GET" else 201,
        "headers": [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())],
    }
    await send(head)
    await send({"type": "http.response.body", "body": body})


class Ceiling:
    """The program above, in a process of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "bench.ceiling:app", "--port", str(self.port)),
                *("--no-access-log", "--no-server-header", "--lifespan", "off"),
            ],
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            with suppress(OSError):
                wire = HTTPConnection("127.0.0.1", self.port, timeout=1)
                wire.request("GET", "/1")
                assert wire.getresponse().status == 200
                return
            time.sleep(0.1)
        raise SystemExit("the plain server did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def processor(*programs: int) -> float:
    """Seconds of processor time that these processes and their children have used, the ended ones too."""
    spent = 0.0
    for program in programs:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()
            spent += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
            below = Path(f"/proc/{program}/task/{program}/children").read_text().split()
            spent += processor(*map(int, below))
    return spent
