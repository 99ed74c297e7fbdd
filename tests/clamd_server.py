"""A clamd of the test's own, which knows one signature: on a socket in a folder of its own."""

import socket
from collections.abc import Sequence
from pathlib import Path

from tests.daemon import Daemon
from tests.servers import CLAMD

MARK = b"a harmless word that only this signature knows"
SIGNATURE = "Parlour.Harmless.Test"
STREAM_LIMIT = 1024 * 1024


class ClamdServer(Daemon):
    """`socket` is what PARLOUR_CLAMD names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "clamd.sock")
        self._settings = folder / "clamd.conf"
        known = folder / "signatures"
        known.mkdir()
        (known / "test.ndb").write_text(f"{SIGNATURE}:0:*:{MARK.hex()}\n")
        self._settings.write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {known}\nForeground yes\n"
            f"TemporaryDirectory {folder}\nStreamMaxLength {STREAM_LIMIT}\nMaxThreads 4\n"
        )

    def command(self) -> Sequence[str | Path]:
        return (CLAMD.installed(), "--config-file", self._settings)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            try:
                line.connect(self.socket)
                line.sendall(b"zPING\0")
                return line.recv(16).startswith(b"PONG")
            except OSError:
                return False
