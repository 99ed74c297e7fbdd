"""A real mail server hands mail over, by SMTP and by the pipe: it keeps what Parlour cannot take now, brings
it once, and tells the sender what Parlour will never take.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parlour.features.mailroom import listening
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import SIZE_LIMIT
from parlour.features.workspaces.mailboxes import service as mailboxes
from tests.house import behind_its_back, open_house
from tests.live import environment_for
from tests.pipe import Pipe
from tests.ports import free_port
from tests.post_office import PostOffice
from tests.postfix import Postfix
from tests.until import until

SUPPORT = "support@acme.example"
QUEUES = ("incoming", "active", "deferred")
MAIL = b"From: maria@example.com\r\nTo: support@acme.example\r\nSubject: Tent\r\n\r\nIt leaks.\r\n"


@asynccontextmanager
async def post_office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    yield office
    await office.close()


@pytest.mark.postfix
async def test_what_parlour_could_not_take_comes_once_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    async with open_house(tmp_path) as house:
        await house.as_system(mailboxes.add, SUPPORT)
    with Postfix(smtp={"acme.example": port}) as postfix:
        postfix.bring(SUPPORT, MAIL)
        await until(lambda: postfix.waiting("deferred"))
        async with open_house(tmp_path, PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}") as house:
            await asyncio.to_thread(postfix.bring, SUPPORT, MAIL.replace(b"Tent", b"Stove"))
            await until(lambda: not any(map(postfix.waiting, QUEUES)))
            found = (await house.as_system(ledger.ledger)).mails

            assert len(found) == 2
            raws = [
                b"".join([piece async for piece in house.app.parlour.files.store.get(each.storage_key)])
                for each in found
            ]
            assert sorted(b"Stove" in raw for raw in raws) == [False, True]
            assert all(raw.endswith(b"\r\n\r\nIt leaks.\r\n") for raw in raws)


@pytest.mark.postfix
@pytest.mark.curl
async def test_by_the_pipe_a_mail_waits_for_the_database_and_comes_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.as_system(mailboxes.add, SUPPORT)
        settings = house.app.parlour.settings
    raw = MAIL.replace(b"leaks", b"\xff leaks")
    with Pipe(environment_for(tmp_path)) as pipe, Postfix(piped=[SUPPORT], script=pipe.script) as postfix:
        behind_its_back(settings, "ALTER TABLE mails RENAME TO elsewhere")
        await asyncio.to_thread(postfix.bring, SUPPORT, raw)
        await until(lambda: os.EX_TEMPFAIL in pipe.answers and postfix.waiting("deferred"))
        behind_its_back(settings, "ALTER TABLE elsewhere RENAME TO mails")
        await until(lambda: not any(map(postfix.waiting, QUEUES)))

    async with open_house(tmp_path) as house:
        [found] = (await house.as_system(ledger.ledger)).mails
        kept = b"".join([piece async for piece in house.app.parlour.files.store.get(found.storage_key)])
    assert pipe.answers[-1] == os.EX_OK
    assert kept.startswith(b"Return-Path: <maria@example.com>")
    assert kept.replace(b"\r\n", b"\n").endswith(b"\n\nIt \xff leaks.\n")


@pytest.mark.postfix
@pytest.mark.curl
@pytest.mark.timeout(240)
async def test_what_the_pipe_refuses_for_good_comes_back_to_its_sender_in_words(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.as_system(mailboxes.add, SUPPORT)
    piped = [SUPPORT, "nobody@acme.example"]
    large = MAIL + b"x" * 998 + b"\r\n" + b"\r\n".join([b"x" * 998] * (SIZE_LIMIT // 999))
    async with post_office() as office:
        with (
            Pipe(environment_for(tmp_path)) as pipe,
            Postfix(piped=piped, script=pipe.script, beyond=office.port) as postfix,
        ):
            await asyncio.to_thread(postfix.bring, "nobody@acme.example", MAIL)
            await asyncio.to_thread(postfix.bring, SUPPORT, large)
            await until(lambda: len(office.envelopes) == 2, within=90)

    said = " ".join(str(mail) for mail in office.mails)
    assert {mail["To"] for mail in office.mails} == {"maria@example.com"}
    assert "No workspace gets mail at this address" in said
    assert "The mail is larger than 41,943,040 bytes." in said


@pytest.mark.postfix
async def test_what_is_too_large_by_smtp_comes_back_to_its_sender_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "SIZE_LIMIT", 10_000)
    port = free_port()
    async with (
        open_house(tmp_path, PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}") as house,
        post_office() as office,
    ):
        await house.as_system(mailboxes.add, SUPPORT)
        with Postfix(smtp={"acme.example": port}, beyond=office.port) as postfix:
            await asyncio.to_thread(postfix.bring, SUPPORT, MAIL + b"x" * 900 + b"\r\n" * 10_000)
            await until(lambda: office.envelopes)
        found = (await house.as_system(ledger.ledger)).mails

    [mail] = office.mails
    assert mail["To"] == "maria@example.com"
    assert "size" in str(mail)
    assert "10000" in str(mail)
    assert list(found) == []
