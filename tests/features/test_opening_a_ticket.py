"""Opening a ticket on the portal."""

import asyncio
import re
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from parlour.db.schema import workspaces
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Priority, Status
from parlour.kernel.access import Actor
from tests.house import Browser, House
from tests.mailbox import mails

NEW = "/support/acme/ticket/new"


def form(**fields: str) -> dict[str, str]:
    return {
        "subject": "The parcel is late",
        "description": "It should have been here on Monday.",
        "email": "Maria@Example.com ",
        "client_id": str(uuid4()),
        **fields,
    }


async def test_a_ticket_gets_a_number_a_room_and_its_description_as_first_message(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor, email="Maria@Example.com ")
    history = await house.as_system(chat.history, ticket.chat_room_id)

    assert (ticket.number, ticket.status, ticket.priority) == (1, Status.NEW, Priority.MEDIUM)
    assert ticket.email == "maria@example.com"
    assert [(m.seq, m.content, m.sender_type) for m in history.messages] == [
        (1, ticket.description, "customer")
    ]


async def test_success_leads_to_the_ticket_which_this_browser_may_see(house: House, visitor: Browser) -> None:
    answer = await visitor.submit(NEW, form(), page=NEW)
    page = await visitor.get(answer.headers["location"])

    assert answer.status_code == 303
    assert page.status_code == 200
    assert "The parcel is late" in page.text


async def test_twenty_identical_submits_at_once_make_one_ticket_and_one_mail(
    house: House, visitor: Browser
) -> None:
    fields = {"csrf": await visitor.csrf(NEW), **form()}
    answers = await asyncio.gather(*[visitor.post(NEW, data=fields) for _ in range(20)])
    rows = (await house.as_system(listing.workspace_tickets, Filters())).rows
    room = await house.as_system(chat.history, rows[0].chat_room_id)

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(rows) == 1
    assert len(room.messages) == 1


@pytest.mark.parametrize("held", [0, 1], ids=["a fresh browser", "one that has a ticket"])
async def test_the_same_words_in_many_forms_at_once_make_one_ticket(
    house: House, visitor: Browser, held: int
) -> None:
    """The page was opened several times, or gone back to before the first answer came."""
    for _ in range(held):
        await house.open_ticket(visitor, subject="Another matter")
    token = await visitor.csrf(NEW)
    answers = await asyncio.gather(*[visitor.post(NEW, data={"csrf": token, **form()}) for _ in range(12)])
    rows = (await house.as_system(listing.workspace_tickets, Filters())).rows
    [address] = {answer.headers.get("location", "") for answer in answers}
    page = await visitor.get(address)

    assert len(rows) == held + 1
    assert page.status_code == 200


async def test_the_same_words_at_once_from_two_browsers_are_two_tickets(
    house: House, visitor: Browser
) -> None:
    """Whoever knows what somebody else has just written does not come into their ticket by it."""
    async with house.browser() as other:
        browsers = [visitor, other]
        tokens = [await browser.csrf(NEW) for browser in browsers]
        sent = [
            browser.post(NEW, data={"csrf": token, **form()})
            for browser, token in zip(browsers, tokens, strict=True)
        ]
        first, second = [answer.headers["location"] for answer in await asyncio.gather(*sent)]
        seen = [(await visitor.get(second)).status_code, (await other.get(first)).status_code]

    assert first != second
    assert seen == [403, 403]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("subject", " ", "Enter a subject"),
        ("subject", "x" * 201, "Shorten the subject"),
        ("description", "", "Describe what happened"),
        ("description", "x" * 20_001, "Shorten the description"),
        ("email", "", "Enter your email address"),
        ("email", "maria@example", "Enter an email address like"),
    ],
)
async def test_a_field_that_cannot_be_taken_is_named_and_nothing_typed_is_lost(
    house: House, visitor: Browser, field: str, value: str, sentence: str
) -> None:
    answer = await visitor.submit(NEW, form(**{"subject": "Kept subject", field: value}), page=NEW)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "maria@example" in answer.text.lower() or field == "email"
    assert (await house.as_system(listing.workspace_tickets, Filters())).rows == []


