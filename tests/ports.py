"""Ports of this machine for the servers of tests."""

import secrets
import socket

FIRST, LAST = 20_000, 32_000
"""Below the ports that the system lends to whoever connects (from 32,768 on): between asking for a port and
listening on it, none of the many connections of several suites can get it."""


def free_port() -> int:
    """One that nobody listens on, drawn by lot, so that processes that ask together seldom get the same."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
