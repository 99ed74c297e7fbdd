"""Starts `parlour …` without its imports: a process that has made them already forks for each start.

What then runs is the program's own command line, in a process of its own with its own arguments, environment
and files. Only what Python does before that is done once and not 500 times. What is about the start itself,
or stands in front of the program, starts it by `subprocess`.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from typing import IO, Any

SOURCE = Path(__file__).parents[1] / "src"
LONGEST = 2**18
"""Bytes of one request: arguments and environment."""
PATIENCE = 60
"""Seconds after which a command that should end does not."""


class Started:
    """A process that the launcher started; the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, launcher: "Launcher") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._launcher = launcher
        self._asking = threading.Lock()
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Threads of one test may ask at once; an end is told once."""
        with self._asking:
            if self.returncode is None and select.select([self._end], [], [], 0)[0]:
                self.returncode = self._launcher.ask(ended=self.pid)
                os.close(self._end)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("parlour", timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, how: signal.Signals) -> None:
        with self._asking:
            if self.returncode is None:
                signal.pidfd_send_signal(self._end, how)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Launcher:
    """This process's end. The other ends with it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._other = subprocess.Popen(
                [sys.executable, "-m", "tests.launcher", str(theirs.fileno())],
                cwd=SOURCE.parent,
                pass_fds=[theirs.fileno()],
                env=surroundings(),
                stdin=subprocess.DEVNULL,
            )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        files: "tuple[IO[Any], IO[Any], IO[Any]]",
        folder: Path | None = None,
    ) -> Started:
        """`files` become its standard input, output and error output."""
        where = str(folder or Path.cwd())
        numbers = [file.fileno() for file in files]
        pid = self.ask(numbers, arguments=arguments, environment=dict(environment), folder=where)
        return Started(pid, self)

    def end(self) -> None:
        self._line.close()
        self._other.wait()

    def ask(self, files: Sequence[int] = (), **request: object) -> int:
        with self._one_at_a_time:
            socket.send_fds(self._line, [json.dumps(request).encode()], files)
            answer: int = json.loads(self._line.recv(LONGEST))
            return answer


@cache
def _launcher() -> Launcher:
    """The one of this process."""
    return Launcher()


@atexit.register
def _end() -> None:
    """Registered before those are who end what they started, hence called after them."""
    if _launcher.cache_info().currsize:
        _launcher().end()


def fits(environment: Mapping[str, str]) -> bool:
    """Whether a start under these variables differs from the launcher's by the program's own settings alone.

    Another clock or another release is not what the launcher has in it.
    """
    return _without_ours(environment) == surroundings()


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if not name.startswith(("PARLOUR_", "PYTEST_"))
    }


def surroundings() -> dict[str, str]:
    """This process's own environment, with nothing of Parlour's but where its source is.

    What pytest writes into it is another for each test.
    """
    here = _without_ours(os.environ)
    return here | {"PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), here.get("PYTHONPATH")]))}


def start(
    arguments: Sequence[str], environment: Mapping[str, str], output: IO[Any], within: Sequence[str] = ()
) -> "Started | subprocess.Popen[bytes]":
    """Run `parlour …` with nothing on its standard input, and both of its outputs into a file.

    Within another command, or in other surroundings than the launcher's, it starts as Python does.
    """
    with Path(os.devnull).open("rb") as nothing:
        if not within and fits(environment):
            return _launcher().start(arguments, environment, (nothing, output, output))
        command = [*within, sys.executable, "-m", "parlour", *arguments]
        return subprocess.Popen(command, env=environment, stdin=nothing, stdout=output, stderr=output)


def run(
    arguments: Sequence[str], environment: Mapping[str, str], *, typed: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `parlour …` to its end, as `subprocess.run` would. Raises subprocess.TimeoutExpired."""
    with ExitStack() as stack:
        given, output, error = [stack.enter_context(TemporaryFile()) for _ in range(3)]
        given.write(typed.encode("utf-8", "surrogateescape"))
        given.seek(0)
        if fits(environment):
            started = _launcher().start(arguments, environment, (given, output, error), folder)
            try:
                code = started.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                started.kill()
                raise
        else:
            command = [sys.executable, "-m", "parlour", *arguments]
            code = subprocess.call(
                command,
                env=environment,
                cwd=folder,
                stdin=given,
                stdout=output,
                stderr=error,
                timeout=PATIENCE,
            )
        return subprocess.CompletedProcess(["parlour", *arguments], code, _read(output), _read(error))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


# ---------------------------------------------------------------------------------- the other process


def _take_orders(line: socket.socket) -> dict[str, Any] | None:
    """Forks for each start. Answers what a child is to become; None when nobody asks any more."""
    while True:
        words, files, _, _ = socket.recv_fds(line, LONGEST, 3)
        if not words:
            return None
        request: dict[str, Any] = json.loads(words)
        if "ended" in request:
            _, status = os.waitpid(request["ended"], 0)
            line.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if not pid:
            line.close()
            return request | {"files": files}
        for file in files:
            os.close(file)
        line.send(json.dumps(pid).encode())


def _become(order: dict[str, Any]) -> None:
    for number, file in enumerate(order["files"]):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    time.tzset()
    sys.argv[1:] = order["arguments"]


IMPORTED_ON_DEMAND = (
    *("parlour.demo", "parlour.db.sqlite", "parlour.db.postgres"),
    *("parlour.db.backup.archive", "parlour.db.backup.load", "alembic.command", "alembic.script"),
)
"""By one command or the other, besides the modules of the command line."""

if __name__ == "__main__":
    commands = iter_modules(import_module("parlour.cli").__path__, "parlour.cli.")
    for each in (*(module.name for module in commands), *IMPORTED_ON_DEMAND):
        import_module(each)
    gc.freeze()  # else each child looks through all of it once more, at its end at the latest
    if order := _take_orders(socket.socket(fileno=int(sys.argv[1]))):
        _become(order)
        runpy.run_module("parlour", run_name="__main__", alter_sys=True)
