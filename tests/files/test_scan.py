"""What clamd says, and what nobody can say."""

import io
from pathlib import Path

import pytest

from parlour.files.scan import Scan, Scanner
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


async def test_without_a_scanner_nothing_is_said() -> None:
    assert (await Scanner(None).scan(io.BytesIO(MARK))).scan is Scan.OFF
