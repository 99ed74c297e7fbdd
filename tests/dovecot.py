"""A Dovecot of a test's own: on loopback, with its mail, its sockets and its log in a folder of its own."""

import getpass
import grp
import itertools
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.daemon import Daemon
from tests.ports import free_port
from tests.servers import DOVECOT

PASSWORD = "let-me-in"

_SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
default_login_user = {login}
default_internal_user = {owner}
default_internal_group = {group}
auth_failure_delay = 0
{tokens}passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
_TOKENS = """
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {file}
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {url}
username_attribute = username
active_attribute = active
active_value = true
debug = no
"""
_numbers = itertools.count(1)


class Dovecot(Daemon):
    """Everybody gets in with PASSWORD, and has a mailbox from the first mail on.

    Started by root it runs as the users that its package makes, because it opens no mailbox as root.
    """

    def __init__(self, introspection: str = "") -> None:
        """At `introspection` it asks whose an access token is (RFC 7662): then it takes those, too."""
        self.port = free_port()
        self.folder = place = Path(tempfile.mkdtemp(prefix="dovecot-"))  # short, for its sockets' names
        place.chmod(0o755)
        self._mail = place / "mail"
        is_root = os.geteuid() == 0
        self._owner = "dovecot" if is_root else getpass.getuser()
        self._group = "dovecot" if is_root else grp.getgrgid(os.getegid()).gr_name
        self._settings = place / "dovecot.conf"
        tokens = ""
        if introspection:
            file = place / "oauth2.conf"
            file.write_text(_INTROSPECTION.format(url=introspection))
            tokens = _TOKENS.format(file=file)
        self._settings.write_text(
            _SETTINGS.format(
                tokens=tokens,
                folder=place,
                login="dovenull" if is_root else self._owner,
                owner=self._owner,
                group=self._group,
                port=self.port,
                password=PASSWORD,
            )
        )
        self._mail.mkdir()
        shutil.chown(self._mail, self._owner, self._group)

    def __exit__(self, *how: Any) -> None:
        super().__exit__(*how)
        shutil.rmtree(self._mail.parent, ignore_errors=True)

    def stop(self) -> None:
        """Returns when the last of its processes is gone: the next start would stumble over their sockets."""
        super().stop()
        while self.answers():
            time.sleep(0.01)
        shutil.rmtree(self._settings.with_name("run"), ignore_errors=True)

    def command(self) -> Sequence[str | Path]:
        return (DOVECOT.installed(), "-F", "-c", self._settings)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                return line.recv(20).startswith(b"* OK")
        except OSError:
            return False

    def url(self, user: str, port: int | None = None) -> str:
        return f"imap://{user}@127.0.0.1:{port or self.port}"

    def deliver(self, user: str, raw: bytes, *, days_ago: int = 0, readable: bool = True) -> Path:
        """As a mail server does: whole, or not at all. Where it lies until somebody asks for it."""
        box = self._mail / user
        folders = [box / name for name in ("tmp", "new", "cur")]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        unique = f"{int(time.time())}.{next(_numbers)}.test"
        (box / "tmp" / unique).write_bytes(raw)
        came = time.time() - days_ago * 86_400
        (box / "tmp" / unique).chmod(0o600 if readable else 0)
        os.utime(box / "tmp" / unique, (came, came))
        for path in (box, *folders, box / "tmp" / unique):
            shutil.chown(path, self._owner, self._group)
        return (box / "tmp" / unique).rename(box / "new" / unique)

    def mails(self, user: str) -> list[Path]:
        """Where they lie, with their flags behind the colon."""
        box = self._mail / user
        return sorted([*(box / "new").iterdir(), *(box / "cur").iterdir()], key=lambda path: path.name)

    def forget_uids(self, user: str) -> None:
        """As after a loss of its index: the same mails under a new UIDVALIDITY. For while it does not run."""
        for path in (self._mail / user).glob("dovecot*"):
            if "uidvalidity" not in path.name:  # in the same second it would give the same one again
                path.unlink()
