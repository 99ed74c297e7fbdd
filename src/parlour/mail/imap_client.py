"""IMAPClient with a connection of our own choice. Imported where mailboxes are fetched, and nowhere else."""

import imaplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from imapclient import IMAPClient

Dial = Callable[[], socket.socket]

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of all that a server says to one thing that it was asked: the largest mail that is kept, and more."""
LINE_COSTS = 128
"""Bytes that a line takes beside its own, once it is kept."""

imaplib._MAXLINE = ANSWER_LIMIT  # type: ignore[attr-defined]  # noqa: SLF001
"""The library takes a line of a megabyte at most: the numbers of 150,000 mails are longer. Nobody else reads
from its connection: since Python 3.14 it has a buffer of its own, and what `file` takes is lost to that.
"""


class TooMuch(Exception):
    """A server says more than anybody asked for; what it says would lie in memory."""


class _Protocol(imaplib.IMAP4):
    _said = 0

    def __init__(self, host: str, port: int, dialled: Dial) -> None:
        self._dialled = dialled
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 the dial has its own
        return self._dialled()

    def send(self, data: Any) -> None:
        self._said = 0
        super().send(data)

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line) + LINE_COSTS)
        return line

    def _count(self, more: int) -> None:
        self._said += more
        if self._said > ANSWER_LIMIT:
            raise TooMuch(f"more than {ANSWER_LIMIT // 1024**2} MB at once")


class Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """Encrypted from the first byte with a `context`; else as it comes, for STARTTLS."""

    def __init__(
        self, host: str, port: int, dial: Dial, context: ssl.SSLContext | None, patience: float
    ) -> None:
        self._dial = dial
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=patience)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 its name in the library
        return _Protocol(self.host, self.port, self._connected)

    def _connected(self) -> socket.socket:
        line = self._dial()
        return self.ssl_context.wrap_socket(line, server_hostname=self.host) if self.ssl else line
