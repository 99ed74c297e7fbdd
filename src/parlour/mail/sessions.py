"""Conversations with a mail server that go on: to connect, to encrypt and to sign in is paid for once by the
mails that follow each other.

A session holds one mail at a time, and is kept only after one that was taken. Servers end a conversation when
they like, after so long or so many mails: where one that was kept does not begin another mail, whatever it
says, nothing was handed over yet, and the mail begins in a new one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiosmtplib

KEPT_SECONDS = 2.0
"""For which one waits for the next mail: most servers wait for minutes, but they have other clients, too."""
MAILS = 50
"""In one: some servers count them."""
PROMPT_SECONDS = 20.0
"""For whoever has just said something in this conversation."""

Begin = Callable[[aiosmtplib.SMTP, float | None], Awaitable[None]]
"""Begins a mail. With so many seconds, where there is another way if it does not."""


class Session:
    """A connection that has been greeted, encrypted and signed in as it is asked for."""

    def __init__(self, server: aiosmtplib.SMTP) -> None:
        self.server = server
        self.mails = 0
        self._ending: asyncio.TimerHandle | None = None

    def end_after(self, seconds: float, end: Callable[["Session"], None]) -> None:
        self._ending = asyncio.get_running_loop().call_later(seconds, end, self)

    def goes_on(self) -> None:
        if self._ending:
            self._ending.cancel()

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """It is left when something fails meanwhile; of what was broken off nobody knows how far it is."""
        try:
            yield
        except Exception:
            await self.leave()
            raise
        except BaseException:
            self.server.close()
            raise

    async def leave(self) -> None:
        """In order, if the server is still there."""
        self.goes_on()
        with suppress(aiosmtplib.SMTPException, OSError):
            await self.server.quit(timeout=PROMPT_SECONDS)
        self.server.close()


class Sessions:
    """Those with one mail server that wait for another mail, each for `kept_seconds`; 0 keeps none."""

    def __init__(self, server: Callable[[], Awaitable[aiosmtplib.SMTP]], *, kept_seconds: float) -> None:
        """`server` is to be connected to."""
        self._server = server
        self._kept_seconds = kept_seconds
        self._kept: list[Session] = []
        self._leaving: set[asyncio.Task[None]] = set()

    async def begin(self, begin: Begin) -> Session:
        """One in which a mail has begun. Raises what stands in the way in a new one."""
        while self._kept:
            session = self._kept.pop()
            session.goes_on()
            with suppress(aiosmtplib.SMTPException, OSError):
                return await self._begun(session, begin, PROMPT_SECONDS)
        server = await self._server()
        await server.connect()
        return await self._begun(Session(server), begin, None)

    async def _begun(self, session: Session, begin: Begin, seconds: float | None) -> Session:
        async with session.in_use():
            if session.server.is_ehlo_or_helo_needed:
                await _greet(session.server)
            await begin(session.server, seconds)
        return session

    async def keep(self, session: Session) -> None:
        """Its mail was taken."""
        session.mails += 1
        if not self._kept_seconds or session.mails >= MAILS or not session.server.is_connected:
            await session.leave()
            return
        self._kept.append(session)
        session.end_after(self._kept_seconds, self._end)

    def _end(self, session: Session) -> None:
        self._kept.remove(session)
        task = asyncio.create_task(session.leave(), name="leaves the mail server")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Leave them all."""
        kept, self._kept = self._kept, []
        for session in kept:
            session.goes_on()  # none of them ends by itself any more
        await asyncio.gather(*self._leaving, *(session.leave() for session in kept))


async def _greet(server: aiosmtplib.SMTP) -> None:
    """What it can is known then; one that is too old for this is greeted in the old way with its mail."""
    try:
        await server.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not server.is_connected:
            raise
