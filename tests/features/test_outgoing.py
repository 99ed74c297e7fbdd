"""Every mail about a ticket is told of from the moment at which it is queued, to agents alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from parlour import worker
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.outgoing.models import Mail, Outcome
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from tests.house import Browser, House, open_house
from tests.jobs import time_passes
from tests.post_office import PostOffice
from tests.tickets import place, words

LATER = timedelta(hours=1)
FULL = "452 4.2.2 The mailbox of Maria is full"
NOBODY = "550 5.1.1 Nobody is called Maria here"


@pytest.fixture
async def house(tmp_path: Path, office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Its mail goes to the office; what is put back there waits until a test says that time has passed."""
    monkeypatch.setattr(worker, "delay_after", lambda _: LATER)
    async with open_house(tmp_path, PARLOUR_SMTP_URL=office.url) as house:
        yield house


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    """Of somebody who writes by mail, and has the confirmation."""
    ticket = await house.open_ticket(visitor)
    await house.as_system(
        threads.came_by_mail, ticket.ticket_id, Arrived("<first@example.com>"), believed=False
    )
    await stands(house, Outcome.SENT)
    return ticket


async def stands(house: House, outcome: Outcome) -> Mail:
    """Wait until the newest mail stands so."""
    async with asyncio.timeout(30):
        while (newest := (await house.as_system(outgoing.page)).mails[0]).outcome is not outcome:
            await asyncio.sleep(0.01)
    return newest


async def answer(desk: Browser, house: House, ticket: Ticket) -> None:
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)


async def again(house: House) -> None:
    await time_passes(house.db, LATER)
    house.app.parlour.worker.wake()


async def test_what_the_mail_server_says_stands_at_the_message_until_it_takes_it(
    house: House, office: PostOffice, desk: Browser, visitor: Browser, ticket: Ticket
) -> None:
    office.answers["RCPT"] = [FULL]
    await answer(desk, house, ticket)
    put_off = await stands(house, Outcome.DEFERRED)
    page = (await desk.get(place(house, ticket))).text
    room = (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")).text

    assert put_off.said == FULL
    assert 'data-outcome="deferred"' in page
    assert FULL in page
    assert "It is on its way." in room
    assert "data-outcome" not in room
    assert FULL not in room

    await again(house)
    await stands(house, Outcome.SENT)
    page = (await desk.get(place(house, ticket))).text

    assert 'data-outcome="sent"' in page
    assert FULL not in page


async def test_what_was_refused_is_sent_again_by_hand_and_arrives_once(
    house: House, office: PostOffice, desk: Browser, ticket: Ticket
) -> None:
    office.answers["RCPT"] = [NOBODY]
    await answer(desk, house, ticket)
    mail = await stands(house, Outcome.REFUSED)
    ledger = f"/workspace/{house.workspace.workspace_id}/mail"
    listed = (await desk.get(f"{ledger}?direction=out&outcome=refused")).text

    assert NOBODY in listed
    assert f"{mail.mail_id}/send" in listed
    assert len(office.mails) == 1

    await desk.submit(f"{ledger}/{mail.mail_id}/send", {"send": "now"}, page=ledger)
    sent = await stands(house, Outcome.SENT)

    assert (sent.mail_id, sent.said) == (mail.mail_id, "")
    assert len(office.mails) == 2
    assert (await desk.submit(f"{ledger}/{mail.mail_id}/send", {}, page=ledger)).status_code == 409


async def test_what_was_read_in_the_room_is_no_mail_any_more(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await stands(house, Outcome.SENT)
    await answer(desk, house, ticket)
    waiting = await stands(house, Outcome.WAITING)
    assert (waiting.after_seq, waiting.upto_seq) == (1, 2)
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    await visitor.submit(room, {"shown": "2", "read": "1", "content": ""}, page=room)
    await again(house)

    left = await stands(house, Outcome.SENT)

    assert left.upto_seq == 0


async def test_one_mail_that_holds_several_answers_is_told_of_at_the_last_of_them(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await stands(house, Outcome.SENT)
    await answer(desk, house, ticket)
    await answer(desk, house, ticket)
    await again(house)
    await stands(house, Outcome.SENT)
    page = (await desk.get(place(house, ticket))).text
    told = (await desk.get(f"{place(house, ticket)}/deliveries?after=0&upto=9")).text

    assert page.count('data-outcome="sent"') == 1
    assert page.index('data-seq="4"') < page.index('data-outcome="sent"')
    assert told.index('data-of="2"') < told.index('data-of="4"')
