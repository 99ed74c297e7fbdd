"""Posting to somebody else's server, which may be slow, hostile, or not theirs at all.

Within bounds of time and size, to addresses that may be reached, and to no other place that it points to.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

import h11

from parlour.outbound.addresses import Reach, look_up

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
BODY_SECONDS = 2.0
"""For what follows the status, which alone decides."""
ANSWER_LIMIT = 2_000
"""Bytes of an answer's body that are read, unless whoever asks wants more."""
INTERIM_LIMIT = 20
"""Answers before the answer (1xx): some servers send one or two; without a bound they take a whole core."""
_PIECE = 4_096
_HEAD_LIMIT = 32 * 1024


class Failure(StrEnum):
    """Why there is no answer. What is in AGAIN may be better later."""

    NAME = "name"
    PRIVATE = "private"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    GARBAGE = "garbage"


AGAIN = frozenset({Failure.NAME, Failure.CONNECTION, Failure.TIMEOUT, Failure.GARBAGE})


class NoAnswer(Exception):
    def __init__(self, failure: Failure, words: str = "") -> None:
        super().__init__(words)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answered:
    """`body`: how it begins. `retry_after`: the header, as it came."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""


class Receiver:
    """One URL, while something is posted to it. Its name is looked up once, and its connections are kept."""

    def __init__(
        self, url: str, reach: Reach, trust: Callable[[], ssl.SSLContext], *, limit: int = ANSWER_LIMIT
    ) -> None:
        """`limit`: bytes of an answer's body that are read."""
        self._limit = limit
        self._url = urlsplit(url)
        self._reach = reach
        self._trust = trust
        self._addresses: asyncio.Task[list[str]] | None = None
        self._free: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._addresses:
            self._addresses.cancel()
        while self._free:
            self._free.pop().close()

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Raises NoAnswer."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                return await self._post(body, headers)
        except TimeoutError:
            raise NoAnswer(Failure.TIMEOUT) from None

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        while self._free:
            connection = self._free.pop()
            with suppress(NoAnswer):  # the other side may have hung up since: a new one will tell
                return await self._ask(connection, body, headers)
        return await self._ask(await self._connect(), body, headers)

    async def _ask(self, connection: "_Connection", body: bytes, headers: Mapping[str, str]) -> Answered:
        try:
            answer = await connection.ask(_target(self._url), {"Host": self._url.netloc, **headers}, body)
        except ssl.SSLError as error:
            raise NoAnswer(Failure.TLS, error.reason or str(error)) from None
        except OSError as error:
            raise NoAnswer(Failure.CONNECTION, error.strerror or type(error).__name__) from None
        except h11.RemoteProtocolError as error:
            raise NoAnswer(Failure.GARBAGE, str(error)) from None
        finally:
            if connection.is_reusable:
                self._free.append(connection)
            else:
                connection.close()
        return answer

    async def _connect(self) -> "_Connection":
        """To the first of the allowed addresses that takes us, within CONNECT_SECONDS for all of them."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                problem = NoAnswer(Failure.PRIVATE)
                for address in await self._allowed():
                    try:
                        return await self._connect_to(address)
                    except NoAnswer as error:
                        problem = error
                raise problem
        except TimeoutError:
            raise NoAnswer(Failure.TIMEOUT) from None

    async def _allowed(self) -> list[str]:
        if self._addresses is None or self._addresses.cancelled():
            self._addresses = asyncio.create_task(self._look_up())
        return await asyncio.shield(self._addresses)

    async def _look_up(self) -> list[str]:
        try:
            found = await look_up(self._url.hostname or "", self._port)
        except (OSError, UnicodeError) as error:
            raise NoAnswer(Failure.NAME, getattr(error, "strerror", None) or str(error)) from None
        return [address for address in found if self._reach.may(address)]

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    async def _connect_to(self, address: str) -> "_Connection":
        """The address alone decides where to; the name is what its certificate has to be for."""
        secure = self._url.scheme == "https"
        try:
            reader, writer = await asyncio.open_connection(
                address,
                self._port,
                ssl=self._trust() if secure else None,
                server_hostname=self._url.hostname if secure else None,
            )
        except ssl.SSLError as error:
            words = getattr(error, "verify_message", "") or error.reason or str(error)
            raise NoAnswer(Failure.TLS, words) from None
        except OSError as error:
            raise NoAnswer(Failure.CONNECTION, error.strerror or str(error)) from None
        return _Connection(reader, writer, self._limit)


class _Connection:
    """HTTP/1.1 on one connection: the protocol is h11's, which uvicorn uses as well."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int) -> None:
        self._limit = limit
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)

    @property
    def is_reusable(self) -> bool:
        return self._http.our_state is h11.IDLE

    def close(self) -> None:
        self._writer.close()

    async def ask(self, target: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Raises OSError, h11.RemoteProtocolError."""
        length = {"Content-Length": str(len(body))}
        request = h11.Request(method="POST", target=target, headers=list({**headers, **length}.items()))
        said = (request, h11.Data(data=body), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(each) or b"" for each in said))
        sending = asyncio.create_task(self._drain())
        try:
            return await self._read()
        finally:
            sending.cancel()

    async def _drain(self) -> None:
        """Beside the reading: some answer, and hang up, before they have read everything."""
        with suppress(OSError):
            await self._writer.drain()

    async def _read(self) -> Answered:
        event = await self._next()
        interim = 0
        while isinstance(event, h11.InformationalResponse):
            interim += 1
            if interim > INTERIM_LIMIT:
                raise h11.RemoteProtocolError("no end of answers before the answer")
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise ConnectionResetError("hung up without an answer")
        after = next((value for name, value in event.headers if name == b"retry-after"), b"")
        kept = bytearray()
        with suppress(TimeoutError, OSError, h11.RemoteProtocolError):
            async with asyncio.timeout(BODY_SECONDS):
                await self._read_body(kept)
        answer = Answered(event.status_code, bytes(kept[: self._limit]), after.decode("latin-1"))
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return answer

    async def _read_body(self, kept: bytearray) -> None:
        while len(kept) <= self._limit:
            event = await self._next()
            if not isinstance(event, h11.Data):
                return
            kept += event.data

    async def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = self._http.next_event()
        while event is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_PIECE))
            event = self._http.next_event()
        return event


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}{'?' + url.query if url.query else ''}"
