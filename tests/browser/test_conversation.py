"""A customer and an agent in one room, each in a browser of their own."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect

from parlour.features.tickets.models import Status, Ticket
from tests.browser.past import Past
from tests.browser.people import People, Person, Room, chat_of, desk_of
from tests.live import PASSWORD, Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Talk:
    """Maria on her chat page, Ada on the ticket's page at the desk; both are connected."""

    ticket: Ticket
    maria: Person
    ada: Person
    customer: Room
    agent: Room


@pytest_asyncio.fixture(loop_scope="session")
async def talk(live: Live, past: Past, people: People) -> Talk:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    ada = await people.agent("ada")
    talk = Talk(ticket, maria, ada, Room(maria.page), Room(ada.page))
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await talk.customer.is_live()
    await talk.agent.is_live()
    return talk


async def choose_status(agent: Person, status: Status) -> None:
    await agent.page.get_by_label("Status", exact=True).select_option(status.value)


async def test_from_the_portals_front_page_to_an_answer(live: Live, people: People) -> None:
    maria = await people.stranger()
    await maria.page.goto(live.portal)
    await maria.page.get_by_role("main").get_by_role("link", name="Open a ticket").click()
    await maria.page.get_by_label("Your email address").fill("maria.first@customer.example")
    await maria.page.get_by_label("Subject").fill("The tent pole is broken")
    await maria.page.get_by_label("What can we help with?").fill("It snapped on the first evening.")
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await expect(maria.page.get_by_role("heading", name="The tent pole is broken")).to_be_visible()
    await maria.page.get_by_role("link", name="Open the conversation").first.click()
    await Room(maria.page).is_live()

    ada = await people.stranger()
    await ada.page.goto("/")
    await ada.page.get_by_role("link", name="Sign in to the desk").click()
    await ada.page.get_by_label("Email address").fill(email_of("ada"))
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Sign in").click()
    await ada.page.get_by_role("link", name="All unfinished").click()
    await ada.page.get_by_role("link", name="The tent pole is broken").click()
    await Room(ada.page).shows("It snapped on the first evening.")
    await Room(ada.page).send("We send you a new one today.")

    await Room(maria.page).shows("We send you a new one today.")


async def test_both_read_at_once_what_the_other_writes(talk: Talk) -> None:
    await talk.customer.send("Is anybody there?")
    await talk.agent.shows("Is anybody there?")
    await talk.agent.send("Yes, I am.")

    await talk.customer.shows("Yes, I am.")


async def test_the_agent_sees_the_customer_typing_until_the_words_come(talk: Talk) -> None:
    typing = talk.ada.page.get_by_text(f"{talk.ticket.email} is typing…")
    await talk.customer.composer.press_sequentially("One moment")
    await expect(typing).to_be_visible()
    await talk.customer.composer.press("Enter")

    await expect(typing).to_have_count(0)


async def test_to_the_customer_an_agent_is_the_team_until_the_first_answer(talk: Talk) -> None:
    page = talk.maria.page
    await expect(page.get_by_text("The team is here", exact=True)).to_be_visible()
    await talk.agent.composer.press_sequentially("Let me see")
    await expect(page.get_by_text("The team is typing…")).to_be_visible()
    await talk.agent.composer.press("Enter")

    await expect(page.get_by_text("Ada Moreau is here", exact=True)).to_be_visible()


async def test_two_names_that_are_read_from_right_to_left_stay_apart(
    live: Live, past: Past, people: People, talk: Talk
) -> None:
    for agent, name in (("dana", "דנה לוי"), ("omar", "عمر خالد")):
        await past.hire(agent, name)
        theirs = await people.agent(agent)
        await theirs.page.goto(desk_of(live, talk.ticket))
        await Room(theirs.page).is_live()
        await Room(theirs.page).composer.press_sequentially("Hm")
    here = talk.ada.page.locator("[data-presence]")

    await expect(here).to_contain_text("The customer is here, and so are")
    await expect(here).to_contain_text("\u2068דנה לוי\u2069 and")
    await expect(here).to_contain_text("\u2068عمر خالد\u2069")


async def test_who_stops_typing_is_no_longer_said_to_type(past: Past, talk: Talk) -> None:
    await past.said(talk.ticket, [(await past.agent("ada"), "Good morning", None)])
    await talk.maria.page.reload()
    await talk.customer.is_live()
    typing = talk.maria.page.get_by_text("Ada Moreau is typing…")
    await talk.agent.composer.press_sequentially("Hm")
    await expect(typing).to_be_visible()

    await expect(typing).to_have_count(0)


async def test_each_sees_that_the_other_is_here(talk: Talk) -> None:
    await expect(talk.maria.page.get_by_text("The team is here")).to_be_visible()
    await expect(talk.ada.page.get_by_text("The customer is here")).to_be_visible()


async def test_the_customer_sees_that_the_agent_has_left(live: Live, talk: Talk) -> None:
    await talk.ada.page.goto(live.desk)

    await expect(talk.maria.page.get_by_text("Nobody is here right now")).to_be_visible()


async def test_a_message_that_the_other_side_looked_at_is_marked_as_seen(talk: Talk) -> None:
    await talk.customer.send("Please look at this")

    await expect(talk.customer.messages.last.get_by_text("Seen", exact=True)).to_be_visible()


