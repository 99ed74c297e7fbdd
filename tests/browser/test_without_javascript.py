"""Every step of the conversation as plain HTML: scripts are off in these browsers."""

import pytest
from playwright.async_api import Page, expect

from parlour.features.tickets.models import Status
from tests.browser.axe import NARROW, too_wide
from tests.browser.past import Past
from tests.browser.people import PHONE, People, Room, chat_of, desk_of, status_of
from tests.live import PASSWORD, Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def send(page: Page, text: str) -> None:
    """Without a script Enter breaks the line; the button sends."""
    await Room(page).composer.fill(text)
    await Room(page).send_button.click()


async def test_a_customer_opens_a_ticket_writes_and_reads_the_answer(
    live: Live, past: Past, people: People
) -> None:
    maria = await people.stranger(javascript=False)
    await maria.page.goto(live.portal)
    await maria.page.get_by_role("main").get_by_role("link", name="Open a ticket").click()
    await maria.page.get_by_label("Your email address").fill("maria.plain@customer.example")
    await maria.page.get_by_label("Subject").fill("Plain as paper")
    await maria.page.get_by_label("What can we help with?").fill("I switch scripts off.")
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await maria.page.get_by_role("link", name="Open the conversation").first.click()
    await send(maria.page, "Does this work?")
    await Room(maria.page).shows("Does this work?")

    [row] = await past.tickets_called("Plain as paper")
    ben = await people.agent("ben", javascript=False)
    await ben.page.goto(f"{live.desk}/tickets/{row.ticket_id}")
    await send(ben.page, "It does.")
    await Room(ben.page).shows("It does.")
    await maria.page.get_by_role("link", name="Refresh to see new messages").click()

    await Room(maria.page).shows("It does.")


async def test_no_page_is_wider_than_the_narrowest_phone(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False, viewport=NARROW)
    ada = await people.agent(javascript=False, viewport=NARROW)
    settings = [f"{live.desk}/settings", f"{live.desk}/settings/mail", f"{live.desk}/settings/webhooks"]
    lists = [live.desk, f"{live.desk}/tickets", f"{live.desk}/contacts", f"{live.desk}/people"]
    for person, addresses in (
        (maria, [live.portal, f"{live.portal}/ticket/new", chat_of(live, ticket)]),
        (ada, [*lists, f"{live.desk}/tickets/new", desk_of(live, ticket), *settings]),
    ):
        for address in addresses:
            await person.page.goto(address)
            assert await too_wide(person.page) == [], address


async def test_an_agent_signs_in_and_finds_the_ticket(live: Live, past: Past, people: People) -> None:
    await past.ticket(subject="Found in the list")
    ada = await people.stranger(javascript=False)
    await ada.page.goto(f"{live.url}/auth/login")
    await ada.page.get_by_label("Email address").fill(email_of("ada"))
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Sign in").click()
    await ada.page.get_by_role("link", name="All unfinished").click()
    await ada.page.get_by_role("link", name="Found in the list").click()

    await expect(ada.page.get_by_role("heading", name="Found in the list")).to_be_visible()


async def test_an_agent_saves_a_status_with_its_button(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    ada = await people.agent(javascript=False)
    await ada.page.goto(desk_of(live, ticket))
    await ada.page.get_by_label("Status", exact=True).select_option("pending")
    await ada.page.locator("#change-status").get_by_role("button", name="Save").click()

    await expect(Room(ada.page).status).to_have_text("Pending")
    await expect(ada.page.get_by_label("Status", exact=True)).to_have_value("pending")


async def test_a_status_that_a_colleague_changed_first_is_shown_not_undone(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent(javascript=False, viewport=PHONE)
    ada.expects(status_of(409))
    await ada.page.goto(desk_of(live, ticket))
    await past.status(ticket, Status.RESOLVED)
    await ada.page.get_by_text("Details", exact=True).first.click()
    await ada.page.get_by_label("Status", exact=True).select_option("pending")
    await ada.page.locator("#change-status").get_by_role("button", name="Save").click()

    await expect(ada.page.get_by_text("Somebody else changed this ticket")).to_be_visible()
    await expect(Room(ada.page).status).to_have_text("Resolved")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("   ", "Write a message first."), ("x" * 20_001, "This message is too long")],
    ids=["empty", "too long"],
)
async def test_a_message_that_cannot_be_sent_says_why_and_is_kept(
    live: Live, past: Past, people: People, text: str, sentence: str
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False)
    maria.expects(status_of(422))
    await maria.page.goto(chat_of(live, ticket))
    # Nothing stops at the limit: what is pasted is never cut.
    await send(maria.page, text)

    await expect(maria.page.get_by_role("alert").get_by_text(sentence)).to_be_visible()
    await expect(Room(maria.page).composer).to_have_value(text)


