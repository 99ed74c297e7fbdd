"""Ports of this machine for the servers of tests."""

import atexit
import fcntl
import secrets
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

FIRST, LAST = 20_000, 32_000
"""Below the ports that the system lends to whoever connects (from 32,768 on): between asking for a port and
listening on it, none of the many connections of several suites can get it."""
CLAIMS = Path(tempfile.gettempdir(), "parlour-test-ports")
_claimed = ExitStack()
"""Locked until this process ends."""
atexit.register(_claimed.close)


def free_port() -> int:
    """One that nobody listens on, and that no other process of tests has asked for."""
    CLAIMS.mkdir(exist_ok=True)
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        claim = (CLAIMS / str(port)).open("wb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        _claimed.enter_context(claim)
        return port