async def test_what_was_typed_is_kept_once_it_can_be_stored(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(
        visitor, subject="  Two\r\nlines \t and  spaces\x00 ", description="\r\nFirst\r\nSecond\x00\r\n"
    )

    assert (ticket.subject, ticket.description) == ("Two lines and spaces", "First\nSecond")


@pytest.mark.parametrize(("field", "length"), [("subject", 200), ("description", 20_000)])
async def test_the_longest_text_is_taken_whole(
    house: House, visitor: Browser, field: str, length: int
) -> None:
    ticket = await house.open_ticket(visitor, **{field: "ü" * length})

    assert getattr(ticket, field) == "ü" * length


async def test_whoever_fills_in_the_hidden_field_is_asked_and_loses_nothing(
    house: House, visitor: Browser
) -> None:
    """Form fillers do it for people, who would never know where their ticket went."""
    filled = form(website="http://spam.example")
    asked = await visitor.submit(NEW, filled, page=NEW)
    nothing = (await house.as_system(listing.workspace_tickets, Filters())).rows
    sent = await visitor.submit(NEW, {**filled, "website": ""}, page=NEW)

    assert asked.status_code == 422
    assert "a hidden field was filled in" in asked.text
    assert "It should have been here on Monday." in asked.text
    assert 'name="website"' not in asked.text
    assert nothing == []
    assert sent.status_code == 303


async def test_a_form_sent_again_after_going_back_is_the_same_ticket(house: House, visitor: Browser) -> None:
    """The browser restores the words, and not the id of the form that they were sent with."""
    first = await visitor.submit(NEW, form(), page=NEW)
    again = await visitor.submit(NEW, form(email="maria@example.com"), page=NEW)
    other = await visitor.submit(NEW, form(subject="Something else"), page=NEW)

    assert again.status_code == 303
    assert again.headers["location"] == first.headers["location"]
    assert other.headers["location"] != first.headers["location"]
    assert len((await house.as_system(listing.workspace_tickets, Filters())).rows) == 2
    assert len(await mails(house, "maria@example.com", 2)) == 2


async def test_the_same_words_from_another_browser_or_after_the_end_are_another_ticket(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    async with house.browser() as other:
        second = await house.open_ticket(other)
    await house.as_system(
        tickets.update_ticket_status, ticket.ticket_id, Status.CLOSED, seen_version=ticket.version
    )
    third = await house.open_ticket(visitor)

    assert len({ticket.ticket_id, second.ticket_id, third.ticket_id}) == 3


@pytest.mark.parametrize("path", [NEW, "/auth/login", "/support/acme/access", "/auth/forgot"])
async def test_a_browser_without_cookies_is_told_what_is_missing(house: House, path: str) -> None:
    async with house.browser() as browser:
        token = await browser.csrf(path)
        browser.cookies.clear()
        page = await browser.post(path, data={"csrf": token, **form(password="x")})

    assert page.status_code == 403
    assert "Your browser keeps no cookies" in page.text
    assert "open for too long" not in page.text


async def test_a_page_open_for_too_long_keeps_what_was_typed(house: House, visitor: Browser) -> None:
    await visitor.get(NEW)
    page = await visitor.post(NEW, data={"csrf": "0" * 64, **form()})

    assert page.status_code == 403
    assert "This page was open for too long." in page.text
    for kept in ("The parcel is late", "It should have been here on Monday.", "Maria@Example.com"):
        assert kept in page.text
    assert (await house.as_system(listing.workspace_tickets, Filters())).rows == []


async def test_a_form_without_its_id_keeps_what_was_typed_and_gets_one(visitor: Browser) -> None:
    page = await visitor.submit(NEW, form(client_id="broken"), page=NEW)
    again = re.search(r'name="client_id" value="([^"]+)"', page.text)
    assert again
    second = await visitor.submit(NEW, form(client_id=again[1]), page=NEW)

    assert page.status_code == 400
    assert "The parcel is late" in page.text
    assert second.status_code == 303


async def test_words_changed_after_the_first_send_are_another_ticket_if_sent_again(
    house: House, visitor: Browser
) -> None:
    fields = form()
    await visitor.submit(NEW, fields, page=NEW)
    page = await visitor.submit(NEW, {**fields, "subject": "Other words"}, page=NEW)
    fresh = re.search(r'name="client_id" value="([^"]+)"', page.text)
    assert fresh
    changed = {**fields, "subject": "Other words", "client_id": fresh[1]}
    answer = await visitor.submit(NEW, changed, page=NEW)

    assert page.status_code == 409
    assert "This ticket was opened before, with other words." in page.text
    assert answer.status_code == 303
    assert len((await house.as_system(listing.workspace_tickets, Filters())).rows) == 2


async def test_nobody_gets_into_a_ticket_by_repeating_its_form(house: House, visitor: Browser) -> None:
    """Whoever has the id and all the words has written them; one word less and there is nothing to see."""
    fields = form()
    await visitor.submit(NEW, fields, page=NEW)
    async with house.browser("10.6.6.6") as other:
        page = await other.submit(NEW, {**fields, "description": "Guess"}, page=NEW)

    assert page.status_code == 409
    assert not any(name.startswith("parlour_ticket") for name in other.cookies)
    assert "It should have been here on Monday." not in page.text


async def test_one_address_of_mail_opens_ten_tickets_an_hour_and_a_repeat_counts_once(house: House) -> None:
    statuses = []
    for number in range(11):
        async with house.browser(f"10.0.0.{number}") as browser:
            fields = form()
            statuses.append((await browser.submit(NEW, fields, page=NEW)).status_code)
            repeat = await browser.submit(NEW, fields, page=NEW)
    async with house.browser("10.0.1.1") as browser:
        calm = await browser.submit(NEW, form(email="noor@example.com"), page=NEW)

    assert statuses == [303] * 10 + [429]
    assert repeat.status_code == 429, "and what was not opened is nothing to repeat"
    assert calm.status_code == 303


async def test_too_many_from_one_network_keep_their_text_and_others_are_not_stopped(
    house: House, visitor: Browser
) -> None:
    token = await visitor.csrf(NEW)
    for number in range(30):
        await visitor.post(NEW, data={"csrf": token, **form(email=f"m{number}@example.com")})
    page = await visitor.post(NEW, data={"csrf": token, **form(subject="The one too many")})
    async with house.browser("10.1.2.3") as other:
        calm = await other.submit(NEW, form(email="noor@example.com"), page=NEW)

    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert "Several tickets were opened from here" in page.text
    assert "The one too many" in page.text
    assert "Try again in about" in page.text or "try again in about" in page.text
    assert calm.status_code == 303


async def test_a_household_of_ipv6_counts_as_one(house: House) -> None:
    statuses = []
    for number in range(31):
        async with house.browser(f"2001:db8:1:2::{number:x}") as browser:
            fields = form(email=f"m{number}@example.com")
            statuses.append((await browser.submit(NEW, fields, page=NEW)).status_code)
    async with house.browser("2001:db8:1:3::1") as neighbour:
        calm = await neighbour.submit(NEW, form(email="noor@example.com"), page=NEW)

    assert statuses == [303] * 30 + [429]
    assert calm.status_code == 303


async def test_a_network_that_has_opened_enough_uses_up_nobodys_address(
    house: House, visitor: Browser
) -> None:
    token = await visitor.csrf(NEW)
    for number in range(30):
        await visitor.post(NEW, data={"csrf": token, **form(email=f"m{number}@example.com")})
    for _ in range(10):
        assert (await visitor.post(NEW, data={"csrf": token, **form()})).status_code == 429
    async with house.browser("10.1.2.3") as other:
        calm = await other.submit(NEW, form(), page=NEW)

    assert calm.status_code == 303


async def test_what_was_sent_twice_leaves_no_hole_in_the_numbers(house: House, visitor: Browser) -> None:
    """By its id, and by its words under another one."""
    fields = form()
    for again in (fields, fields, {**fields, "client_id": str(uuid4())}, form(subject="Another parcel")):
        assert (await visitor.submit(NEW, again, page=NEW)).status_code == 303
    rows = (await house.as_system(listing.workspace_tickets, Filters())).rows

    assert sorted(row.number for row in rows) == [1, 2]


async def test_a_ticket_opens_in_the_workspace_whose_portal_is_there_now(
    house: House, visitor: Browser
) -> None:
    """The program supposes that it is the one in which the ticket before was opened."""
    acme, other = house.workspace.workspace_id, house.other.workspace_id

    async def move(workspace_id: UUID, slug: str) -> None:
        moved = update(workspaces).where(workspaces.c.workspace_id == workspace_id).values(slug=slug)
        await house.db.write(Actor.system(workspace_id), lambda tx: tx.execute(moved).rowcount)

    await house.open_ticket(visitor)
    token = await visitor.csrf(NEW)
    await move(acme, "before")
    nowhere = await visitor.post(NEW, data={**form(subject="A tent"), "csrf": token})
    await move(acme, "acme")
    await house.open_ticket(visitor, subject="A stove")
    await move(acme, "before")
    await move(other, "acme")
    elsewhere = await visitor.post(NEW, data={**form(subject="A kettle"), "csrf": token})

    assert (nowhere.status_code, elsewhere.status_code) == (404, 303)
    listed = [
        (await house.db.read(Actor.system(here), listing.workspace_tickets, Filters())).rows
        for here in (acme, other)
    ]
    assert [sorted(row.subject for row in rows) for rows in listed] == [
        ["A stove", "The parcel is late"],
        ["A kettle"],
    ]
