"""A server program of the test's own: waited for until it answers, ended whatever happens to the test."""

import atexit
import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Daemon(ABC):
    """Runs within the block, and may be stopped and started again in it.

    Each kind says what it is started with and how one hears that it is there. It stays in the foreground:
    what it writes is shown when it does not come up, and what it has started itself ends with it.
    """

    ready_within = 30.0
    """Seconds: much, because several suites may share the machine."""
    folder: Path | None = None
    """Where it runs; where the tests run when there is none."""
    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]: ...

    @abstractmethod
    def answers(self) -> bool:
        """Asked again and again after its start, so it neither waits long nor raises."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when it answers."""
        assert not self.running, f"{self._name} runs already."
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _started.add(self)
            try:
                self._wait(said)
            except BaseException:
                self.stop()
                raise

    def _wait(self, said: IO[bytes]) -> None:
        deadline = time.monotonic() + self.ready_within
        while not self.answers():
            ended = not self.running
            if ended or time.monotonic() > deadline:
                said.seek(0)
                why = "ended by itself" if ended else f"does not answer after {self.ready_within} s"
                raise AssertionError(f"{self._name} {why}:\n{said.read().decode(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """As a crash would: everybody's connection is gone, and nothing is written any more."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        _started.discard(self)

    def freeze(self) -> None:
        """Answer nothing, close nothing: as a network that swallows everything."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, which: signal.Signals) -> None:
        assert self._process is not None, f"{self._name} was not started."
        os.killpg(self._process.pid, which)

    @property
    def _name(self) -> str:
        return type(self).__name__


_started: set[Daemon] = set()


@atexit.register
def _leave_nothing_behind() -> None:
    for daemon in list(_started):
        daemon.stop()