async def test_a_message_that_nobody_looked_at_is_only_sent(live: Live, talk: Talk) -> None:
    await talk.ada.page.goto(live.desk)
    await expect(talk.maria.page.get_by_text("Nobody is here right now")).to_be_visible()
    await talk.customer.send("Please look at this")

    await expect(talk.customer.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await expect(talk.customer.messages.last.get_by_text("Seen", exact=True)).to_be_hidden()


async def test_a_change_of_status_shows_in_the_customers_header(talk: Talk) -> None:
    await choose_status(talk.ada, Status.PENDING)

    await expect(talk.customer.status).to_have_text("Pending")
    await expect(talk.agent.status).to_have_text("Pending")


async def test_a_second_change_in_a_row_is_no_conflict_with_the_first(talk: Talk) -> None:
    await choose_status(talk.ada, Status.PENDING)
    await expect(talk.customer.status).to_have_text("Pending")
    await choose_status(talk.ada, Status.RESOLVED)

    await expect(talk.customer.status).to_have_text("Resolved")


async def test_the_conversation_says_who_changed_the_status_before_what_is_said_next(talk: Talk) -> None:
    await choose_status(talk.ada, Status.RESOLVED)
    await expect(talk.customer.status).to_have_text("Resolved")
    await expect(talk.customer.log).not_to_contain_text("Ada Moreau marked this ticket as resolved")
    await talk.agent.send("Until next time")
    await talk.customer.shows("Until next time")

    await talk.customer.shows("Ada Moreau marked this ticket as resolved")


async def test_a_customer_who_writes_again_reopens_a_resolved_ticket(talk: Talk) -> None:
    await choose_status(talk.ada, Status.RESOLVED)
    await expect(talk.customer.status).to_have_text("Resolved")
    await talk.customer.send("It is still broken")

    await expect(talk.customer.status).to_have_text("Open")
    await talk.customer.shows("You reopened this ticket")
    await expect(talk.agent.status).to_have_text("Open")
    await expect(talk.ada.page.get_by_label("Status", exact=True)).to_have_value("open")


@pytest.mark.parametrize("reload", [False, True], ids=["on the open page", "after a reload"])
async def test_on_a_closed_ticket_the_composer_gives_way_to_the_way_on(talk: Talk, reload: bool) -> None:
    await choose_status(talk.ada, Status.CLOSED)
    await expect(talk.customer.status).to_have_text("Closed")
    if reload:
        await talk.maria.page.reload()

    await expect(talk.customer.composer).to_be_hidden()
    await expect(talk.customer.notice.get_by_text("This ticket is closed.")).to_be_visible()
    await expect(talk.customer.notice.get_by_role("button", name="Open a new ticket")).to_be_visible()


async def test_what_one_was_writing_as_the_ticket_closed_goes_along_into_a_new_one(talk: Talk) -> None:
    await talk.customer.composer.fill("And one more thing:\nthe zip is stuck")
    await choose_status(talk.ada, Status.CLOSED)
    await talk.customer.notice.get_by_role("button", name="Open a new ticket").click()

    description = talk.maria.page.get_by_label("What can we help with?")
    await expect(description).to_have_value("And one more thing:\nthe zip is stuck")
    await expect(talk.maria.page.get_by_role("alert")).to_have_count(0)


async def test_a_reopened_ticket_gives_both_their_composers_back(talk: Talk) -> None:
    await choose_status(talk.ada, Status.CLOSED)
    await expect(talk.customer.composer).to_be_hidden()
    await expect(talk.agent.composer).to_be_hidden()
    await choose_status(talk.ada, Status.OPEN)

    await expect(talk.customer.composer).to_be_visible()
    await expect(talk.agent.composer).to_be_visible()


async def test_what_was_being_written_survives_the_closing_and_reopening(talk: Talk) -> None:
    await talk.customer.composer.fill("Half a sentence")
    await choose_status(talk.ada, Status.CLOSED)
    await expect(talk.customer.composer).to_be_hidden()
    await choose_status(talk.ada, Status.OPEN)

    await expect(talk.customer.composer).to_have_value("Half a sentence")


async def test_an_open_list_shows_what_became_of_the_ticket(live: Live, talk: Talk, people: People) -> None:
    ben = await people.agent("ben")
    await ben.page.goto(f"{live.desk}/tickets")
    await ben.has_sent("watch")
    row = ben.page.locator(f"#ticket-{talk.ticket.ticket_id}")
    await expect(row).to_be_visible()
    await choose_status(talk.ada, Status.RESOLVED)

    await expect(row.get_by_label("Status of ticket")).to_have_value("resolved")
    await expect(row.locator(".choice[data-status=resolved]")).to_be_visible()
    await expect(ben.page.locator("[data-updates]")).to_be_hidden()


async def test_a_viewer_reads_along_and_cannot_write(live: Live, talk: Talk, people: People) -> None:
    viv = await people.agent("viv")
    await viv.page.goto(desk_of(live, talk.ticket))
    await Room(viv.page).is_live()
    await talk.customer.send("Read this")

    await Room(viv.page).shows("Read this")
    await expect(Room(viv.page).composer).to_have_count(0)
    await expect(viv.page.get_by_label("Status", exact=True)).to_have_count(0)
