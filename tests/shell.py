"""`parlour …` as people run it: one process a command."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from parlour.cli import app
from parlour.cli.commands import Later
from parlour.settings import Settings
from tests import launcher
from tests.house import behind_its_back
from tests.launcher import PATIENCE
from tests.live import environment_for

__all__ = ["PATIENCE", "Shell", "command", "every_command", "sentence"]


def every_command(group: click.Group = app, *before: str) -> Iterator[tuple[str, ...]]:
    """The words by which each command is called."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from every_command(found, *before, name)
        else:
            yield (*before, name)


def command(*words: str) -> click.Command:
    """What is called by these words."""
    found: click.Command = app
    for word in words:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found.there() if isinstance(found, Later) else found


class Shell:
    """Runs `parlour …` on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = environment_for(folder)

    def run(self, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return launcher.run(arguments, self.environment | environment, typed=typed, folder=self.folder.parent)

    def start(self, *arguments: str, terminal: IO[bytes] | None = None) -> "subprocess.Popen[str]":
        """Without waiting for its end; in a terminal of its own, not the one that tests run in, if given."""
        return subprocess.Popen(
            [sys.executable, "-m", "parlour", *arguments],
            env=self.environment,
            stdin=terminal or subprocess.DEVNULL,
            stdout=terminal or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=terminal is not None,
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return behind_its_back(Settings.from_environment(self.environment), sql)


def sentence(refused: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says, which is one sentence and nothing else."""
    assert refused.returncode == 2, refused.stderr
    assert refused.stdout == ""
    lines = [line for line in refused.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, refused.stderr
    assert lines[0].endswith(".")
    return lines[0]
