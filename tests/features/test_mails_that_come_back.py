"""What other mail servers report of a mail of ours stands at the answer, and whoever wrote it is told."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from parlour.features.contacts import service as contacts
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome as Came
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.outgoing.models import Outcome
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.mail.threads import message_id
from tests.house import Browser, House
from tests.mailbox import mails
from tests.tickets import place, words

SUPPORT = "support@acme.example"
SAID = "550 5.1.1 The account does not exist"


def report(about: str, action: str, status: str) -> bytes:
    """As a mail server writes it (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example.com\nTo: support@acme.example\nSubject: Delivery report\n"
        f"Message-ID: <{action}@mx.example.com>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
        f"Final-Recipient: rfc822; maria@example.com\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {SAID}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {about}\nSubject: Re: The parcel\n\n--b--\n"
    ).encode()


def complaint(about: str) -> bytes:
    """As a provider writes it (RFC 5965)."""
    return (
        "From: fbl@provider.example\nTo: support@acme.example\nSubject: Complaint\n"
        "Message-ID: <complaint@provider.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n"
        f"--b\nContent-Type: message/rfc822\n\nMessage-ID: {about}\nSubject: Parcel\n\nHello\n\n--b--\n"
    ).encode()


@pytest.fixture
async def ticket(house: House, visitor: Browser, desk: Browser) -> Ticket:
    """With an answer of Ada's that was mailed at once."""
    await house.as_system(mailboxes.add, SUPPORT)
    ticket = await house.open_ticket(visitor)
    await mails(house, ticket.email)
    await house.as_system(
        threads.came_by_mail, ticket.ticket_id, Arrived("<first@example.com>"), believed=False
    )
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)
    async with asyncio.timeout(30):
        while (await house.as_system(outgoing.page)).mails[0].outcome is not Outcome.SENT:
            await asyncio.sleep(0.01)
    return ticket


async def bring(house: House, raw: bytes) -> Came:
    await Arrivals(house.db, house.app.parlour.files.store).accept(raw, [SUPPORT])
    async with asyncio.timeout(30):
        while (newest := (await house.as_system(mailroom.ledger)).mails[0]).outcome is Came.WAITING:
            await asyncio.sleep(0.01)
    return newest.outcome


async def test_an_answer_that_came_back_says_so_and_whoever_wrote_it_is_told(
    house: House, ticket: Ticket, desk: Browser, visitor: Browser
) -> None:
    about = (await mails(house, ticket.email, 2))[-1]["Message-ID"]
    assert await bring(house, report(about, "delayed", "4.4.1")) is Came.BOUNCE
    assert (await house.as_system(outgoing.page)).mails[0].outcome is Outcome.DEFERRED
    assert await bring(house, report(about, "failed", "5.1.1")) is Came.BOUNCE

    bounced = (await house.as_system(outgoing.page)).mails[0]
    told = (await desk.get(f"/workspace/{house.workspace.workspace_id}/notifications")).text
    page = (await desk.get(place(house, ticket))).text
    room = (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")).text
    assert (bounced.outcome, bounced.said) == (Outcome.BOUNCED, f"5.1.1 {SAID}")
    assert "A mail did not reach the customer" in told
    assert f"5.1.1 {SAID}" in page
    assert "does not exist" not in room


async def test_a_report_of_a_mail_that_is_none_of_ours_changes_nothing(house: House, ticket: Ticket) -> None:
    about = str((await mails(house, ticket.email, 2))[-1]["Message-ID"])
    forged = about.replace("@", "x@") if about[-30] != "x" else about.replace("@", "y@")
    assert await bring(house, report(forged, "failed", "5.1.1")) is Came.BOUNCE

    assert (await house.as_system(outgoing.page)).mails[0].outcome is Outcome.SENT


def away(about: str) -> bytes:
    """As a mail program writes it for whoever is not there (RFC 3834)."""
    return (
        "From: Maria <maria@example.com>\nTo: support@acme.example\nSubject: I am away\n"
        f"Message-ID: <away@example.com>\nIn-Reply-To: {about}\nAuto-Submitted: auto-replied\n\n"
        "Until Monday.\n"
    ).encode()


@pytest.mark.parametrize(
    ("written", "becomes"), [(report, Came.BOUNCE), (complaint, Came.AUTOMATIC), (away, Came.AUTOMATIC)]
)
async def test_what_is_about_a_ticket_that_is_gone_stands_in_the_ledger_alone(
    house: House, ticket: Ticket, written: Callable[..., bytes], becomes: Came
) -> None:
    """A ticket that was deleted, or is another workspace's: its mails still prove that they were ours."""
    settings = house.app.parlour.settings
    about = message_id(uuid4(), settings.mail_host, uuid4(), settings.secret_keys[0])
    raw = written(about, "failed", "5.1.1") if written is report else written(about)

    assert await bring(house, raw) is becomes
    assert (await house.as_system(mailroom.ledger)).mails[0].ticket_id is None


async def test_a_complaint_stands_at_whoever_made_it(house: House, ticket: Ticket) -> None:
    about = (await mails(house, ticket.email, 2))[-1]["Message-ID"]
    assert await bring(house, complaint(about)) is Came.AUTOMATIC

    known = await house.as_system(contacts.at, ticket.email)
    assert known
    assert known.complained_at
