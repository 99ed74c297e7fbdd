"""A real mail server hands mail over by SMTP: it keeps what Parlour cannot take now, and brings it once."""

import asyncio
from pathlib import Path

import pytest

from parlour.features.mailroom import service as ledger
from parlour.features.workspaces.mailboxes import service as mailboxes
from tests.house import open_house
from tests.ports import free_port
from tests.postfix import Postfix
from tests.until import until

SUPPORT = "support@acme.example"
MAIL = b"From: maria@example.com\r\nTo: support@acme.example\r\nSubject: Tent\r\n\r\nIt leaks.\r\n"


@pytest.mark.postfix
async def test_what_parlour_could_not_take_comes_once_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    async with open_house(tmp_path) as house:
        await house.as_system(mailboxes.add, SUPPORT)
    with Postfix(onward=port) as postfix:
        postfix.bring(SUPPORT, MAIL)
        await until(lambda: postfix.waiting("deferred"))
        async with open_house(tmp_path, PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}") as house:
            await asyncio.to_thread(postfix.bring, SUPPORT, MAIL.replace(b"Tent", b"Stove"))
            queues = ("incoming", "active", "deferred")
            await until(lambda: not any(map(postfix.waiting, queues)))
            found = (await house.as_system(ledger.ledger)).mails

            assert len(found) == 2
            raws = [
                b"".join([piece async for piece in house.app.parlour.files.store.get(each.storage_key)])
                for each in found
            ]
            assert sorted(b"Stove" in raw for raw in raws) == [False, True]
            assert all(raw.endswith(b"\r\n\r\nIt leaks.\r\n") for raw in raws)
