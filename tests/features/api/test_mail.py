"""Mail that a program brings is the workspace's like any other: kept before the answer, and read once."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from parlour.features.api import mail as door
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.models import Mail, Outcome
from parlour.features.tickets import service as tickets
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor, Role
from tests.features.test_mailroom import SUPPORT, written
from tests.house import House
from tests.programs import Program, program

MAIL = {"content-type": "message/rfc822"}


@pytest.fixture
async def server(house: House) -> AsyncIterator[Program]:
    await house.as_system(mailboxes.add, SUPPORT)
    other = Actor.system(house.other.workspace_id)
    await house.db.write(other, mailboxes.add, "support@other.example")
    async with program(house, Role.ADMIN) as client:
        yield client


async def brought(server: Program, raw: bytes, **asked: str) -> httpx.Response:
    return await server.post("/mail", content=raw, params=asked, headers=MAIL)


async def read(house: House) -> list[Mail]:
    """The ledger, when all of it was read."""
    async with asyncio.timeout(30):
        while True:
            found = list((await house.as_system(ledger.ledger)).mails)
            if all(each.outcome is not Outcome.WAITING for each in found):
                return found
            await asyncio.sleep(0.01)


async def test_a_mail_that_is_brought_twice_is_one_ticket(house: House, server: Program) -> None:
    raw = written("My tent leaks.").as_bytes()
    first, again = [await brought(server, raw) for _ in range(2)]
    lines = await read(house)
    [opened] = [each for each in lines if each.outcome is Outcome.OPENED]
    assert opened.ticket_id
    ticket = await house.as_system(tickets.ticket, opened.ticket_id)

    assert (first.status_code, again.status_code) == (202, 202)
    assert {each.json()["mail_id"] for each in (first, again)} == {str(each.mail_id) for each in lines}
    assert first.json()["mailbox"] == SUPPORT
    assert (ticket.subject, ticket.description) == ("Tent", "My tent leaks.")


async def test_mail_for_others_is_not_taken_whoever_it_names(house: House, server: Program) -> None:
    """What is for another workspace, too, is for the key's alone."""
    foreign = await brought(server, written().as_bytes(), to="support@other.example")
    nobodys = await brought(server, b"Subject: To nobody\n\nHello")
    both = written()
    both["Cc"] = "support@other.example"
    kept = await brought(server, both.as_bytes())
    other = Actor.system(house.other.workspace_id)

    assert [(each.status_code, each.json()["code"]) for each in (foreign, nobodys)] == [
        (422, "no_mailbox")
    ] * 2
    assert kept.status_code == 202
    assert (await house.db.read(other, ledger.ledger)).mails == []


async def test_what_is_no_mail_too_large_or_too_slow_is_said(
    house: House, server: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"To: "
        await asyncio.sleep(60)

    unlike = await server.post("/mail", json={})
    monkeypatch.setattr(door, "SIZE_LIMIT", 100)
    large = await brought(server, b"To: support@acme.example\n\n" + b"x" * 100)
    monkeypatch.setattr(door, "SECONDS", 0.05)
    slow = await server.post("/mail", content=slowly(), headers=MAIL)

    told = [(each.status_code, each.json()["code"]) for each in (unlike, large, slow)]
    assert told == [(415, "not_mail"), (413, "mail_too_large"), (408, "mail_too_slow")]
    assert (await house.as_system(ledger.ledger)).mails == []
