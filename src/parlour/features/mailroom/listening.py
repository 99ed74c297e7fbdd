"""Mail by SMTP: Parlour listens, takes what is for its addresses, and says yes when it is on the disk."""

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import Struct

from parlour.features.mailroom.arrivals import SIZE_LIMIT, Arrivals, MailTooLarge

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

CONNECTIONS = 8
"""At once; each may hold a whole mail in memory. Whoever comes on top is told to come again, unless one of
them has brought nothing for PATIENCE seconds: that one has to go.
"""
PATIENCE = 10.0
SILENCE = 60.0
"""Seconds after which a connection that says nothing is closed."""
RECIPIENTS = 100
LINE = 1024 * 1024
"""Bytes. Mails may have a thousand in a line (RFC 5321, section 4.5.3.1.6); those that people get have whole
pages in one, and whoever refuses them has the person told who wrote.
"""
NOT_NOW = "451 4.3.0 We cannot store mail at the moment. Please bring it again"

log = structlog.get_logger("parlour.mail")


class Handler(Struct, frozen=True):
    """What aiosmtpd asks about a mail that is being brought. `since`: when each connection came, or brought
    its last mail; without end while one of its mails is being stored.
    """

    arrivals: Arrivals
    since: dict["SMTP", float]

    async def handle_RCPT(  # noqa: N802 the library's name
        self, _: "SMTP", __: "Session", envelope: "Envelope", address: str, ___: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients for one mail"
        try:
            if not await self.arrivals.handed_among([address]):
                return "550 5.1.1 Nobody here gets mail at this address"
        except Exception as error:
            log.warning("mail.not_taken", error=str(error) or type(error).__name__)
            return NOT_NOW
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: "SMTP", _: "Session", envelope: "Envelope") -> str:  # noqa: N802
        content = envelope.content
        self.since[server] = math.inf
        try:
            return await self._kept(content if isinstance(content, bytes) else b"", envelope)
        finally:
            if server in self.since:  # it may have gone meanwhile
                self.since[server] = time.monotonic()

    async def _kept(self, raw: bytes, envelope: "Envelope") -> str:
        try:
            kept = await self.arrivals.accept(raw, [str(each) for each in envelope.rcpt_tos])
        except MailTooLarge:
            return "552 5.3.4 This mail is too large"
        except Exception as error:
            log.warning("mail.not_taken", error=str(error) or type(error).__name__)
            return NOT_NOW
        return "250 2.0.0 Stored" if kept else "550 5.1.1 Nobody here gets mail at this address"


class SmtpDoor:
    """Listens from `start` to `stop` at host:port."""

    def __init__(self, arrivals: Arrivals, place: str, hostname: str) -> None:
        self._since: dict[SMTP, float] = {}
        self._handler = Handler(arrivals, self._since)
        self._place = place
        self._hostname = hostname
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises OSError when the address cannot be listened at."""
        host, _, port = self._place.rpartition(":")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host.strip("[]"), int(port), reuse_port=True)
        log.info("mail.listening", at=self._place)

    async def stop(self) -> None:
        """Whoever has had no answer yet brings the mail again."""
        if self._server is None:
            return
        self._server.close()
        for each in list(self._since):
            self._end(each)
        await self._server.wait_closed()

    def _has_room(self) -> bool:
        """Perhaps because one makes room: else eight that say nothing would keep all others out."""
        if len(self._since) < CONNECTIONS:
            return True
        longest = min(self._since, key=self._since.__getitem__)
        if time.monotonic() - self._since[longest] < PATIENCE:
            return False
        self._end(longest, b"421 4.4.2 Others wait. Please come again\r\n")
        return True

    def _end(self, connection: "SMTP", last_word: bytes = b"") -> None:
        del self._since[connection]
        transport: Any = connection.transport
        transport.write(last_word)
        transport.close()

    def _protocol(self) -> asyncio.BaseProtocol:
        from aiosmtpd.smtp import SMTP

        door = self

        class Connection(SMTP):
            """Counted, so that strangers cannot fill the memory."""

            line_length_limit = LINE

            def connection_made(self, transport: Any) -> None:
                if not door._has_room():
                    transport.write(b"421 4.3.2 Too many connections. Please come again\r\n")
                    transport.close()
                    return
                door._since[self] = time.monotonic()
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                if self.transport is not None:
                    door._since.pop(self, None)
                    super().connection_lost(error)

        return Connection(
            self._handler,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname=self._hostname,
            ident="Parlour",
            timeout=SILENCE,
        )
