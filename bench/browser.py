"""As much of a browser as a bench needs: cookies, forms, connections kept alive, an address of its own.

A general client would cost more processor time than the server that is measured.
"""

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

_CSRF = re.compile(rb'name="csrf"[^>]*?(?:content|value)="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Wires:
    """Connections to the server, shared by all browsers as behind a proxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes, address: str | None = None) -> Answer:
        """`address` is the loopback address to come from, over a connection of its own."""
        if self._idle and address is None:
            wire = self._idle.pop()
            try:
                return await self._exchange(wire, request)
            except (ConnectionError, asyncio.IncompleteReadError):
                wire[1].close()  # the server closes what was idle for some seconds; nothing was answered
        source = (address, 0) if address else None
        wire = await asyncio.open_connection("127.0.0.1", self.port, local_addr=source)
        return await self._exchange(wire, request, keep=address is None)

    async def _exchange(
        self, wire: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes, *, keep: bool = True
    ) -> Answer:
        reader, writer = wire
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        length = next((int(value) for name, value in headers if name == "content-length"), 0)
        body = await reader.readexactly(length)
        if keep:
            self._idle.append(wire)
        else:
            writer.close()
        return Answer(int(first.split()[1]), headers, body)


@dataclass(slots=True)
class Browser:
    wires: Wires
    address: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def get(self, path: str) -> Answer:
        answer = await self._ask("GET", path, "text/html", b"")
        if found := _CSRF.search(answer.body):
            self.csrf = found[1].decode()
        return answer

    async def post(self, path: str, accept: str = "text/html", **fields: str) -> Answer:
        return await self._ask("POST", path, accept, urlencode({"csrf": self.csrf, **fields}).encode())

    async def _ask(self, method: str, path: str, accept: str, body: bytes) -> Answer:
        head = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.wires.port}",
            f"Accept: {accept}",
            f"Cookie: {self.cookie}",
            f"X-CSRF-Token: {self.csrf}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        request = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        answer = await self.wires.ask(request, self.address)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer
