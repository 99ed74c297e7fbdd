"""A mail server brings mail by SMTP, and is told the truth about it."""

import asyncio
import smtplib
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.db.database import Tx
from parlour.features.mailroom import listening
from parlour.features.mailroom import service as ledger
from parlour.features.workspaces.mailboxes import service as mailboxes
from tests.house import House, behind_its_back, open_house
from tests.ports import free_port

SUPPORT, MARIA = "support@acme.example", "maria@example.com"
MAIL = b"From: maria@example.com\r\nTo: support@acme.example\r\nSubject: Tent\r\n\r\nIt leaks.\r\n"


@pytest.fixture
async def port() -> int:
    return free_port()


@pytest.fixture
async def house(tmp_path: Path, port: int) -> AsyncIterator[House]:
    async with open_house(tmp_path, PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}") as house:
        await house.as_system(mailboxes.add, SUPPORT)
        yield house


def bring(port: int, *recipients: str, raw: bytes = MAIL) -> dict[str, tuple[int, bytes]]:
    """Whom the server refused; raises what smtplib does when all were."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as line:
        return line.sendmail(MARIA, list(recipients), raw)


async def test_a_mail_for_one_of_ours_is_stored_and_nobody_elses_is_refused(house: House, port: int) -> None:
    refused = await asyncio.to_thread(bring, port, SUPPORT, "nobody@acme.example", "x@elsewhere.example")

    assert {each: code for each, (code, _) in refused.items()} == {
        "nobody@acme.example": 550,
        "x@elsewhere.example": 550,
    }
    [mail] = (await house.as_system(ledger.ledger)).mails
    [raw] = [piece async for piece in house.app.parlour.files.store.get(mail.storage_key)]
    assert raw == MAIL


async def test_a_line_without_its_return_ends_no_mail(house: House, port: int) -> None:
    smuggled = MAIL + b"\n.\nMAIL FROM:<boss@acme.example>\n\r\n"
    await asyncio.to_thread(bring, port, SUPPORT, raw=smuggled)

    assert len((await house.as_system(ledger.ledger)).mails) == 1


async def test_a_page_in_one_line_is_a_mail_like_any_other(house: House, port: int) -> None:
    page = b"<p>" + b"It leaks. " * 50_000 + b"</p>\r\n.\r\n"
    assert await asyncio.to_thread(bring, port, SUPPORT, raw=MAIL + page) == {}

    [mail] = (await house.as_system(ledger.ledger)).mails
    assert mail.size == len(MAIL + page)


async def test_what_cannot_be_stored_is_to_be_brought_again(house: House, port: int) -> None:
    behind_its_back(house.app.parlour.settings, "ALTER TABLE mails RENAME TO elsewhere")

    with pytest.raises(smtplib.SMTPDataError) as refused:
        await asyncio.to_thread(bring, port, SUPPORT)

    assert refused.value.smtp_code == 451
    behind_its_back(house.app.parlour.settings, "ALTER TABLE elsewhere RENAME TO mails")
    await asyncio.to_thread(bring, port, SUPPORT)
    assert len((await house.as_system(ledger.ledger)).mails) == 1


async def test_a_mail_that_is_too_large_is_refused_for_good(
    house: House, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "SIZE_LIMIT", 1_000)

    with pytest.raises(smtplib.SMTPException) as refused:
        await asyncio.to_thread(bring, port, SUPPORT, raw=MAIL + b"x" * 2_000)

    assert "552" in str(refused.value)


async def test_whoever_comes_on_top_is_told_to_come_again(
    house: House, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "CONNECTIONS", 2)
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    said = [await reader.readline() for reader, _ in lines]
    for _, writer in lines:
        writer.close()

    assert [each[:3] for each in said] == [b"220", b"220", b"421"]
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(greeting, port))[:3] != b"220":
            await asyncio.sleep(0.05)


async def test_who_brings_nothing_makes_room_once_the_door_is_full(
    house: House, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says: only a mail counts."""
    monkeypatch.setattr(listening, "CONNECTIONS", 2)
    monkeypatch.setattr(listening, "PATIENCE", 0.5)
    (silent, quiet), (chatting, talker) = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for reader in (silent, chatting):
        assert (await reader.readline())[:3] == b"220"
    await asyncio.sleep(1)
    talker.write(b"NOOP\r\n")
    assert (await chatting.readline())[:3] == b"250"
    _, newcomer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.to_thread(bring, port, SUPPORT)
    last_words = [await asyncio.wait_for(reader.read(), 30) for reader in (silent, chatting)]
    for writer in (quiet, talker, newcomer):
        writer.close()

    assert last_words == [b"421 4.4.2 Others wait. Please come again\r\n"] * 2


async def test_a_mail_that_is_being_stored_keeps_its_place_at_the_full_door(
    house: House, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it came first and takes long: who has brought nothing goes."""
    monkeypatch.setattr(listening, "CONNECTIONS", 2)
    monkeypatch.setattr(listening, "PATIENCE", 0.5)
    held, enough = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        if tx.connection.dialect.name == "postgresql":
            tx.connection.exec_driver_sql("LOCK TABLE mails IN EXCLUSIVE MODE")
        held.set()
        enough.wait(30)

    holding = asyncio.create_task(house.as_system(hold))
    await asyncio.to_thread(held.wait, 30)
    storing = await asyncio.open_connection("127.0.0.1", port)
    for said in ("EHLO me.example", f"MAIL FROM:<{MARIA}>", f"RCPT TO:<{SUPPORT}>", "DATA"):
        storing[1].write(f"{said}\r\n".encode())
    storing[1].write(MAIL + b".\r\n")
    silent = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(1)
    newcomer = await asyncio.open_connection("127.0.0.1", port)
    last_words = await asyncio.wait_for(silent[0].read(), 30)
    assert last_words.endswith(b"421 4.4.2 Others wait. Please come again\r\n")
    assert (await newcomer[0].readline())[:3] == b"220"
    enough.set()
    async with asyncio.timeout(30):
        await storing[0].readuntil(b"250 2.0.0 Stored")

    await holding
    assert len((await house.as_system(ledger.ledger)).mails) == 1
    for _, writer in (storing, silent, newcomer):
        writer.close()


def greeting(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        return line.recv(100)
