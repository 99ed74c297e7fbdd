"""What `make test` runs: the tests on SQLite and beside them on PostgreSQL, then a part through PgBouncer.

The runs share the machine, so that one works while the other waits; what the second says is shown when the
first is over. Whoever asks for a part of the suite gets that part on both databases. To run all of it through
the proxy: PARLOUR_TEST_DATABASE=pgbouncer .venv/bin/python -m pytest

When a whole run is over, at most three tests that failed in it are tried once more, alone on the quiet
machine. One that passes then is named at the end as unsteady, and is to be mended (docs/adr/0037).
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import pytest

from tests.postgres_server import ROOM, quick_place
from tests.servers import PGBOUNCER, POSTGRESQL, Program, requires_all

TOGETHER = ("--dist", "loadfile", "--no-loadscope-reorder")
PROCESSES = {"sqlite": 3, "postgresql": 2, "pgbouncer": 2}
"""For two cores. Half of what runs on SQLite waits: for clocks, for a page, for a process that was killed."""
THROUGH_THE_PROXY = (
    "tests/db/test_row_security.py::test_the_name_is_said_again_after_the_savepoint_in_which_it_was_said",
    "tests/db/test_outbox.py",
    "tests/db/test_races.py",
    "tests/features/tickets/test_life.py",
    "tests/web/test_probes.py",
    # Told on both databases; through the proxy it would be the same statements, 45 times.
    "--deselect=tests/features/tickets/test_life.py::test_a_ticket_becomes_what_the_table_says",
)


TRIED_AGAIN = 3
"""Failures of one run. More of them are never the machine's fault."""


def main() -> int:
    options = sys.argv[1:]
    whole = not any(option.startswith("tests") for option in options)
    with (
        TemporaryDirectory(dir=quick_place(8 * ROOM)) as notes,
        TemporaryFile() as said,
        ThreadPoolExecutor(1) as beside,
    ):
        first = Run("sqlite", Path(notes))
        later = [Run("postgresql", Path(notes), POSTGRESQL)]
        if whole:
            later.append(Run("pgbouncer", Path(notes), POSTGRESQL, PGBOUNCER, only=THROUGH_THE_PROXY))
        others = [beside.submit(run.start, options, said) for run in later]
        first.start(options)
        for other in others:
            other.result()
        said.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
        runs = [first, *later]
        unsteady = [name for run in runs for name in run.try_again(options)] if whole else []
    for name in unsteady:
        print(f"UNSTEADY, to be mended: {name} failed among the others and passed alone.")
    good = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    return 0 if {run.code for run in runs} <= good else pytest.ExitCode.TESTS_FAILED


class Run:
    """The suite on one database. `code` is pytest's exit code once it is over."""

    def __init__(self, engine: str, notes: Path, *programs: Program, only: tuple[str, ...] = ()) -> None:
        self.code: int = pytest.ExitCode.OK
        self._engine = engine
        self._notes = notes / engine
        self._programs = programs
        self._only = only

    def start(self, options: list[str], said: IO[bytes] | None = None) -> None:
        """Without its programs it has failed where everything is asked for."""
        for program in self._programs:
            if program.path() is None:
                print(f"There is no run on {self._engine}: it {program.needed()}.")
                nothing = pytest.ExitCode.NO_TESTS_COLLECTED
                self.code = pytest.ExitCode.TESTS_FAILED if requires_all() else nothing
                return
        self.code = self._pytest(
            "--numprocesses", str(PROCESSES[self._engine]), *TOGETHER, *options, *self._only, said=said
        )

    def try_again(self, options: list[str]) -> list[str]:
        """The names of the tests that failed among others and pass alone."""
        if self.code != pytest.ExitCode.TESTS_FAILED or not 0 < len(self._failed()) <= TRIED_AGAIN:
            return []
        names = self._failed()
        print(f"On {self._engine}, once more and alone: {', '.join(names)}", flush=True)
        self.code = self._pytest(*options, *names)
        return [f"{name} on {self._engine}" for name in set(names) - set(self._failed())]

    def _failed(self) -> list[str]:
        written = self._notes / "v" / "cache" / "lastfailed"
        return list(json.loads(written.read_text())) if written.exists() else []

    def _pytest(self, *arguments: str, said: IO[bytes] | None = None) -> int:
        places = ("-o", f"cache_dir={self._notes}", "--basetemp", f"{self._notes}.d")
        command = [sys.executable, "-m", "pytest", *places, *arguments]
        environment = {**os.environ, "PARLOUR_TEST_DATABASE": self._engine}
        return subprocess.run(command, env=environment, stdout=said, stderr=said, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
