"""The command line as a whole: what it lists is there, and reads well in a terminal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import PATIENCE, Shell, command, every_command

pytestmark = pytest.mark.sqlite


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


COMMANDS = list(every_command())
GROUPS = sorted({words[:-1] for words in COMMANDS})
PARLOUR = [sys.executable, "-m", "parlour"]


def said(*words: str, **environment: str) -> str:
    """What it prints where a terminal has 80 columns."""
    surroundings = {**os.environ, "COLUMNS": "80", **environment}
    return subprocess.check_output([*PARLOUR, *words], env=surroundings, text=True)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_says_what_it_does_and_what_it_takes(words: tuple[str, ...], shell: Shell) -> None:
    asked = shell.run(*words, "--help", COLUMNS="80")

    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith(f"Usage: parlour {' '.join(words)} [OPTIONS]")
    assert max(map(len, asked.stdout.splitlines())) <= 80
    assert all(getattr(parameter, "help", "") for parameter in command(*words).params)


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_a_list_of_commands_has_a_whole_sentence_for_each(words: tuple[str, ...]) -> None:
    listed = said(*words, "--help").partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in listed if line[2] != " "]

    assert names == list(dict.fromkeys(each[len(words)] for each in COMMANDS if each[: len(words)] == words))
    assert max(map(len, listed)) <= 80
    assert "..." not in "".join(listed)


def test_what_is_only_listed_is_not_imported() -> None:
    """It would take ten times as long."""
    look = "import sys; from parlour.cli import app; app(['agent', '--help'], standalone_mode=False)"
    ended = [sys.executable, "-c", f"{look}; print('sqlalchemy' in sys.modules, 'asyncio' in sys.modules)"]

    assert subprocess.check_output(ended, text=True).splitlines()[-1] == "False False"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("parlour work", ["worker", "workspace"]),
        ("parlour agent en", ["enable"]),
        ("parlour agent create --ro", ["--role"]),
        ("parlour agent create a@acme.example --role a", ["admin", "agent"]),
    ],
)
def test_a_shell_completes_what_is_typed(typed: str, offered: list[str]) -> None:
    asked = {"_PARLOUR_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}

    assert said(**asked).splitlines() == [f"plain,{each}" for each in offered]


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_the_script_that_completes_is_printed_for_each_shell(kind: str) -> None:
    assert f"_PARLOUR_COMPLETE={kind}_complete" in said("--show-completion", kind)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["agent", "create", "--help"], ["doctor"]])
def test_nothing_is_said_about_a_reader_who_has_gone(shell: Shell, words: list[str]) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    with os.fdopen(output, "wb") as broken:
        program = [*PARLOUR, *words]
        with subprocess.Popen(program, env=shell.environment, stdout=broken, stderr=subprocess.PIPE) as run:
            _, said = run.communicate(timeout=PATIENCE)

    assert (run.returncode, said) == (1, b"")


def test_whoever_interrupts_a_command_reads_no_word_about_it() -> None:
    """It reads a mail from standard input, which does not end."""
    pipe = subprocess.PIPE
    program = ["env", "--default-signal=INT", *PARLOUR, "mail", "parse"]  # what runs behind ignores it
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe) as running:
        assert running.stdin is not None
        running.stdin.write(b"." * 2**20)  # more than a pipe holds: what does not fit, it has read
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=PATIENCE)

    assert (running.returncode, *said) == (130, b"", b"")
