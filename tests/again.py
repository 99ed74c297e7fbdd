"""The second run of `make test`: the same tests on PostgreSQL, when its server is installed."""

import os
import subprocess
import sys

import pytest

from tests.servers import POSTGRESQL, requires_all


def main() -> int:
    if POSTGRESQL.path() is None:
        print(f"There was no second run: it {POSTGRESQL.needed()}.")
        return int(requires_all())
    environment = {**os.environ, "PARLOUR_TEST_DATABASE": "postgresql"}
    ended = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False)
    return 0 if ended.returncode == pytest.ExitCode.NO_TESTS_COLLECTED else ended.returncode


if __name__ == "__main__":
    raise SystemExit(main())
