"""Somebody who is blocked: what they send lands closed and quiet, and they learn nothing of it."""

import re
from collections.abc import Sequence
from html import unescape
from uuid import uuid4

import pytest
from msgspec.structs import replace

from parlour.features.contacts import service as contacts
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Draft, Field, Status
from parlour.kernel.events import Event, JobQueued, SpokeUnheard, TicketChanged
from tests.features.test_contacts import contact, page
from tests.house import Browser, House
from tests.mailbox import mails
from tests.tickets import JSON, ada, customer_says, now, place, words

Heard = list[Event | JobQueued]


async def block(house: House, desk: Browser, email: str = "maria@example.com", to: str = "block") -> None:
    here = page(house, await contact(house, email))
    answer = await desk.submit(f"{here}/{to}", {}, page=here)
    assert answer.status_code == 303


@pytest.fixture
def heard(house: House) -> Heard:
    """What everybody who follows the workspace is told."""
    told: Heard = []
    house.db.on_commit(told.extend)
    return told


def changes(heard: Sequence[Event | JobQueued]) -> list[TicketChanged]:
    return [event for event in heard if isinstance(event, TicketChanged)]


async def counts(house: House, desk: Browser) -> list[str]:
    """What stands beside the views in the sidebar, and which rows of all tickets are unread."""
    shown = (await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets")).text
    return re.findall(r"<b>[^<]*</b>", shown) + re.findall(r'class="unread"', shown)


async def test_a_ticket_of_somebody_blocked_lands_closed_and_nobody_is_told(
    house: House, visitor: Browser, desk: Browser, heard: Heard
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    before = await counts(house, desk)
    heard.clear()
    ticket = await house.open_ticket(visitor, subject="And another thing")
    shown = (await desk.get(place(house, ticket))).text
    row = (await desk.get(f"{place(house, ticket)}/row")).text

    assert (ticket.status, ticket.waiting_since) == (Status.CLOSED, None)
    assert changes(heard) == []
    assert await counts(house, desk) == before
    assert "This person is blocked" in shown
    assert ">Unblock</button>" in shown
    assert 'class="message-blocked">Blocked<' in shown
    assert "Blocked</span>" in row


async def test_what_somebody_blocked_writes_is_kept_and_moves_nothing(
    house: House, visitor: Browser, desk: Browser, heard: Heard
) -> None:
    ticket = await house.open_ticket(visitor)
    await desk.get(place(house, ticket))
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("Solved?", then="resolved", seen="1"), page=here)
    await block(house, desk)
    before, listed = await now(house, ticket), await counts(house, desk)
    heard.clear()
    await customer_says(house, ticket, "No!")
    shown = (await desk.get(place(house, ticket))).text

    after = await now(house, ticket)
    assert after.last_message_at > before.last_message_at  # as the customer's own pages say
    assert replace(after, last_message_at=before.last_message_at) == before
    assert changes(heard) == []
    assert [type(event) for event in heard if isinstance(event, SpokeUnheard)] == [SpokeUnheard]
    assert await counts(house, desk) == listed
    assert "No!" in shown
    assert shown.count('class="message-blocked"') == 2  # with the one that is cloned


async def test_those_who_are_blocked_are_a_list_of_their_own(
    house: House, visitor: Browser, desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "PAGE", 2)
    everybody = [f"{name}@example.com" for name in ("ann", "bob", "eve", "ida", "maria")]
    for email in everybody:
        await house.open_ticket(visitor, email=email)
    for email in everybody[::2]:
        await block(house, desk, email)
    here = page(house)
    first = (await desk.get(here, params={"blocked": "1"})).text
    [more] = re.findall(r'href="([^"]*after=[^"]*)"', unescape(first))
    second = (await desk.get(more)).text
    none = (await desk.get(here, params={"blocked": "1", "q": "bob@"})).text

    assert [[email for email in everybody if f">{email}<" in shown] for shown in (first, second, none)] == [
        ["ann@example.com", "eve@example.com"],
        ["maria@example.com"],
        [],
    ]
    assert 'name="blocked" value="1" class="input" autocomplete="off" checked' in first
    assert "No address that is blocked begins so." in none


async def test_somebody_blocked_learns_nothing_of_it(house: House, desk: Browser) -> None:
    """Each page and answer is, but for who asks, that of somebody who is not blocked."""
    seen: dict[str, list[str]] = {}
    for email in ("maria@example.com", "marta@example.com"):
        async with house.browser() as browser:
            first = await house.open_ticket(browser, email=email)
            if email.startswith("maria"):
                await block(house, desk, email)
            second = await house.open_ticket(browser, email=email, subject="Second")
            again = await house.open_ticket(browser, email=email, subject="Second")
            said = []
            for ticket in (first, second):
                here = f"/support/acme/ticket/{ticket.ticket_id}"
                said += [
                    await browser.submit(f"{here}/chat", words("Hello?"), page=here, headers=JSON),
                    await browser.get(here),
                    await browser.get(f"{here}/chat"),
                ]
            said.append(await browser.get("/support/acme"))
            assert again.ticket_id == second.ticket_id
            seen[email] = [f"{one.status_code} {plain(one.text, email)}" for one in said]
            assert len(await mails(house, email, 2)) == 2

    assert seen["maria@example.com"] == seen["marta@example.com"]


def plain(text: str, email: str) -> str:
    """Less what differs between any two: ids, secrets, numbers, moments, the address."""
    text = text.replace(email, "somebody")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}", "id", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "moment", text)
    return re.sub(r"#\d+|\d\d:\d\d", "number", text)


