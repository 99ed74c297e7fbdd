"""A member answers the mail that told them of a ticket: its customer gets it under their name, or nobody."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Mail, Outcome
from parlour.features.mailroom.service import READ
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor, Role
from parlour.mail.threads import message_id
from tests.features.test_notifications import give
from tests.features.test_told_by_mail import due, pass_by
from tests.house import Browser, House, open_house
from tests.mailbox import mails, text_of
from tests.tickets import ada, customer_says

SUPPORT, BOB = "support@acme.example", "bob@acme.example"
VOUCHED = "mx.acme.example; dmarc=pass header.from=acme.example"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Its own mail server looks at senders, and no worker runs by itself."""
    async with open_house(tmp_path, PARLOUR_MAIL_AUTHSERV_ID="mx.acme.example") as house:
        await house.app.parlour.worker.stop()
        await house.as_system(mailboxes.add, SUPPORT)
        yield house


@pytest.fixture
async def bob(house: House) -> Actor:
    user_id = await house.add_agent(BOB, Role.AGENT, name="Bob Okafor")
    return Actor.agent(house.workspace.workspace_id, user_id, Role.AGENT, "Bob Okafor")


@pytest.fixture
async def ticket(house: House, bob: Actor) -> Ticket:
    async with house.browser() as visitor:
        ticket = await house.open_ticket(visitor)
    assert bob.user_id
    await give(house, ada(house), ticket, bob.user_id)
    return ticket


def told_of(house: House, ticket: Ticket, member: UUID | None) -> str:
    """The Message-ID of a mail that told the member of the ticket."""
    settings = house.app.parlour.settings
    return message_id(uuid4(), settings.mail_host, ticket.ticket_id, settings.secret_key, told=member)


async def run(house: House, kind: str) -> None:
    for job in await due(house, kind):
        await house.app.parlour.worker._handler(job.kind)(job)  # noqa: SLF001 as the worker runs it


