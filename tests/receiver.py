"""A server to which webhooks are posted, on loopback, in whatever state it is."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Answer = bytes | None
"""As it goes over the wire; None for none at all, however long one waits."""


def http(status: int, body: str = "", **headers: str) -> bytes:
    given = {"Content-Length": str(len(body.encode())), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n{body}".encode()


@dataclass
class Post:
    """What came: the target, the headers in lower case, the body."""

    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """`answer` says what is answered to each. What came is in `posts`, by how many connections in `taken`."""

    def __init__(
        self, answer: Callable[[Post], Answer] = lambda _: http(204), tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer
        self.posts: list[Post] = []
        self.taken = 0
        self._tls = tls
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        self._open.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                post = await _read(reader)
                self.posts.append(post)
                answer = self.answer(post)
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
        self._open.discard(writer)
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Post:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Post(head[0].split()[1], headers, body)