async def test_a_refused_ticket_names_its_problems_and_keeps_what_was_typed(
    live: Live, people: People
) -> None:
    maria = await people.stranger(javascript=False)
    maria.expects(status_of(422))
    await maria.page.goto(f"{live.portal}/ticket/new")
    await maria.page.get_by_label("Your email address").fill("maria@nowhere")
    await maria.page.get_by_label("What can we help with?").fill("Kept.")
    await maria.page.get_by_role("button", name="Open the ticket").click()

    await expect(maria.page.get_by_role("alert").get_by_role("link", name="Enter a subject")).to_be_visible()
    await expect(maria.page.get_by_role("alert").get_by_role("link", name="Enter an email")).to_be_visible()
    await expect(maria.page.get_by_label("Your email address")).to_have_value("maria@nowhere")
    await expect(maria.page.get_by_label("What can we help with?")).to_have_value("Kept.")


async def test_a_closed_room_is_read_and_leads_on(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    await past.status(ticket, Status.CLOSED)
    maria = await people.customer(ticket, javascript=False)
    await maria.page.goto(chat_of(live, ticket))

    await Room(maria.page).shows(ticket.description)
    await expect(Room(maria.page).composer).to_be_hidden()
    await Room(maria.page).notice.get_by_role("button", name="Open a new ticket").click()
    await expect(maria.page.get_by_role("heading", name="Open a ticket")).to_be_visible()


async def test_words_sent_into_a_room_that_closed_meanwhile_are_given_back(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False)
    maria.expects(status_of(409))
    await maria.page.goto(chat_of(live, ticket))
    await past.status(ticket, Status.CLOSED)
    await send(maria.page, "One more thing")

    await expect(maria.page.get_by_text("This ticket is closed.")).to_be_visible()
    await expect(Room(maria.page).notice.get_by_text("One more thing")).to_be_visible()
    await Room(maria.page).notice.get_by_role("button", name="Open a new ticket").click()
    await expect(maria.page.get_by_label("What can we help with?")).to_have_value("One more thing")


async def test_sending_the_same_form_twice_says_it_once(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False)
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).composer.fill("Only once")
    await Room(maria.page).send_button.dblclick()
    await Room(maria.page).shows("Only once")

    assert (await past.contents(ticket)).count("Only once") == 1


async def test_the_theme_button_is_not_offered_where_it_could_do_nothing(live: Live, people: People) -> None:
    maria = await people.stranger(javascript=False)
    await maria.page.goto(live.portal)

    await expect(maria.page.locator("[data-theme-toggle]")).to_be_hidden()


async def test_reading_is_said_with_a_button_and_the_other_side_sees_it(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False)
    ada = await people.agent(javascript=False)
    await ada.page.goto(desk_of(live, ticket))
    await ada.page.get_by_role("button", name="Mark as read").click()
    await expect(ada.page.get_by_role("button", name="Mark as read")).to_have_count(0)
    await send(ada.page, "It is on its way.")
    await Room(ada.page).shows("It is on its way.")
    await maria.page.goto(live.portal)
    await expect(maria.page.get_by_text("New reply")).to_be_visible()
    await maria.page.goto(chat_of(live, ticket))
    await maria.page.get_by_role("button", name="Mark as read").click()
    await expect(maria.page.get_by_role("button", name="Mark as read")).to_have_count(0)

    assert await past.has_read(ticket, "It is on its way.")
    await maria.page.goto(live.portal)
    await expect(maria.page.get_by_text("New reply")).to_have_count(0)
    await ada.page.reload()
    await expect(Room(ada.page).log.get_by_text("Seen")).to_be_visible()


async def test_an_answer_does_not_mark_what_came_after_its_page_was_drawn(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False)
    await maria.page.goto(chat_of(live, ticket))
    await past.said(ticket, [(await past.agent("ada"), "Which colour was it?", None)])
    await send(maria.page, "It was a tent.")
    await Room(maria.page).shows("Which colour was it?")

    assert not await past.has_read(ticket, "Which colour was it?")
