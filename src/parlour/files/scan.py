"""Asking ClamAV about a file, by clamd's INSTREAM."""

import asyncio
import time
from enum import StrEnum
from typing import BinaryIO

import structlog
from msgspec import Struct

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
WHILE_SOMEBODY_WAITS = 20.0
"""Seconds. What was not scanned by then is asked about again by a job, before anybody else sees it."""
ONCE_SILENT, SILENT_FOR = 2.0, 60.0
"""Seconds for each file while somebody waits, and for how long, after one at which the scanner said nothing:
ten files of a form that each waited their time would outlast any proxy."""
PIECE = 64 * 1024

_CLEAN = "stream: OK"
_TOO_LONG = "INSTREAM size limit exceeded"
"""What clamd answers when more comes than its StreamMaxLength."""
_TOO_MUCH = "Heuristics.Limits.Exceeded"
"""How the name of what it "found" begins when it gave up inside, if AlertExceedsMax lets it say so."""

log = structlog.get_logger("parlour.files")


class Scan(StrEnum):
    """What is known of a file. OFF: there is no scanner. UNSCANNED: it could not say, and is asked again.
    UNSCANNABLE: it is more than the scanner takes, now and later.
    """

    OFF = "off"
    CLEAN = "clean"
    UNSCANNED = "unscanned"
    UNSCANNABLE = "unscannable"
    INFECTED = "infected"


class Verdict(Struct, frozen=True):
    """`what` is the name of what was found, or why nothing was said."""

    scan: Scan
    what: str = ""


class Scanner:
    """clamd at a socket's path or at host:port; without one everything is OFF."""

    def __init__(self, clamd: str | None) -> None:
        self.clamd = clamd
        self._silent_until = 0.0

    async def scan(self, file: BinaryIO, within: float = ANSWER_SECONDS) -> Verdict:
        """The verdict on the whole file, from its beginning. Never raises: what goes wrong is UNSCANNED, and
        so is what takes more than `within` seconds: `ONCE_SILENT` of them where somebody waits and the
        scanner has just been silent.
        """
        if self.clamd is None:
            return Verdict(Scan.OFF)
        file.seek(0)
        if within < ANSWER_SECONDS and time.monotonic() < self._silent_until:
            within = ONCE_SILENT
        try:
            async with asyncio.timeout(within):
                answer = await self._ask(file)
            self._silent_until = 0.0
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            if isinstance(error, TimeoutError):
                self._silent_until = time.monotonic() + SILENT_FOR
            log.warning("files.unscanned", because=str(error) or type(error).__name__)
            return Verdict(Scan.UNSCANNED, str(error))
        return _verdict(answer)

    async def version(self) -> str:
        """What clamd says of itself and its signatures. Raises OSError, TimeoutError."""
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await self._connect()
            try:
                writer.write(b"zVERSION\0")
                return (await reader.read(256)).rstrip(b"\0").decode("utf-8", "replace")
            finally:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self.clamd is not None
        if self.clamd.startswith("/"):
            return await asyncio.open_unix_connection(self.clamd)
        host, _, port = self.clamd.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def _ask(self, file: BinaryIO) -> str:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await self._connect()
        answer = asyncio.create_task(_answer(reader))
        try:
            writer.write(b"zINSTREAM\0")
            # Over its limit clamd answers and hangs up before everything is sent.
            while not answer.done() and (piece := await asyncio.to_thread(file.read, PIECE)):
                writer.write(len(piece).to_bytes(4, "big") + piece)
                await _drained(writer, answer)
            whole = not answer.done()
            if whole:
                writer.write(bytes(4))
                await _drained(writer, answer)
            said = (await answer).rstrip(b"\0\n").decode("utf-8", "replace")
            return f"answered before it had all: {said}" if not whole and said == _CLEAN else said
        finally:
            answer.cancel()
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Up to its end, in however many pieces it comes: the zero, or the end of the connection."""
    try:
        return await reader.readuntil(b"\0")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        raise ValueError("its answer has no end") from error


async def _drained(writer: asyncio.StreamWriter, answer: "asyncio.Task[bytes]") -> None:
    try:
        await writer.drain()
    except OSError:
        if not answer.done():
            await asyncio.wait([answer], timeout=1)


def _verdict(answer: str) -> Verdict:
    """`stream: OK`, `stream: NAME FOUND`; any other word is no word on the file."""
    if answer == _CLEAN:
        return Verdict(Scan.CLEAN)
    said = answer.removeprefix("stream: ")
    if said.startswith((_TOO_LONG, _TOO_MUCH)):
        return Verdict(Scan.UNSCANNABLE, said)
    if said.endswith(" FOUND"):
        return Verdict(Scan.INFECTED, said.removesuffix(" FOUND"))
    log.warning("files.unscanned", because=said or "no answer")
    return Verdict(Scan.UNSCANNED, said)
