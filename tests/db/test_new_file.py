"""A file that a command makes is whole, or not there at all: however the command ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

WRITING = """
import sys, time
from pathlib import Path
from parlour.db.new_file import NewFile
with NewFile(Path(sys.argv[1]), "a backup").writing() as file:
    file.write(b"the beginning")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)
"""


def there(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_leaves_nothing(tmp_path: Path, name: signal.Signals) -> None:
    heard = ["env", "--default-signal=HUP"]  # or tests that are to outlive their terminal would ignore it
    writer = [*heard, sys.executable, "-c", WRITING, str(tmp_path / "2026-11-28.parlour")]
    with subprocess.Popen(writer, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writing:
        assert writing.stdout
        assert writing.stdout.readline() == b"begun\n"
        begun = there(tmp_path)
        writing.send_signal(name)
        writing.wait(30)

    assert len(begun) == 1
    assert there(tmp_path) == []
    assert writing.returncode == 128 + name


def test_a_command_that_is_to_outlive_its_terminal_goes_on(tmp_path: Path) -> None:
    writer = ["nohup", sys.executable, "-c", WRITING.replace("60", "1"), str(tmp_path / "a.parlour")]
    with subprocess.Popen(writer, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writing:
        assert writing.stdout
        assert writing.stdout.readline() == b"begun\n"
        writing.send_signal(signal.SIGHUP)
        writing.wait(30)

    assert there(tmp_path) == ["a.parlour"]
