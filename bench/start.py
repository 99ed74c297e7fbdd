"""What a server takes to start: time, processor time and memory, beside Python with its libraries alone."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import report
from bench.ceiling import processor
from bench.report import Goal
from bench.server import parlour

LIBRARIES = "import sqlalchemy, starlette.applications, uvicorn, minijinja, click, structlog, msgspec"


def libraries() -> float:
    """Milliseconds of processor time of a Python that imports what Parlour stands on, and ends."""
    before = os.times()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    after = os.times()
    return (after.children_user + after.children_system - before.children_user - before.children_system) * 1e3


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    clock, busy, memory, least = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder, parlour(Path(folder)) as server:
        server.command("workspace", "create", "bench", "--name", "Bench")
        for _ in range(rounds):
            began = time.perf_counter()
            server.start()
            clock.append((time.perf_counter() - began) * 1e3)
            busy.append(processor(server.process_id) * 1e3)
            time.sleep(1)
            memory.append(server.memory() / 1024)
            server.stop()
            least.append(libraries())
    found = [
        report.Found("until it answers", "ms", clock, goal=Goal(1_000)),
        report.Found("processor time until then", "ms", busy, least, Goal(500)),
        report.Found("memory at rest", "MiB", memory, goal=Goal(90)),
    ]
    print(report.table(found))
    report.save("start", found, {"rounds": rounds})
    return 0
