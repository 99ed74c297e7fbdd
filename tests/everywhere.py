"""What `make test` runs: the tests on SQLite and beside them on PostgreSQL, then a part through PgBouncer.

The runs share the machine, so that one works while the other waits; what the second says is shown when the
first is over. Whoever asks for a part of the suite gets that part on both databases. To run all of it through
the proxy: PARLOUR_TEST_DATABASE=pgbouncer .venv/bin/python -m pytest
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryFile
from typing import IO

import pytest

from tests.servers import PGBOUNCER, POSTGRESQL, Program, requires_all

TOGETHER = ("--dist", "loadfile", "--no-loadscope-reorder")
PROCESSES = {"sqlite": 3, "postgresql": 2, "pgbouncer": 2}
"""For two cores. Half of what runs on SQLite waits: for clocks, for a page, for a process that was killed."""
THROUGH_THE_PROXY = (
    "tests/db/test_outbox.py",
    "tests/db/test_races.py",
    "tests/features/tickets/test_life.py",
    "tests/web/test_probes.py",
    # Told on both databases; through the proxy it would be the same statements, 45 times.
    "--deselect=tests/features/tickets/test_life.py::test_a_ticket_becomes_what_the_table_says",
)


def main() -> int:
    options = sys.argv[1:]
    with TemporaryFile() as said, ThreadPoolExecutor(1) as beside:
        later = beside.submit(on_postgresql, options, said)
        codes = [run("sqlite", options), *later.result()]
        said.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(said, sys.stdout.buffer)
    nothing = {pytest.ExitCode.NO_TESTS_COLLECTED}
    return 0 if set(codes) - nothing == {pytest.ExitCode.OK} else pytest.ExitCode.TESTS_FAILED


def on_postgresql(options: list[str], said: IO[bytes]) -> list[int]:
    if any(option.startswith("tests") for option in options):
        return [run("postgresql", options, said, POSTGRESQL)]
    everything = run("postgresql", options, said, POSTGRESQL)
    return [everything, run("pgbouncer", [*options, *THROUGH_THE_PROXY], said, POSTGRESQL, PGBOUNCER)]


def run(engine: str, options: list[str], said: IO[bytes] | None = None, *programs: Program) -> int:
    """pytest's exit code. Without its programs a run has failed where everything is asked for."""
    for program in programs:
        if program.path() is None:
            print(f"There is no run on {engine}: it {program.needed()}.")
            return pytest.ExitCode.TESTS_FAILED if requires_all() else pytest.ExitCode.NO_TESTS_COLLECTED
    command = [sys.executable, "-m", "pytest", "--numprocesses", str(PROCESSES[engine]), *TOGETHER, *options]
    environment = {**os.environ, "PARLOUR_TEST_DATABASE": engine}
    return subprocess.run(command, env=environment, stdout=said, stderr=said, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
