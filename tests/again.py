"""What `make test` runs after the first run: the tests on PostgreSQL, and a part of them through PgBouncer.

Whoever asks for a part of the suite gets that part on PostgreSQL. To run all of it through the proxy:
PARLOUR_TEST_DATABASE=pgbouncer .venv/bin/python -m pytest
"""

import os
import subprocess
import sys

import pytest

from tests.servers import PGBOUNCER, POSTGRESQL, Program, requires_all

THROUGH_THE_PROXY = (
    "tests/db/test_outbox.py",
    "tests/db/test_races.py",
    "tests/features/tickets",
    "tests/web/test_probes.py",
)


def main() -> int:
    options = sys.argv[1:]
    failed = run_on("postgresql", options, POSTGRESQL)
    if any(option.startswith("tests") for option in options):
        return failed
    return failed or run_on("pgbouncer", [*options, *THROUGH_THE_PROXY], POSTGRESQL, PGBOUNCER)


def run_on(engine: str, options: list[str], *programs: Program) -> int:
    """0 when nothing failed, nor was left out while everything is asked for."""
    for program in programs:
        if program.path() is None:
            print(f"There was no run on {engine}: it {program.needed()}.")
            return int(requires_all())
    environment = {**os.environ, "PARLOUR_TEST_DATABASE": engine}
    ended = subprocess.run([sys.executable, "-m", "pytest", *options], env=environment, check=False)
    return 0 if ended.returncode == pytest.ExitCode.NO_TESTS_COLLECTED else ended.returncode


if __name__ == "__main__":
    raise SystemExit(main())
