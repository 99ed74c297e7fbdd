"""A mail on its way out: what it is, and the two ways it leaves (an SMTP server, or a folder)."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache, partial
from mimetypes import MimeTypes
from pathlib import Path
from types import MappingProxyType
from typing import ParamSpec, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from parlour.db.outbox import Postponed, Undeliverable
from parlour.kernel import clock
from parlour.kernel.addresses import clean_email, on_the_wire
from parlour.kernel.gathering import Gathering
from parlour.kernel.text import many_lines, one_line
from parlour.mail import bodies
from parlour.mail.dialling import May, dial, is_this_machine, trusting_anybody
from parlour.mail.headers import Folded, mailbox, message_ids, words
from parlour.mail.relay import Relay
from parlour.mail.sessions import KEPT_SECONDS, Sessions
from parlour.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_TIMEOUT = 20.0
ANSWER_TIMEOUT = 120.0
"""Seconds. Long, because giving up on a server that has already accepted sends the mail twice."""

_UNASKED = "DR, RN, NRN, OOF, AutoReply"
"""What Exchange is not to answer with. "All" would hold a report that a mail did not arrive, too."""
_AUTOMATIC = MappingProxyType({"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": _UNASKED})
_OF_IDS = frozenset({"In-Reply-To", "References"})
UNKNOWN = "application/octet-stream"
_STRUCTURED = frozenset({"message", "multipart"})
"""Types of bytes that no mail may hold in base64 (RFC 2046, sections 5.1 and 5.2)."""
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_MESSAGE_ID = re.compile(r"<([A-Za-z0-9._-]+)@[A-Za-z0-9.-]+>")
_POLICY = SMTP.clone(cte_type="7bit")

log = structlog.get_logger("parlour.mail")


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. The bodies hold secrets and stay out of the repr.

    Raises Undeliverable for whatever could end a header early or start another one.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    message_id: str
    sender: str = ""
    """The address that it comes from, where that is not the operator's."""
    sender_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    enclosed: Sequence[Enclosed] = ()

    def __post_init__(self) -> None:
        if self.sender and (clean_email(self.sender) is None or self.sender != one_line(self.sender)):
            raise Undeliverable("The address of its sender is none.")
        if clean_email(self.to) is None or self.to != one_line(self.to):
            raise Undeliverable("The address is not one that mail can reach.")
        if not _MESSAGE_ID.fullmatch(self.message_id):
            raise Undeliverable("The Message-ID must look like <id@host>.")
        for name, value in {"Subject": self.subject, "From": self.sender_name, **self.headers}.items():
            if not _HEADER.fullmatch(name) or value != one_line(value):
                raise Undeliverable(f"The header {name!r} holds characters that no header may hold.")


class Signing(Protocol):
    async def sign(self, wire: EmailMessage) -> None:
        """Put the signature of the domain that it comes from on it, if the house has a key for that one.

        Raises Postponed.
        """


class Mailer(Protocol):
    @property
    def refusing(self) -> bool:
        """Whether the server refused the last mail for reasons that are not its recipient's."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over. Raises Undeliverable for a final no, Postponed when a later try may succeed."""

    async def close(self) -> None:
        """Keep no connection, as far as no mail is being sent."""


def mailer_for(settings: Settings, signing: Signing | None = None) -> "SmtpMailer | FolderMailer":
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, settings.mail_from, signing=signing, kept_seconds=KEPT_SECONDS)
    log.warning("mail.folder", folder=str(settings.mail_folder), because="PARLOUR_SMTP_URL is not set")
    return FolderMailer(settings.mail_folder, settings.mail_from)


def message(mail: Mail, sender: str) -> EmailMessage:
    """The mail as the wire wants it: text first, HTML as the richer alternative, all of it ASCII.

    Raises Undeliverable for a host whose name DNS cannot hold.
    """
    wire = EmailMessage(policy=_POLICY)
    ours, to = _envelope(mail, sender)
    wire.set_raw("From", mailbox("From", mail.sender_name, ours))
    if to.isascii():
        wire.set_raw("To", to)
    else:
        wire["To"] = _in_letters(to)
    wire.set_raw("Subject", words("Subject", mail.subject))
    wire.set_raw("Date", format_datetime(clock.now()))
    wire.set_raw("Message-ID", message_ids("Message-ID", mail.message_id))
    for name, value in {**_AUTOMATIC, **mail.headers}.items():
        if name in _OF_IDS:
            wire.set_raw(name, message_ids(name, value))
        elif name == "Reply-To":
            back = _written(value)
            wire[name] = Folded(name, back) if back.isascii() else _in_letters(back)
        else:
            wire.set_raw(name, value)
    bodies.put(wire, mail.text, mail.html)
    for file in mail.enclosed:
        main, sub = _type_of(file)
        wire.add_attachment(file.content, main, sub, filename=one_line(file.name))
    return wire


