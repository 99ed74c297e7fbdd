"""A real Parlour server for a bench: its own data folder, a free port, set up through the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 20


class Parlour:
    def __init__(self, folder: Path, **environment: str) -> None:
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self._log = folder / "server.log"
        self._environment = {**os.environ, "PARLOUR_DATA_DIR": str(folder / "data"), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, typed: str = "") -> str:
        """Run `parlour WORDS`. Returns the last line it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "parlour", *words],
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"parlour {' '.join(words)} failed:\n{done.stderr}")
        return (done.stdout.splitlines() or [""])[-1]

    def commands(self, lines: Sequence[tuple[Sequence[str], str]]) -> None:
        """Run many in one process, each with what is typed into it."""
        done = subprocess.run(
            [sys.executable, "-m", "bench._commands"],
            env=self._environment,
            input=json.dumps(lines),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"a line of {len(lines)} failed:\n{done.stderr}")

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "parlour", "serve", "--port", str(self.port)],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._is_up():
                return
            time.sleep(0.01)
        raise SystemExit(f"the server did not start:\n{self._log.read_text()}")

    def _is_up(self) -> bool:
        try:
            wire = HTTPConnection("127.0.0.1", self.port, timeout=1)
            wire.request("GET", "/healthz")
            return wire.getresponse().status == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def process_id(self) -> int:
        assert self._process
        return self._process.pid

    def memory(self) -> int:
        """Resident memory of the server in kB, as the kernel counts it."""
        assert self._process
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def peak(self, *, anew: bool = False) -> int:
        """The most that has been resident, in kB; `anew`: from now on."""
        if anew:
            Path(f"/proc/{self.process_id}/clear_refs").write_text("5", encoding="ascii")
        status = Path(f"/proc/{self.process_id}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    def processor(self) -> float:
        """Seconds of processor time that the server has used."""
        assert self._process
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def parlour(folder: Path, **environment: str) -> Iterator[Parlour]:
    """Not started yet, so that its data can be prepared; stopped at the end whatever happens."""
    server = Parlour(folder, **environment)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
