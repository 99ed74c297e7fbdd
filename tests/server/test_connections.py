"""The real server without a proxy, before strangers: heads, bodies and silence without end."""

import asyncio
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic

import httpx
import pytest

from parlour.server.connections import BODY_SECONDS, CROWDED_SECONDS, HEAD_LIMIT, HEAD_SECONDS, TARGET_LIMIT
from tests.live import AS_IT_IS, SLUG, Live, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(240)]

SPARE_SECONDS = 20.0


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("live"), AS_IT_IS) as server:
        yield server


class Stranger:
    """A connection of which every byte is said by hand."""

    def __init__(self, live: Live) -> None:
        self.line = socket.create_connection(("127.0.0.1", live.port))
        self.line.setblocking(False)

    async def say(self, words: bytes) -> None:
        """Until the other side will hear no more."""
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self.line, words)

    async def hear(self) -> bytes:
        """Everything until the other side ends it."""
        heard = b""
        with suppress(ConnectionError):
            while part := await asyncio.get_running_loop().sock_recv(self.line, 65536):
                heard += part
        self.line.close()
        return heard

    async def answer(self) -> int:
        """The status, 0 for none."""
        heard = await self.hear()
        return int(heard.split(b" ", 2)[1]) if heard.startswith(b"HTTP/1.1 ") else 0


async def talk(live: Live, *words: bytes) -> int:
    stranger = Stranger(live)
    for each in words:
        await stranger.say(each)
    return await stranger.answer()


