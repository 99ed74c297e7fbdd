"""IMAPClient with a connection of our own choice. Imported where mailboxes are fetched, and nowhere else."""

import imaplib
import socket
import ssl
from collections.abc import Callable

from imapclient import IMAPClient

Dial = Callable[[], socket.socket]


class _Protocol(imaplib.IMAP4):
    def __init__(self, host: str, port: int, dialled: Dial) -> None:
        self._dialled = dialled
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002 the dial has its own
        return self._dialled()


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
