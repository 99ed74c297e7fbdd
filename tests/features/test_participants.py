"""Whoever is in copy of a customer's mail gets the answers, too, each in an own mail without a way in."""

import asyncio
from email.message import EmailMessage

import pytest

from parlour.db.database import Tx
from parlour.features.contacts import service as contacts
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.participants import service as participants
from parlour.features.workspaces.mailboxes import service as mailboxes
from tests.house import Browser, House
from tests.mailbox import delivered, mails, text_of
from tests.tickets import ada, place, words

SUPPORT = "support@acme.example"
MARIA, BOSS, LEGAL = "maria@example.com", "boss@example.com", "legal@example.com"
OLGA = "olga@example.com"


def written(sender: str, message_id: str, *, to: str = f"{SUPPORT}, {BOSS}", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = sender, to, LEGAL
    mail["Subject"], mail["Message-ID"] = "Tent", message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("My tent leaks.")
    return mail.as_bytes()


async def bring(house: House, raw: bytes) -> Ticket:
    await Arrivals(house.db, house.app.parlour.files.store).accept(raw, [SUPPORT])
    async with asyncio.timeout(30):
        while (newest := (await house.as_system(mailroom.ledger)).mails[0]).outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)
    assert newest.ticket_id
    return await house.as_system(tickets.ticket, newest.ticket_id)


@pytest.fixture
async def ticket(house: House) -> Ticket:
    await house.as_system(mailboxes.add, SUPPORT)
    return await bring(house, written(MARIA, "<first@example.com>"))


async def answer(desk: Browser, house: House, ticket: Ticket) -> None:
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)


async def test_an_answer_goes_to_everybody_for_whom_the_mail_was_and_back_comes_their_own_name(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    assert await house.as_system(participants.of_ticket, ticket.ticket_id) == [BOSS, LEGAL]
    assert f"{MARIA} gets this, and 2 in copy" in (await desk.get(place(house, ticket))).text
    await answer(desk, house, ticket)
    [copy] = await mails(house, BOSS)
    await mails(house, LEGAL)

    assert "It is on its way." in text_of(copy)
    assert "/access" not in text_of(copy)
    assert (copy["Reply-To"], copy["Subject"]) == (SUPPORT, "Re: Tent")

    answered = await bring(house, written(BOSS, "<boss@example.com>", In_Reply_To=str(copy["Message-ID"])))
    assert (answered.ticket_id, answered.email) == (ticket.ticket_id, MARIA)
    page = (await desk.get(place(house, ticket))).text
    assert f'<span class="message-author">{BOSS}' in page


async def test_who_is_in_copy_and_answers_the_customers_own_mail_joins_and_nobody_else_does(
    house: House, ticket: Ticket
) -> None:
    joined = await bring(house, written(BOSS, "<boss@example.com>", In_Reply_To="<first@example.com>"))
    further = await bring(house, written(LEGAL, "<legal@example.com>", In_Reply_To="<boss@example.com>"))
    stranger = await bring(
        house, written("eve@example.net", "<eve@example.net>", In_Reply_To="<first@example.com>")
    )

    assert (joined.ticket_id, joined.email) == (ticket.ticket_id, MARIA)
    assert further.ticket_id == ticket.ticket_id
    assert stranger.ticket_id != ticket.ticket_id


async def test_a_number_in_a_subject_brings_nobody_along_in_a_name_that_anybody_can_write(
    house: House, ticket: Ticket
) -> None:
    eve = f"{SUPPORT}, eve@example.net"
    for sender in (MARIA, BOSS):
        forged = written(sender, f"<{sender}.net>", to=eve)
        forged = forged.replace(b"Subject: Tent", b"Subject: Tent (#%d)" % ticket.number)
        assert (await bring(house, forged)).ticket_id == ticket.ticket_id
    without = await house.as_system(participants.of_ticket, ticket.ticket_id)
    await bring(house, written(BOSS, "<boss@example.com>", to=eve, In_Reply_To="<first@example.com>"))

    assert without == [BOSS, LEGAL]
    assert "eve@example.net" in await house.as_system(participants.of_ticket, ticket.ticket_id)


async def test_who_is_in_copy_of_the_ticket_that_goes_on_answers_what_was_merged_into_it(
    house: House, ticket: Ticket
) -> None:
    other = await bring(house, written(OLGA, "<olga@example.com>"))

    def merged(tx: Tx) -> Ticket:
        return merging.merge(tx, other.ticket_id, ticket.ticket_id, two_people=True)

    await house.db.write(ada(house), merged)
    await house.db.write(ada(house), participants.remove, ticket.ticket_id, LEGAL)
    answers = [
        await bring(house, written(each, f"<again.{each}>", to=SUPPORT, In_Reply_To="<olga@example.com>"))
        for each in (LEGAL, MARIA, OLGA)
    ]

    assert [each.ticket_id == ticket.ticket_id for each in answers] == [False, True, True]


async def test_nobody_learns_by_a_copy_that_the_customer_let_us_read_along(house: House) -> None:
    """A blind copy (Bcc) names us nowhere; an address that hands on to ours is named, and is no reader."""
    await house.as_system(mailboxes.add, SUPPORT)
    blind = await bring(house, written(MARIA, "<blind@example.com>", to=BOSS))
    handed_on = written(
        MARIA, "<on@example.com>", to=f"info@acme.example, {BOSS}", X_Original_To="info@acme.example"
    )
    open_one = await bring(house, handed_on)

    assert await house.as_system(participants.of_ticket, blind.ticket_id) == []
    assert await house.as_system(participants.of_ticket, open_one.ticket_id) == [BOSS, LEGAL]


async def test_who_was_taken_out_or_is_blocked_gets_nothing_any_more(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    here = place(house, ticket)
    await desk.submit(f"{here}/participants", {"remove": LEGAL}, page=here)
    await desk.submit(f"{here}/participants", {"participant": "new@example.com"}, page=here)
    await house.as_system(contacts.remember, BOSS, "", typed=False)
    boss = await house.as_system(contacts.at, BOSS)
    assert boss
    await house.db.write(ada(house), contacts.block, boss.contact_id)
    await answer(desk, house, ticket)
    await mails(house, "new@example.com")
    page = (await desk.get(here)).text

    assert delivered(house, LEGAL) == delivered(house, BOSS) == []
    assert f"Ada Moreau took {LEGAL} out of copy" in page
    assert "Ada Moreau put new@example.com in copy" in page


@pytest.mark.parametrize("typed", ["", "nobody", MARIA, SUPPORT])
async def test_an_address_that_cannot_be_in_copy_is_refused_with_a_sentence(
    house: House, desk: Browser, ticket: Ticket, typed: str
) -> None:
    here = place(house, ticket)
    refused = await desk.submit(f"{here}/participants", {"participant": typed}, page=here)

    assert refused.status_code == 422
    assert 'id="participant-problem"' in refused.text
