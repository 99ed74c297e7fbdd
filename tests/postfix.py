"""A Postfix of a test's own: on loopback, with its settings, its queue and its log in a folder of its own."""

import os
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.daemon import Daemon
from tests.ports import free_port
from tests.servers import POSTFIX

PROGRAMS = Path("/usr/lib/postfix/sbin")
LARGEST = 64 * 1024 * 1024
"""Bytes of a mail that it takes: more than Parlour does."""

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
message_size_limit = {largest}
relay_domains =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
transport_maps = inline:{{ {transports} }}
default_transport = {beyond}
parlour_destination_recipient_limit = 1
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
retry unix - - n - - error
error unix - - n - - error
parlour unix - n n - 4 pipe
  flags=RX user=nobody argv={folder}/receive ${{recipient}}
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Daemon):
    """Takes mail at `port` and hands it on, again every second until it is taken.

    It starts by root alone.
    """

    def __init__(
        self,
        *,
        smtp: Mapping[str, int] | None = None,
        beyond: int = 0,
        piped: Sequence[str] = (),
        script: str = "",
        port: int | None = None,
    ) -> None:
        """By address or domain the port at which mail for it is handed on by SMTP, and the addresses whose
        mail the script is given; all other mail goes to the port `beyond`, or back.
        """
        self.port = port or free_port()
        self.folder = place = Path(tempfile.mkdtemp(prefix="postfix-"))
        place.chmod(0o755)
        self._settings, self._queue = place / "conf", place / "queue"
        for each in (self._settings, self._queue, place / "data"):
            each.mkdir()
        shutil.chown(place / "data", "postfix")
        transports = [f"{to}=smtp:[127.0.0.1]:{onward}" for to, onward in (smtp or {}).items()]
        main = _MAIN.format(
            folder=place,
            programs=PROGRAMS,
            transports=", ".join([*transports, *(f"{to}=parlour:" for to in piped)]),
            beyond=f"smtp:[127.0.0.1]:{beyond}" if beyond else "error:Nothing leaves this test.",
            largest=LARGEST,
        )
        (self._settings / "main.cf").write_text(main)
        (self._settings / "master.cf").write_text(_MASTER.format(port=self.port, folder=place))
        (place / "receive").write_text(script)
        (place / "receive").chmod(0o755)
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

    def bring(self, to: str, raw: bytes, sender: str = "maria@example.com") -> None:
        """Returns when Postfix has it in its queue. Raises OSError when it has not, or does not say so."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as line:
            line.sendmail(sender, [to], raw)

    def waiting(self, queue: str) -> int:
        """How many mails are in that queue, such as `deferred`.

        Postfix makes a file executable once it has taken the whole mail. What a kill left half-written nobody
        was told to be taken: it lies there until it is cleared away.
        """
        return sum(path.is_file() and os.access(path, os.X_OK) for path in (self._queue / queue).rglob("*"))