POST = b"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
HEADS = {
    "a header that does not end": ([GET, b"X: ", *[b"x" * 2**20] * 64], 431),
    "a header that ends": ([GET + b"X: " + b"x" * HEAD_LIMIT + b"\r\n\r\n"], 431),
    "many headers": ([GET, *[b"X-%d: x\r\n" % n for n in range(20_000)], b"\r\n"], 431),
    "an address": ([b"GET /" + b"x" * TARGET_LIMIT + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], 414),
    "an address to a socket": (
        [b"GET /realtime?" + b"x" * TARGET_LIMIT + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + UPGRADE + b"\r\n"],
        414,
    ),
    "headers to a socket": (
        [b"GET /realtime HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"X: " + b"x" * HEAD_LIMIT + b"\r\n\r\n"],
        431,
    ),
    "a trailer": ([CHUNKED + b"0\r\nX: ", *[b"x" * 2**16] * 64], 431),
    "the size of a chunk": ([CHUNKED + b"1;", *[b"x" * 2**16] * 64], 431),
    "a long address": ([GET.replace(b"healthz", b"healthz?" + b"x" * 8000), b"\r\n"], 200),
    "many cookies": ([GET + b"Cookie: " + b"x" * 16_000 + b"\r\n\r\n"], 200),
}


@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
async def test_a_head_has_bounds(live: Live, head: list[bytes], status: int) -> None:
    live.unshown_log()
    async with asyncio.timeout(20):
        assert await talk(live, *head) == status
    assert "Traceback" not in live.unshown_log()


@pytest.mark.parametrize(
    "line",
    [
        b"GET /support/acme?\xff\xfe= HTTP/1.1",
        b"GET /support/\xc3\xa4 HTTP/1.1",
        b"GET //[ HTTP/1.1",
        b"GET http://[/ HTTP/1.1",
        b"GET /%ff%00%zz HTTP/1.1",
        b"GET /workspace/%F0%9F/tickets?after=%ff HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT x:1 HTTP/1.1",
        b"GET /realtime?\xff HTTP/1.1\r\nOrigin: \xff\r\n" + UPGRADE + b"Sec-WebSocket-Version: 13",
        b"GET /realtime HTTP/1.1\r\n" + UPGRADE + b"Sec-WebSocket-Version: 99",
    ],
)
async def test_no_request_line_makes_a_fault(live: Live, line: bytes) -> None:
    live.unshown_log()
    async with asyncio.timeout(30):
        status = await talk(live, line + b"\r\nHost: [\xff\r\nReferer: http://[\r\nConnection: close\r\n\r\n")

    assert status < 500
    assert "Traceback" not in live.unshown_log()


SLOW = {
    "silence": (b"", 0),
    "half a head": (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", 408),
    "a head byte by byte": (b"GET /healthz HTTP/1.1\r\nX: ", 408),
    "empty lines": (b"\r\n", 0),
    "half a body": (POST + b"Content-Length: 1000\r\n\r\na", 408),
    "a body byte by byte": (POST + b"Content-Length: 1000\r\n\r\na", 408),
}


async def slowly(live: Live, name: str) -> tuple[int, float]:
    """What comes of it, and after how many seconds."""
    stranger, began = Stranger(live), monotonic()
    await stranger.say(SLOW[name][0])
    hearing = asyncio.create_task(stranger.answer())
    while not hearing.done():
        if "byte by byte" in name or name == "empty lines":
            await stranger.say(b"\r\n" if name == "empty lines" else b"x")
        await asyncio.wait([hearing], timeout=0.5)
    return hearing.result(), monotonic() - began


async def slow_upload(live: Live) -> int:
    """Takes longer than a body may say nothing for, and always moves."""
    body = b"email=" + b"x" * 60_000
    stranger = Stranger(live)
    await stranger.say(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 2000):
        await stranger.say(body[start : start + 2000])
        await asyncio.sleep((BODY_SECONDS + 3) / 30)
    return await stranger.answer()


async def until_let_go(live: Live) -> float:
    """Seconds for which somebody who asks and takes nothing is kept."""
    async with httpx.AsyncClient(base_url=live.url) as client:
        page = await client.get("/auth/login")
    [style] = re.findall(r"/static/\w+/app\.css", page.text)
    line, began = socket.socket(), monotonic()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # as on the internet: the system keeps less
    line.connect(("127.0.0.1", live.port))
    line.sendall(f"GET {style} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 30)
    with line, suppress(ConnectionError):
        while monotonic() - began < BODY_SECONDS + SPARE_SECONDS:
            await asyncio.sleep(0.2)
            line.send(b"\r\n")  # only so does one learn that nobody is there any more
    return monotonic() - began


async def test_whoever_is_slow_is_let_go_in_time_unless_it_moves(live: Live) -> None:
    """All at once, because each of them takes its time."""
    live.unshown_log()
    uploading, taking = asyncio.create_task(slow_upload(live)), asyncio.create_task(until_let_go(live))
    found = await asyncio.gather(*(slowly(live, name) for name in SLOW))
    moving, kept = await uploading, await taking
    waited = dict(zip(SLOW, found, strict=True))

    assert moving == 403
    assert kept < BODY_SECONDS + SPARE_SECONDS
    assert {name: status for name, (status, _) in waited.items()} == {
        name: status for name, (_, status) in SLOW.items()
    }
    for name, (_, seconds) in waited.items():
        assert seconds < (BODY_SECONDS if "body" in name else HEAD_SECONDS) + SPARE_SECONDS, name
    assert "Traceback" not in live.unshown_log()


async def test_an_upload_that_breaks_off_is_one_line(live: Live) -> None:
    live.unshown_log()
    stranger = Stranger(live)
    await stranger.say(POST + b"Content-Length: 1000\r\n\r\nemail=")
    await asyncio.sleep(0.3)
    stranger.line.close()
    said = ""
    async with asyncio.timeout(30):
        while "status=499" not in said:
            await asyncio.sleep(0.05)
            said += live.unshown_log()

    assert len(said.splitlines()) == 1


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Live]:
    """A server that may open 256 files."""
    with Live(tmp_path, ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh")) as live:
        yield live


async def asked(live: Live, *paths: str) -> list[int]:
    async with httpx.AsyncClient(base_url=live.url, timeout=30) as client:
        return [(await client.get(path, headers={"connection": "close"})).status_code for path in paths]


async def test_silent_connections_keep_nobody_out(narrow: Live) -> None:
    with ExitStack() as stack:
        for _ in range(400):
            line = socket.create_connection(("127.0.0.1", narrow.port))
            stack.callback(line.close)
        statuses = await asked(narrow, "/healthz", "/readyz", "/metrics", f"/support/{SLUG}")

    assert statuses == [200] * 4
    assert "Too many open files" not in narrow.log.read_text()


async def test_when_every_place_is_taken_by_work_probes_are_still_answered(narrow: Live) -> None:
    """Each of these has begun a body, and so is not merely silent."""
    with ExitStack() as stack:
        for _ in range(160):
            line = socket.create_connection(("127.0.0.1", narrow.port))
            stack.callback(line.close)
            line.sendall(POST + b"Content-Length: 1000\r\n\r\nemail=")
        await asyncio.sleep(CROWDED_SECONDS)
        statuses = await asked(narrow, f"/support/{SLUG}", "/healthz", "/readyz")

    assert statuses == [503, 200, 200]


def test_the_server_takes_all_the_files_that_it_may_have(live: Live) -> None:
    soft, hard = resource.prlimit(live.pid, resource.RLIMIT_NOFILE)

    assert soft == hard