async def test_once_unblocked_the_next_word_brings_a_quiet_ticket_to_the_agents(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    quiet = await house.open_ticket(visitor, subject="Second")
    await block(house, desk, to="unblock")
    still = await now(house, quiet)
    await customer_says(house, quiet, "Is anybody there?")
    brought = await now(house, quiet)

    assert (still.status, still.quiet) == (Status.CLOSED, True)
    assert (brought.status, brought.quiet) == (Status.OPEN, False)
    assert brought.waiting_since is not None


async def test_a_quiet_ticket_that_agents_take_up_was_never_closed_to_its_customer(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    quiet = await house.open_ticket(visitor, subject="Second")
    await house.db.write(
        ada(house), tickets.update_ticket_status, quiet.ticket_id, Status.OPEN, seen_version=1
    )
    room = (await visitor.get(f"/support/acme/ticket/{quiet.ticket_id}/chat")).text

    assert "Ada Moreau reopened this ticket" not in room
    assert (await now(house, quiet)).told is Status.OPEN


async def test_what_is_taken_back_of_a_quiet_ticket_its_customer_never_hears_of(
    house: House, visitor: Browser, desk: Browser, heard: Heard
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    quiet = await house.open_ticket(visitor, subject="Second")
    here = f"/support/acme/ticket/{quiet.ticket_id}"
    pages = [plain((await visitor.get(here)).text, quiet.email)]
    heard.clear()
    change = await house.db.write(
        ada(house), bulk.change_one, quiet.ticket_id, Field.STATUS, "open", seen_version=1
    )
    meanwhile = await now(house, quiet)
    pages.append(plain((await visitor.get(here)).text, quiet.email))
    await house.db.write(ada(house), bulk.undo, change.bulk_id)
    await house.as_system(bulk.say_some, change.bulk_id)
    after = await now(house, quiet)
    pages.append(plain((await visitor.get(here)).text, quiet.email))
    sent = await visitor.submit(f"{here}/chat", words("Hello?"), page=here, headers=JSON)

    assert (meanwhile.status, meanwhile.told) == (Status.OPEN, Status.NEW)
    assert (after.status, after.told, after.unsaid_from) == (Status.CLOSED, Status.NEW, None)
    assert pages[0] == pages[1] == pages[2]
    assert [event.inward for event in changes(heard)] == [True, True]
    assert sent.status_code == 201


async def test_of_a_quiet_ticket_that_stays_open_its_customer_hears_when_the_moment_is_over(
    house: House, visitor: Browser, desk: Browser, heard: Heard
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    quiet = await house.open_ticket(visitor, subject="Second")
    change = await house.db.write(
        ada(house), bulk.change_one, quiet.ticket_id, Field.STATUS, "pending", seen_version=1
    )
    heard.clear()
    await house.as_system(bulk.say_some, change.bulk_id)
    after = await now(house, quiet)

    assert (after.status, after.told, after.quiet) == (Status.PENDING, Status.PENDING, False)
    assert [(event.status, event.inward) for event in changes(heard)] == [("pending", False)]


async def test_agents_open_tickets_for_somebody_blocked_as_ever(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    await block(house, desk)
    draft = Draft("Your parcel", "It has come back to us.", "maria@example.com", uuid4())
    opened = await house.db.write(ada(house), tickets.open_for, draft)

    assert opened.ticket.status is Status.OPEN


async def test_blocking_is_on_record_once_with_the_address(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    for to in ("block", "block", "unblock", "unblock"):
        await block(house, desk, to=to)
    trail = (await desk.get(f"/workspace/{house.workspace.workspace_id}/settings/audit.csv")).text
    rows = [line for line in trail.splitlines() if "maria@example.com" in line and "blocked" in line]

    assert len(rows) == 2
    assert (await contact(house)).blocked_at is None


async def test_the_form_on_a_ticket_leads_back_to_it_and_nowhere_else(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = page(house, await contact(house))
    ways = []
    for back in (place(house, ticket), "https://elsewhere.example/", "/support/acme"):
        answer = await desk.submit(f"{here}/block", {"back": back}, page=here)
        ways.append(answer.headers["location"])

    assert ways == [place(house, ticket), here, here]


async def test_a_name_typed_on_the_portal_is_shown_as_such_until_an_agent_has_said_it(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor, name="The Boss")
    typed = (await desk.get(place(house, ticket))).text
    draft = Draft("Your parcel", "It is here.", "maria@example.com", uuid4(), "Maria López")
    await house.db.write(ada(house), tickets.open_for, draft)
    await house.open_ticket(visitor, subject="Third", name="The Boss again")
    said = (await desk.get(place(house, ticket))).text
    known = await house.db.read(ada(house), contacts.at, "maria@example.com")

    note = "The name is as they gave it themselves."
    assert note in typed
    assert note not in said
    assert known
    assert (known.name, known.name_typed) == ("Maria López", False)