async def _made(mail: Mail, make: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """By a thread, where it has files and takes as long as they are large: the way there costs as much as a
    short mail.
    """
    return await asyncio.to_thread(make, *args, **kwargs) if mail.enclosed else make(*args, **kwargs)


def _envelope(mail: Mail, sender: str) -> tuple[str, str]:
    """From which address, and to which. Raises Undeliverable."""
    ours = _written(mail.sender) if mail.sender else sender
    return ours if ours.isascii() else sender, _written(mail.to)


def _written(address: str) -> str:
    """As the wire has it. Raises Undeliverable where DNS can hold no such host."""
    try:
        return on_the_wire(address)
    except UnicodeError:
        raise Undeliverable("The address has a host that cannot be written in DNS.") from None


def _in_letters(address: str) -> Address:
    """Whose local part is in another script: only some mail servers take it (RFC 6531)."""
    local, _, host = address.rpartition("@")
    return Address(username=local, domain=host)


@cache
def _types() -> MimeTypes:
    """The library's own table, on every machine the same; before it gives that, it reads the machine's."""
    return MimeTypes()


def _type_of(file: Enclosed) -> tuple[str, str]:
    """Of bytes in which no type was recognised, what the name says: mail programs open them by it."""
    said = file.media_type
    if said == UNKNOWN:
        guessed, packed = _types().guess_type(file.name)
        said = guessed if guessed and not packed else UNKNOWN
    main, _, sub = said.partition("/")
    return (main, sub) if sub and main not in _STRUCTURED else ("application", "octet-stream")


class SmtpMailer:
    """Sends through a server, several mails that follow each other by one connection.

    `smtp://` uses STARTTLS when it is offered and insists on it for a password; `smtp+starttls://` always
    insists, `smtps://` is encrypted from the start. The server's certificate is verified, except that of
    `smtp://` and `smtps://` on this machine, where nobody stands between and certificates are rarely real.
    """

    def __init__(
        self,
        url: str,
        sender: str,
        *,
        may: May | None = None,
        signing: Signing | None = None,
        token: Callable[[], Awaitable[str]] | None = None,
        kept_seconds: float = 0.0,
    ) -> None:
        """`may` says to which addresses alone we connect, where the URL is not the operator's word. `token`
        gives what is taken in place of a password (XOAUTH2), or raises Postponed. For `kept_seconds` a
        connection waits for the next mail; who keeps one closes the mailer in the end.
        """
        parts = urlsplit(url)
        self._token = token
        self._may = may
        self._signing = signing
        self._sender = sender
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._scheme = parts.scheme
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._believes = is_this_machine(self._host) and self._scheme != "smtp+starttls"
        self._local = is_this_machine(self._host)
        self._trust: ssl.SSLContext | None = None
        self._relay = Relay()
        self._sessions = Sessions(self._server, kept_seconds=kept_seconds)

    @property
    def refusing(self) -> bool:
        return self._relay.refusing

    async def send(self, mail: Mail) -> None:
        wire = await _made(mail, message, mail, self._sender)
        if self._signing:
            await self._signing.sign(wire)
        try:
            await self._hand_in(mail, wire)
        except (aiosmtplib.SMTPException, OSError) as error:  # an SSLError is an OSError too
            raise await self._meaning(error, mail) from error
        self._relay.accepted()
        log.info("mail.sent", message_id=mail.message_id, server=self._host)

    async def _hand_in(self, mail: Mail, wire: EmailMessage) -> None:
        """Step by step: the library would read both addresses out of the header again, which costs more than
        the rest.
        """
        ours, to = _envelope(mail, self._sender)
        if not (ours.isascii() and to.isascii()):
            async with await self._server() as server:
                await server.send_message(wire, timeout=ANSWER_TIMEOUT)
            return
        content = await _made(mail, bodies.on_the_wire, wire)

        async def begin(server: aiosmtplib.SMTP, seconds: float | None) -> None:
            size = [f"size={len(content)}"] if server.supports_extension("size") else []
            await server.mail(ours, options=size, timeout=seconds or ANSWER_TIMEOUT)

        session = await self._sessions.begin(begin)
        async with session.in_use():
            await session.server.rcpt(to, timeout=ANSWER_TIMEOUT)
            await session.server.data(content, timeout=ANSWER_TIMEOUT)
        await self._sessions.keep(session)

    async def close(self) -> None:
        """Keep no connection, as far as no mail is being sent."""
        await self._sessions.close()

    async def look_in(self) -> None:
        """Connect, encrypt and sign in as for a mail, and send none. Raises what stands in the way."""
        async with await self._server():
            pass

    async def _meaning(self, error: Exception, mail: Mail) -> Exception:
        """The server's words are a stranger's: some write them in no charset that anybody named."""
        match error:
            case aiosmtplib.SMTPRecipientsRefused(recipients=[refusal, *_]):
                return await self._meaning(refusal, mail)
            case aiosmtplib.SMTPRecipientRefused(code=code, message=said):
                words = many_lines(said)
                if self._relay.casts_doubt(code, words, to=mail.to) and await self._takes_our_own():
                    self._relay.accepted()
                return self._relay.refused_recipient(code, words, to=mail.to, message_id=mail.message_id)
            case aiosmtplib.SMTPDataError():
                return self._relay.refused_message(error.code, many_lines(error.message))
            case aiosmtplib.SMTPResponseException():
                return self._relay.refused(error.code, many_lines(error.message))
            case aiosmtplib.SMTPNotSupported():
                return Undeliverable(error.message)
            case ssl.SSLCertVerificationError():
                return Postponed(
                    f"The certificate of {self._host} is not valid: {error.verify_message.rstrip('.')}."
                )
            case _:
                return Postponed(str(error) or type(error).__name__)

    async def _takes_our_own(self) -> bool:
        """Whether the server would take a mail to the address that we send from; none is sent."""
        try:
            async with await self._server() as server:
                await server.mail(self._sender)
                await server.rcpt(self._sender)
                await server.rset()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True

    async def _server(self) -> aiosmtplib.SMTP:
        """Not connected yet, unless it is known where that may lead."""
        token = await self._token() if self._token else ""
        line = None
        if self._may:
            asked = partial(dial, self._host, self._port or 25, patience=CONNECT_TIMEOUT, may=self._may)
            line = await asyncio.to_thread(asked)
        if self._trust is None:  # to read whom this machine trusts takes 20 ms of a core
            self._trust = await asyncio.to_thread(
                trusting_anybody if self._believes else ssl.create_default_context
            )
        return self._client(line, token, self._trust)

    def _client(self, line: socket.socket | None, token: str, trust: ssl.SSLContext) -> aiosmtplib.SMTP:
        """`line`, where there is one, is connected already."""

        async def this_one() -> str:
            return token

        implicit, demanded = self._scheme == "smtps", self._scheme == "smtp+starttls"
        has_secret = self._password is not None or bool(token)
        must_encrypt = demanded or (has_secret and not self._local)
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=None if line else self._port,
            sock=line,
            username=self._username,
            password=None if token else self._password,
            oauth_token_generator=this_one if token else None,
            use_tls=implicit,
            start_tls=True if must_encrypt and not implicit else None,
            tls_context=trust,
            timeout=CONNECT_TIMEOUT,
            local_hostname=self._sender.rpartition("@")[2],
        )


