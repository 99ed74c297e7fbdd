"""A clamd of the test's own, which knows one signature: on a socket in a folder of its own."""

import atexit
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from tests.servers import CLAMD

READY_WITHIN = 30
MARK = b"a harmless word that only this signature knows"
SIGNATURE = "Parlour.Harmless.Test"
STREAM_LIMIT = 1024 * 1024


class ClamdServer:
    """Runs within the block; `socket` is what PARLOUR_CLAMD names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = str(folder / "clamd.sock")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ClamdServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers."""
        program = CLAMD.path()
        assert program, "clamd is not installed."
        known = self._folder / "signatures"
        known.mkdir(exist_ok=True)
        (known / "test.ndb").write_text(f"{SIGNATURE}:0:*:{MARK.hex()}\n")
        settings = self._folder / "clamd.conf"
        settings.write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {known}\nForeground yes\n"
            f"TemporaryDirectory {self._folder}\nStreamMaxLength {STREAM_LIMIT}\nMaxThreads 4\n"
        )
        self._process = subprocess.Popen(
            [program, "--config-file", settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            assert self._process.poll() is None, "clamd ended by itself."
            assert time.monotonic() < deadline, "clamd does not answer."
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            try:
                line.connect(self.socket)
                line.sendall(b"zPING\0")
                return line.recv(16).startswith(b"PONG")
            except OSError:
                return False

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        atexit.unregister(self.stop)
