"""A real SMTP server on this machine."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class _Server(SMTP):
    """Reads an AUTH of 12,288 bytes (RFC 4954, section 4), and no longer lines of a mail than are allowed."""

    line_length_limit = 12_288

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.command_size_limits["AUTH"] = self.line_length_limit
        self.line_length_limit = SMTP.line_length_limit


class PostOffice:
    """Takes mail on 127.0.0.1. `answers` holds, by command, replies that replace the friendly ones."""

    def __init__(self) -> None:
        self.port = 0
        self.answers: dict[str, list[str]] = {}
        self.envelopes: list[Envelope] = []
        self.copies: list[Envelope] = []
        """Whatever came in whole, also what was answered with a no."""
        self.encrypted: list[bool] = []
        self.logins: list[tuple[str, str]] = []
        self.tokens: Mapping[str, str] = {}
        """Whose they are that come in place of a password."""
        self.conversations = 0
        self.goodbyes = 0
        self.nobody = ""
        """What every recipient but `somebody` is answered with."""
        self.somebody: set[str] = set()
        self.takes = 0.0
        """Seconds from the end of a mail to the answer."""
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        return [parse(envelope.content) for envelope in self.envelopes]

    async def open(
        self, *, certificate: Path | None = None, implicit: bool = False, password: str | None = None
    ) -> None:
        """`certificate` offers STARTTLS, or speaks TLS from the start with `implicit`."""
        tls = None
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
        loop = asyncio.get_running_loop()
        settings: dict[str, Any] = {"hostname": "office.test", "loop": loop}
        if tls and not implicit:
            settings["tls_context"] = tls
        if password is not None:
            settings.update(auth_require_tls=False, authenticator=self._check(password))

        def answer() -> SMTP:
            self.conversations += 1
            return _Server(self, **settings)

        self._server = await loop.create_server(answer, "127.0.0.1", self.port, ssl=tls if implicit else None)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _check(self, password: str) -> Any:
        def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, login: LoginPassword) -> AuthResult:
            self.logins.append((login.login.decode(), login.password.decode()))
            return AuthResult(success=login.password.decode() == password, handled=False)

        return authenticate

    async def auth_XOAUTH2(self, _: SMTP, said: list[str]) -> AuthResult:  # noqa: N802
        user, bearer = base64.b64decode(said[1]).decode().split("\1")[:2]
        user, token = user.removeprefix("user="), bearer.removeprefix("auth=Bearer ")
        self.logins.append((user, token))
        return AuthResult(success=self.tokens.get(token) == user, handled=False)

    def _answer(self, command: str, friendly: str) -> str:
        replies = self.answers.get(command)
        return replies.pop(0) if replies else friendly

    async def handle_MAIL(  # noqa: N802 the name that aiosmtpd looks for
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._answer("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        friendly = self.nobody if self.nobody and address not in self.somebody else "250 OK"
        return self._answer("RCPT", friendly)

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        self.goodbyes += 1
        return "221 Bye"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self._answer("DATA", "250 OK")
        self.copies.append(envelope)
        await asyncio.sleep(self.takes)
        if answer.startswith("250"):
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None)
        if answer.endswith("and gone"):
            assert server.transport is not None
            asyncio.get_running_loop().call_soon(server.transport.close)
        return answer


def parse(content: bytes | str | None) -> EmailMessage:
    assert isinstance(content, bytes)
    parsed = BytesParser(policy=SMTPUTF8).parsebytes(content)
    assert isinstance(parsed, EmailMessage)
    return parsed
