"""A Postfix of a test's own: on loopback, with its settings, its queue and its log in a folder of its own."""

import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.daemon import Daemon
from tests.ports import free_port
from tests.servers import POSTFIX

PROGRAMS = Path("/usr/lib/postfix/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/data/log
maillog_file_prefixes = {folder}
daemon_directory = {programs}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.acme.example
mydestination =
relay_domains = acme.example
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
transport_maps = inline:{{ acme.example=smtp:[127.0.0.1]:{onward} }}
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Daemon):
    """Takes mail at `port` and hands that for acme.example on by SMTP, again every second until it is taken.

    It starts by root alone.
    """

    def __init__(self, onward: int) -> None:
        self.port = free_port()
        self.folder = place = Path(tempfile.mkdtemp(prefix="postfix-"))
        place.chmod(0o755)
        self._settings, self._queue = place / "conf", place / "queue"
        for each in (self._settings, self._queue, place / "data"):
            each.mkdir()
        shutil.chown(place / "data", "postfix")
        main = _MAIN.format(folder=place, programs=PROGRAMS, onward=onward)
        (self._settings / "main.cf").write_text(main)
        (self._settings / "master.cf").write_text(_MASTER.format(port=self.port))
        subprocess.run([POSTFIX.installed(), "-c", self._settings, "check"], check=True)

    def __exit__(self, *how: Any) -> None:
        super().__exit__(*how)
        shutil.rmtree(self._settings.parent, ignore_errors=True)

    def command(self) -> Sequence[str | Path]:
        return (PROGRAMS / "master", "-c", self._settings, "-d")

    def answers(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=2):
                return True
        except OSError:
            return False

    def bring(self, to: str, raw: bytes) -> None:
        """Returns when Postfix has it in its queue."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as line:
            line.sendmail("maria@example.com", [to], raw)

    def waiting(self, queue: str) -> int:
        """How many mails are in that queue, such as `deferred`."""
        return sum(path.is_file() for path in (self._queue / queue).rglob("*"))
