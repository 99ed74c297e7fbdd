"""What clamd says, and what nobody can say."""

import asyncio
import io
from pathlib import Path

import pytest

from parlour.files.scan import ANSWER_SECONDS, Scan, Scanner
from tests.clamd_server import MARK, SIGNATURE, STREAM_LIMIT, ClamdServer

pytestmark = pytest.mark.clamd


async def test_a_clean_file_is_clean_and_another_is_not(clamd: ClamdServer) -> None:
    scanner = Scanner(clamd.socket)

    clean = await scanner.scan(io.BytesIO(b"hello" * 50_000))
    infected = await scanner.scan(io.BytesIO(b"x" * 70_000 + MARK))

    assert clean.scan is Scan.CLEAN
    assert (infected.scan, infected.what) == (Scan.INFECTED, f"{SIGNATURE}.UNOFFICIAL")
    assert "ClamAV" in await scanner.version()


async def test_what_is_longer_than_clamd_takes_will_never_be_scanned(clamd: ClamdServer) -> None:
    verdict = await Scanner(clamd.socket).scan(io.BytesIO(bytes(8 * STREAM_LIMIT)))

    assert verdict.scan is Scan.UNSCANNABLE


async def test_nobody_at_the_socket_is_not_clean(tmp_path: Path) -> None:
    verdict = await Scanner(str(tmp_path / "nobody")).scan(io.BytesIO(b"hello"))

    assert verdict.scan is Scan.UNSCANNED


@pytest.mark.parametrize("answer", [b"stream: OK\0", b"stream: O", b"", b"\xff\xfe\0", b"stream: OK\0" * 200])
async def test_whoever_has_not_seen_all_of_a_file_cannot_say_that_it_is_clean(answer: bytes) -> None:
    async def hurry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(hurry, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        verdict = await Scanner(f"{host}:{port}").scan(io.BytesIO(bytes(20_000_000)))

    assert verdict.scan is Scan.UNSCANNED


@pytest.mark.parametrize("end", [b"\0", b""], ids=["with its zero", "with its connection"])
async def test_an_answer_in_pieces_is_read_to_its_end(end: bytes) -> None:
    hung_up = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(bytes(4))
            for piece in (b"stream: Worm", b".Once FOUND" + end):
                await asyncio.sleep(0.1)
                writer.write(piece)
                await writer.drain()
        finally:
            writer.close()
            hung_up.set()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        verdict = await Scanner(f"{host}:{port}").scan(io.BytesIO(b"hello"))
        await asyncio.wait_for(hung_up.wait(), 30)

    assert (verdict.scan, verdict.what) == (Scan.INFECTED, "Worm.Once")


async def test_without_a_scanner_nothing_is_said() -> None:
    assert (await Scanner(None).scan(io.BytesIO(MARK))).scan is Scan.OFF


async def test_one_that_says_nothing_is_waited_for_as_long_as_somebody_can() -> None:
    """And then, for the files that come with the first, hardly any more; unless it answers again."""
    never, answers = asyncio.Event(), False

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answers:
            await reader.readuntil(b"last" + bytes(4))
            writer.write(b"stream: OK\0")
        else:
            await never.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    scanner = Scanner(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    somebody_waits = ANSWER_SECONDS - 1
    async with asyncio.timeout(40):
        first = await scanner.scan(io.BytesIO(b"text"), 0.2)
        second = await scanner.scan(io.BytesIO(b"more"), somebody_waits)
        answers = True
        third = await scanner.scan(io.BytesIO(b"last"), somebody_waits)
    never.set()
    server.close()

    assert (first.scan, second.scan, third.scan) == (Scan.UNSCANNED, Scan.UNSCANNED, Scan.CLEAN)