class FolderMailer:
    """Keeps each mail as a file, for trying things out without a mail server.

    Those that come while others are written go next, by the same way to a thread.
    """

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender
        self._writing: Gathering[Mail, Path] = Gathering(self._write_all)

    @property
    def refusing(self) -> bool:
        return False

    async def close(self) -> None:
        """Nothing is kept open."""

    async def send(self, mail: Mail) -> None:
        path = await self._writing.do(mail)
        log.info("mail.written", message_id=mail.message_id, file=str(path))

    async def _write_all(self, mails: Sequence[Mail]) -> Sequence[Path | Exception]:
        return await asyncio.to_thread(self._write_here, mails)

    def _write_here(self, mails: Sequence[Mail]) -> Sequence[Path | Exception]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [self._written(mail) for mail in mails]

    def _written(self, mail: Mail) -> Path | Exception:
        try:
            return self._write(mail)
        except Exception as error:
            return error

    def _write(self, mail: Mail) -> Path:
        """The file appears whole or not at all, readable by this user only: it holds a way in."""
        number = mail.message_id[1:].partition("@")[0]
        path = self._folder / f"{clock.now():%Y%m%dT%H%M%S.%fZ}-{number}.eml"
        draft = path.with_name(f".{path.name}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bodies.on_the_wire(message(mail, self._sender)))
            file.flush()
            os.fsync(file.fileno())
        return draft.replace(path)
