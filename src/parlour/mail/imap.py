"""A folder on somebody's IMAP server, looked into and left as it is (RFC 9051).

Everything here blocks for at most `patience` seconds at a time, and is called from one thread; only `cut` may
be called from another.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from parlour.kernel.addresses import ascii_host
from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.dialling import May, NotAllowed, dial

if TYPE_CHECKING:
    from imapclient import IMAPClient

PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
INBOX = "INBOX"
PATIENCE = 30.0
"""Seconds for any answer of the server's. A line that is silent for longer is taken for dead."""
BEGINNING = 256 * 1024
"""Bytes that are fetched of a mail that is too large: its header, and the first words."""
_SAID = 200
_WRAPPING = re.compile(r"^(?:\w+ failed: )?(?:b['\"])?(?:\[[A-Z-]+\] )?")
"""What the library and the protocol put around a server's words."""


class BadServer(ValueError):
    """A URL that names no server. The text is a sentence."""


class ServerTrouble(Exception):
    """Why a server could not be worked with: one sentence for whoever has to mend it.

    `about` is one of dns, private, line, silence, tls, password, token, grant, folder and server.
    """

    def __init__(self, about: str, sentence: str) -> None:
        super().__init__(sentence)
        self.about = about


class Server(Struct, frozen=True):
    """Where a mailbox lies, and whose it is; its password is kept elsewhere."""

    scheme: str
    host: str
    port: int
    user: str
    folder: str = INBOX

    @staticmethod
    def at(url: str, user: str = "") -> "Server":
        """Of `imaps://user@host:port/folder`. All but the host may be left out: then it is that of `user`,
        and INBOX in it. Raises BadServer.
        """
        try:
            parts = urlsplit(url)
            host, port = ascii_host(parts.hostname or ""), parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        if parts.scheme not in PORTS or not host or parts.query or parts.fragment:
            raise BadServer("Name the server as imaps://mail.example.com, perhaps with user@ and /folder.")
        if parts.password is not None:
            raise BadServer("The password does not belong into the URL, where others can read it.")
        folder = unquote(parts.path.removeprefix("/")) or INBOX
        found = Server(
            parts.scheme, host, port or PORTS[parts.scheme], unquote(parts.username or user), folder
        )
        if not found.user or any(ord(letter) < 32 for letter in found.user + folder):
            raise BadServer("Name the user, as imaps://user@mail.example.com does.")
        return found

    @property
    def url(self) -> str:
        """Which `at` reads again as this very server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        who, folder = quote(self.user, safe=""), quote(self.folder)
        return f"{self.scheme}://{who}@{host}:{self.port}/{folder}"

    @property
    def is_at_usual_port(self) -> bool:
        return self.port == PORTS[self.scheme]

    def opens_like(self, other: "Server") -> bool:
        """Whether the same password is sent there, to the same server and as safely."""
        return replace(self, folder=other.folder) == other


@dataclass(frozen=True, slots=True)
class Token:
    """What opens a mailbox in place of a password, for a while (XOAUTH2)."""

    text: str = field(repr=False)


class Envelope(Struct, frozen=True):
    """What is asked of a mail before the mail itself."""

    uid: int
    size: int
    received_at: datetime
    header: bytes


def _anywhere(address: str) -> bool:  # noqa: ARG001 as others ask it
    return True


class Inbox:
    """One signed-in connection, with the folder open to be read."""

    def __init__(
        self, server: Server, password: str | Token, *, patience: float = PATIENCE, may: May | None = None
    ) -> None:
        """`may` says to which addresses alone we connect, where the server is not the operator's word."""
        self._server = server
        self._may = may or _anywhere
        self._password = password
        self._patience = patience
        self._line: IMAPClient | None = None
        self._cut = False
        self.validity = 0
        self.next_uid = 1
        self.count = 0
        self.can_idle = False

    def open(self) -> None:
        """Raises ServerTrouble."""
        with _telling(self._server):
            self._connect()
        self._sign_in()
        self._select()

    def _connect(self) -> None:
        from parlour.mail.imap_client import Client  # where no mailbox is fetched it is never loaded

        scheme, context = self._server.scheme, ssl.create_default_context()
        host, port = self._server.host, self._server.port
        dialled = partial(dial, host, port, patience=self._patience, may=self._may)
        self._line = Client(host, port, dialled, context if scheme == "imaps" else None, self._patience)
        self._line.normalise_times = False
        if self._cut:
            self.cut()
        if scheme == "imap+starttls":
            self._line.starttls(context)

    def _sign_in(self) -> None:
        user, password = self._server.user, self._password
        if isinstance(password, Token):
            with _telling(self._server, refused="token"):
                self._open.oauth2_login(user, password.text)
            return
        with _telling(self._server, refused="password"):
            if (user + password).isascii() or not self._open.has_capability("AUTH=PLAIN"):
                self._open.login(user, password)
            else:
                self._open.plain_login(user, password)

    def _select(self) -> None:
        """Read-only: nothing that is done here changes what its people see in their mail program."""
        with _telling(self._server, refused="folder"):
            found = self._open.select_folder(self._server.folder, readonly=True)
        with _telling(self._server):
            self.can_idle = bool(self._open.has_capability("IDLE"))
            self.validity, self.count = int(found[b"UIDVALIDITY"]), int(found[b"EXISTS"])
            self.next_uid = int(found.get(b"UIDNEXT", 0)) or max(self._search(["ALL"]), default=0) + 1

    @property
    def host(self) -> str:
        return self._server.host

    @property
    def _open(self) -> "IMAPClient":
        assert self._line is not None, "open() comes first"
        return self._line

    def _search(self, asked: Sequence[Any]) -> list[int]:
        return sorted(map(int, self._open.search(list(asked))))

    def uids_after(self, uid: int, since: datetime | None = None) -> list[int]:
        """The mails that came after that one, the oldest first; `since` leaves out those of earlier days."""
        asked: list[Any] = ["UID", f"{uid + 1}:*"]
        if since is not None:
            asked += ["SINCE", since.date()]
        with _telling(self._server):
            self._open.noop()
            self._was_told()  # up to here this search finds it
            return [each for each in self._search(asked) if each > uid]  # `9:*` also finds the last one, if 8

    def envelopes(self, uids: Sequence[int]) -> list[Envelope]:
        """In their order; of those that were expunged, none."""
        asked = ["RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]
        with _telling(self._server):
            found = self._open.fetch(list(uids), asked) if uids else {}
            return [_envelope(uid, found[uid]) for uid in uids if b"RFC822.SIZE" in found.get(uid, {})]

    def mail(self, uid: int) -> bytes | None:
        """Its bytes; None when it was expunged."""
        return self._body(uid, "BODY.PEEK[]")

    def beginning(self, uid: int) -> bytes | None:
        return self._body(uid, f"BODY.PEEK[]<0.{BEGINNING}>")

    def _body(self, uid: int, asked: str) -> bytes | None:
        with _telling(self._server):
            found = self._open.fetch([uid], [asked]).get(uid, {})
            return next((value for name, value in found.items() if name.startswith(b"BODY[]")), None)

    def wait(self, seconds: float) -> None:
        """Until the server tells of something, or so long; not at all for what it has told since the last
        search. Only where `can_idle`.
        """
        with _telling(self._server):
            self._open.idle()
            if not (self._was_told() or self._is_telling()):
                self._open.idle_check(timeout=seconds)
            self._open.idle_done()

    def _was_told(self) -> bool:
        """Whether it has told of mails since this was last asked, beside its answers to other things."""
        return bool(self._open._imap.response("EXISTS")[1] != [None])  # noqa: SLF001 nobody else gives it

    def _is_telling(self) -> bool:
        """What comes in the same breath as the go-ahead lies in a buffer, of which no poll knows."""
        line = self._open.socket()
        before = line.gettimeout()
        line.setblocking(False)
        try:
            return bool(self._open._imap.file.peek(1))  # noqa: SLF001
        except ssl.SSLWantReadError:
            return False
        finally:
            line.settimeout(before)

    def cut(self) -> None:
        """End the connection at once: who waits for an answer on it stops waiting."""
        self._cut = True
        if self._line is not None:
            with suppress(OSError):  # past TLS, whose own goodbye would wait for an answer
                socket.socket.shutdown(self._line.socket(), socket.SHUT_RDWR)

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(Exception):
                line.logout()
            with suppress(Exception):
                line.shutdown()


def _envelope(uid: int, facts: dict[bytes, Any]) -> Envelope:
    header = next((value for name, value in facts.items() if name.startswith(b"BODY[HEADER")), b"")
    return Envelope(uid, int(facts[b"RFC822.SIZE"]), _in_utc(facts.get(b"INTERNALDATE")), header)


def _in_utc(moment: object) -> datetime:
    """A server that gives no time gives its mails as of now."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else datetime.now(UTC)


@contextmanager
def _telling(server: Server, refused: str = "server") -> Iterator[None]:
    """What goes wrong inside is raised as ServerTrouble; `refused` is what a NO of the server's is about."""
    from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

    try:
        yield
    except OSError as error:
        raise of_the_line(server.host, server.port, error) from error
    except IMAPClientAbortError as error:
        raise ServerTrouble("line", f"{server.host} has ended the connection: {_said(error)}.") from error
    except IMAPClientError as error:
        says = {
            "password": f"refuses the user {server.user} or the password",
            "token": f"refuses the user {server.user} with the access that was granted",
            "folder": f"does not open the folder {server.folder} of {server.user}",
        }.get(refused, "answers with an error")
        raise ServerTrouble(refused, f"{server.host} {says}: {_said(error)}.") from error
    except Exception as error:  # an answer that is no IMAP can break the library at any place
        says = f"{server.host} answers with what is no IMAP: {_said(error)}."
        raise ServerTrouble("server", says) from error


def of_the_line(host: str, port: int, error: OSError) -> ServerTrouble:
    """What a broken connection means, for whoever named the server."""
    place = f"{host}, port {port}"
    match error:
        case NotAllowed():
            return ServerTrouble("private", f"{host} leads to no public address.")
        case socket.gaierror():
            return ServerTrouble("dns", f"The name {host} is not known (DNS): {error.strerror}.")
        case ssl.SSLCertVerificationError():
            return ServerTrouble("tls", f"The certificate of {place} is not valid: {error.verify_message}.")
        case ssl.SSLEOFError() | ssl.SSLError():
            why = error.reason or error.strerror or "the line broke"
            return ServerTrouble("tls", f"No TLS with {place}: {why}.")
        case TimeoutError():
            return ServerTrouble("silence", f"No answer came from {place}.")
        case ConnectionRefusedError():
            return ServerTrouble("line", f"Nothing listens at {place}.")
    return ServerTrouble("line", f"The line to {place} broke: {error.strerror or error}.")


def _said(error: BaseException) -> str:
    """The server's own words, in one line."""
    said = error.args[0] if error.args else ""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    words = _WRAPPING.sub("", one_line(words)).rstrip("' .\"")
    return cut(words, _SAID) or type(error).__name__