async def answer(house: House, to: str, words: str, *, sender: str = BOB, **headers: str) -> Mail:
    """The ledger's line of it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, "Re: #1"
    mail["Message-ID"], mail["In-Reply-To"] = f"<{uuid4()}@acme.example>", to
    for name, value in {"Authentication-Results": VOUCHED, **headers}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    await Arrivals(house.db, house.app.parlour.files.store).accept(mail.as_bytes(), [SUPPORT])
    await run(house, READ)
    newest: Mail = (await house.as_system(mailroom.ledger)).mails[0]
    return newest


async def newest(house: House, ticket: Ticket) -> tuple[str, str]:
    """Who said last what, in public."""
    [message] = (await house.as_system(chat.history, ticket.chat_room_id, limit=1)).messages
    return message.sender_name, message.content


async def test_what_a_member_answers_is_said_under_their_name_without_what_they_quote(
    house: House, bob: Actor, ticket: Ticket
) -> None:
    await customer_says(house, ticket, "Which pole is it?")
    await pass_by(house, minutes=12)
    await run(house, "mail.told")
    [told] = await mails(house, BOB)
    assert told["Reply-To"] == SUPPORT
    assert "Which pole is it?" in text_of(told)
    assert f"goes to {ticket.email} as your reply" in text_of(told)

    quoted = "".join(f"> {line}\n" for line in text_of(told).splitlines())
    words = f"The short one.\n\nOn Mon, 2 Mar 2026 at 10:00, Acme <{SUPPORT}> wrote:\n{quoted}"
    line = await answer(house, str(told["Message-ID"]), words)

    assert (line.outcome, line.ticket_id) == (Outcome.ADDED, ticket.ticket_id)
    assert await newest(house, ticket) == ("Bob Okafor", "The short one.")
    assert (await house.as_system(tickets.ticket, ticket.ticket_id)).waiting_since is None


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Authentication-Results": "mx.acme.example; dmarc=fail header.from=acme.example"}, BOB),
        ({"Authentication-Results": "mx.evil.example; dmarc=pass header.from=acme.example"}, BOB),
        ({}, "ada@acme.example"),
        ({}, "stranger@acme.example"),
    ],
    ids=["refused", "another server's word", "another member", "a stranger"],
)
async def test_what_is_not_surely_theirs_is_held_back_and_said_to_nobody(
    house: House, bob: Actor, ticket: Ticket, headers: dict[str, str], sender: str
) -> None:
    before = await newest(house, ticket)
    line = await answer(house, told_of(house, ticket, bob.user_id), "Send it all.", sender=sender, **headers)

    assert line.outcome is Outcome.QUARANTINED
    assert line.reason
    assert await newest(house, ticket) == before


@pytest.mark.parametrize(
    ("words", "headers", "outcome"),
    [
        ("I am away.", {"Auto-Submitted": "auto-replied"}, Outcome.AUTOMATIC),
        ("> Which pole is it?", {}, Outcome.QUARANTINED),
        ("Yes. http://parlour.test/workspace/00000000-0000-7000-8000-000000000000/tickets", {}, None),
    ],
    ids=["out of office", "nothing of their own", "the notification itself"],
)
async def test_what_a_machine_or_the_notification_says_is_no_answer(
    house: House, bob: Actor, ticket: Ticket, words: str, headers: dict[str, str], outcome: Outcome | None
) -> None:
    before = await newest(house, ticket)
    line = await answer(house, told_of(house, ticket, bob.user_id), words, **headers)

    assert line.outcome is (outcome or Outcome.QUARANTINED)
    assert await newest(house, ticket) == before


async def test_what_was_held_back_becomes_a_note_of_whoever_puts_it_there(
    house: House, desk: Browser, bob: Actor, ticket: Ticket
) -> None:
    before = await newest(house, ticket)
    to = told_of(house, ticket, bob.user_id)
    unproven = {"Authentication-Results": "mx.evil.example; dmarc=pass"}
    line = await answer(house, to, "It is the short pole.", **unproven)
    ledger = f"/workspace/{house.workspace.workspace_id}/mail"
    page = (await desk.get(ledger)).text
    await desk.submit(f"{ledger}/{line.mail_id}/note", {"note": "now"}, page=ledger)
    again = await desk.post(f"{ledger}/{line.mail_id}/note", data={"csrf": await desk.csrf(ledger)})
    [job] = [each for each in await due(house, READ) if "noted_by" in each.payload]
    await house.app.parlour.worker._handler(READ)(job)  # noqa: SLF001 as the worker runs it
    now = await house.as_system(mailroom.mail, line.mail_id)

    def notes(tx: Tx) -> list[tuple[str, str]]:
        found = chat.history(tx, chat.notes_room(tx, ticket.ticket_id)).messages
        return [(each.sender_name, each.content) for each in found if each.sender_type != "system"]

    assert f"{line.mail_id}/note" in page
    assert f"{line.mail_id}/release" not in page, "it would be held back again"
    assert again.status_code == 409
    assert (now.outcome, now.ticket_id) == (Outcome.ADDED, ticket.ticket_id)
    assert await house.db.read(ada(house), notes) == [(ada(house).name, f"{BOB}:\n\nIt is the short pole.")]
    assert await newest(house, ticket) == before


async def test_what_a_member_answers_from_another_address_of_theirs_can_become_a_note(
    house: House, desk: Browser, bob: Actor, ticket: Ticket
) -> None:
    """As from the account that their telephone writes with."""
    before = await newest(house, ticket)
    to = told_of(house, ticket, bob.user_id)
    line = await answer(house, to, "It is the short pole.", sender="bob@home.example")
    ledger = f"/workspace/{house.workspace.workspace_id}/mail"
    page = (await desk.get(ledger)).text

    assert (line.outcome, line.ticket_id) == (Outcome.QUARANTINED, ticket.ticket_id)
    assert line.reason == "It answers a mail to a member, from another address than theirs."
    assert f"{line.mail_id}/note" in page
    assert f"{line.mail_id}/release" not in page, "it would open a ticket of theirs"
    assert await newest(house, ticket) == before


async def test_a_mail_about_no_ticket_becomes_no_note(house: House, desk: Browser) -> None:
    line = await answer(house, "<x@example.com>", "Hello", sender="")
    ledger = f"/workspace/{house.workspace.workspace_id}/mail"
    page = (await desk.get(ledger)).text
    refused = await desk.submit(f"{ledger}/{line.mail_id}/note", {"note": "now"}, page=ledger)

    assert line.outcome is Outcome.QUARANTINED
    assert f"{line.mail_id}/note" not in page
    assert refused.status_code == 409
    assert (await house.as_system(mailroom.mail, line.mail_id)).outcome is Outcome.QUARANTINED


async def test_who_may_only_look_on_by_now_answers_nobody(house: House, bob: Actor, ticket: Ticket) -> None:
    assert bob.user_id
    await house.db.write(ada(house), handover.set_role, bob.user_id, Role.VIEWER)
    line = await answer(house, told_of(house, ticket, bob.user_id), "Still me.")

    assert line.outcome is Outcome.QUARANTINED
