"""A run that leaves tests out must say so; these start whole runs of their own, with no Node on the PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NEEDS_NODE = "import pytest\n\n@pytest.mark.node\ndef test_it(): pass\n"
NEEDS_NOTHING = "def test_it(): pass\n"
SKIPS_ITSELF = "import pytest\n\ndef test_it(): pytest.skip('no time')\n"


def run(folder: Path, test: str, *arguments: str, require_all: str = "") -> subprocess.CompletedProcess[str]:
    conftest = (ROOT / "tests/conftest.py").read_text(encoding="utf-8")
    wiring = next(line for line in conftest.splitlines() if line.startswith("from tests.servers import"))
    (folder / "conftest.py").write_text(wiring, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = node\n", encoding="utf-8")
    (folder / "test_one.py").write_text(test, encoding="utf-8")
    (folder / "no-programs").mkdir()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=os.environ
        | {
            "PATH": str(folder / "no-programs"),
            "PYTHONPATH": str(ROOT),
            "PARLOUR_REQUIRE_ALL": require_all,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("processes", [[], ["-n1"]], ids=["one process", "a worker process"])
def test_a_test_without_its_program_is_named_at_the_end(tmp_path: Path, processes: list[str]) -> None:
    finished = run(tmp_path, NEEDS_NODE, *processes)

    assert finished.returncode == 0, finished.stdout
    assert "1 test: needs Node.js, which is not installed (Debian's package: nodejs)" in finished.stdout


@pytest.mark.parametrize("test", [NEEDS_NODE, SKIPS_ITSELF], ids=["program missing", "skips itself"])
def test_leaving_anything_out_fails_when_everything_is_required(tmp_path: Path, test: str) -> None:
    finished = run(tmp_path, test, require_all="1")

    assert finished.returncode == 1, finished.stdout
    assert "PARLOUR_REQUIRE_ALL=1 asks for everything, so this run has failed." in finished.stdout


def test_a_complete_run_passes_when_everything_is_required(tmp_path: Path) -> None:
    finished = run(tmp_path, NEEDS_NOTHING, require_all="1")

    assert finished.returncode == 0, finished.stdout
    assert "left out" not in finished.stdout
