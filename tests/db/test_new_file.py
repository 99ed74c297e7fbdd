"""A file that a command makes is whole, or not there at all: however the command ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parlour.db.new_file import NewFile
from tests.shell import Shell

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


def test_what_a_killed_command_left_is_said_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    names = ("of yesterday", "of now")
    writers = [[sys.executable, "-c", WRITING, str(tmp_path / name)] for name in names]
    with (
        subprocess.Popen(writers[0], stdout=subprocess.PIPE) as killed,
        subprocess.Popen(writers[1], stdout=subprocess.PIPE) as writing,
    ):
        for each in (killed, writing):
            assert each.stdout
            assert each.stdout.readline() == b"begun\n"
        killed.kill()
        killed.wait(30)
        said = NewFile(tmp_path / "of tomorrow", "a backup").left_beside()
        writing.kill()

    left = tmp_path / ".of yesterday.unfinished"
    assert said == [f"{left} was left by a command that was killed: nothing needs it, remove it."]
    assert left.exists()


@pytest.mark.sqlite
@pytest.mark.parametrize("makes", [("backup",), ("export", "--workspace", "acme")])
def test_a_command_says_what_an_earlier_one_left(tmp_path: Path, makes: tuple[str, ...]) -> None:
    shell = Shell(tmp_path / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    (tmp_path / ".of yesterday.unfinished").touch()

    made = shell.run(*makes, str(tmp_path / "of today"))

    assert made.returncode == 0, made.stderr
    assert f"{tmp_path / '.of yesterday.unfinished'} was left by a command that was killed" in made.stderr
