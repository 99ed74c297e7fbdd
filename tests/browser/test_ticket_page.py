"""The ticket's page at the desk, a customer on the other side: notes, canned replies, undo, blind answers."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from parlour.db.database import Tx
from parlour.features.contacts import service as contacts
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from tests.browser.past import Past
from tests.browser.people import People, Person, Room, chat_of, desk_of, press, status_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Talk:
    ticket: Ticket
    desk: str
    maria: Person
    ada: Person
    customer: Room
    agent: Room


@pytest_asyncio.fixture(loop_scope="session")
async def talk(live: Live, past: Past, people: People) -> Talk:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    ada = await people.agent("ada")
    talk = Talk(ticket, live.desk, maria, ada, Room(maria.page), Room(ada.page))
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await talk.customer.is_live()
    await talk.agent.is_live()
    return talk


async def test_a_customer_is_called_by_name_and_marked_as_blocked_while_one_looks_on(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket(email="named@customer.example")
    other = await people.customer(ticket)
    ada = await people.agent("ada")
    await other.page.goto(chat_of(live, ticket))
    customer, agent = Room(other.page), Room(ada.page)

    def know(tx: Tx) -> None:
        who = contacts.at(tx, ticket.email)
        assert who
        contacts.change(tx, who.contact_id, "Nadia Ferrari", "")
        contacts.block(tx, who.contact_id)

    await past.db.write(past.system, know)
    await ada.page.goto(desk_of(live, ticket))
    await agent.is_live()
    await customer.is_live()
    await customer.composer.press_sequentially("Buy ")
    await expect(ada.page.get_by_text("Nadia Ferrari is typing…")).to_be_visible()
    await customer.send("Buy now!")

    await agent.shows("Buy now!")
    heads = ada.page.locator("li.message", has_text="Buy now!").locator(".message-head")
    await expect(heads).to_contain_text("Nadia FerrariBlocked")
    await expect(ada.page.locator("[data-announce] p")).to_have_text("Nadia Ferrari: Buy now!")
    await expect(other.page.get_by_text(ticket.email)).to_have_count(0)
    await expect(other.page.get_by_text("Blocked")).to_have_count(0)


async def look_away(page: Page) -> None:
    """The page is in a tab behind another one."""
    await page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")


async def look_back(page: Page) -> None:
    await page.evaluate("delete document.hidden")


async def blind_answer(talk: Talk, text: str) -> None:
    talk.ada.expects(status_of(409))
    await look_away(talk.ada.page)
    await talk.customer.send("Never mind, I found it!")
    await talk.agent.shows("Never mind, I found it!")
    await talk.agent.send(text)
    await expect(talk.ada.page.get_by_role("dialog", name="The customer has written again")).to_contain_text(
        "Never mind, I found it!"
    )
    await look_back(talk.ada.page)


async def keep_reply(talk: Talk, name: str, content: str) -> None:
    page = await talk.ada.context.new_page()
    await page.goto(f"{talk.desk}/replies/new")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Text").fill(content)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Canned replies")).to_be_visible()
    await page.close()


async def test_a_blind_answer_asks_first_and_goes_out_when_it_is_meant(talk: Talk) -> None:
    await blind_answer(talk, "Have you looked under the seat?")
    await talk.ada.page.get_by_role("button", name="Send anyway").click()

    await talk.customer.shows("Have you looked under the seat?")
    await talk.agent.shows("Have you looked under the seat?")


async def test_a_blind_answer_can_be_taken_back_and_changed(talk: Talk) -> None:
    await blind_answer(talk, "Have you looked under the seat?")
    await talk.ada.page.get_by_role("button", name="Edit my reply").click()

    await expect(talk.agent.composer).to_have_value("Have you looked under the seat?")
    await expect(talk.agent.composer).to_be_focused()
    await expect(talk.agent.log.get_by_text("Have you looked under the seat?")).to_have_count(0)


async def test_a_blind_answer_whose_question_was_closed_stays_in_the_list_as_not_sent(talk: Talk) -> None:
    await blind_answer(talk, "Have you looked under the seat?")
    await press(talk.ada.page, "Escape")

    await expect(talk.agent.log.get_by_text("Not sent: the customer has written again.")).to_be_visible()
    await talk.ada.page.get_by_role("button", name="Try again").click()
    await talk.customer.shows("Have you looked under the seat?")


async def test_sending_can_set_the_status(talk: Talk) -> None:
    await talk.agent.composer.fill("It is on its way.")
    await talk.ada.page.get_by_title("Send and set the status").click()
    await talk.ada.page.get_by_role("button", name="Send and resolve").click()

    await talk.customer.shows("It is on its way.")
    await expect(talk.customer.status).to_have_text("Resolved")
    await expect(talk.ada.page.get_by_role("combobox", name="Status")).to_have_value("resolved")
    await expect(talk.ada.page.locator("#ticket-panel")).to_contain_text("changed the status from")


async def test_a_slash_in_the_empty_composer_brings_the_canned_replies(talk: Talk) -> None:
    more = " It is, on every weekday of the year." * 20
    await keep_reply(talk, "Postage", f"The postage is free, {{customer_email}}.{more}")
    await talk.agent.composer.press("/")
    await talk.ada.page.keyboard.type("posta")
    await expect(talk.ada.page.locator("#reply-options").get_by_role("option")).to_have_count(1)
    await press(talk.ada.page, "Enter")

    await expect(talk.agent.composer).to_have_value(f"The postage is free, {talk.ticket.email}.{more}")
    await expect(talk.agent.composer).to_be_focused()


async def test_a_gap_is_selected_and_asked_about_once_before_anything_is_sent(talk: Talk) -> None:
    await keep_reply(talk, "Parcel", "Your parcel has the number {parcel_number}.")
    await talk.agent.composer.press("/")
    await talk.ada.page.keyboard.type("parcel")
    await expect(talk.ada.page.locator("#reply-options").get_by_role("option").first).to_contain_text(
        "{parcel_number}"
    )
    await press(talk.ada.page, "Enter")
    await press(talk.ada.page, "Enter")
    await expect(
        talk.ada.page.get_by_role("alert").filter(has_text="left {parcel_number} to be")
    ).to_be_visible()
    await expect(talk.agent.composer).to_have_value("Your parcel has the number {parcel_number}.")

    await talk.agent.send("Your parcel has the number 17, as GET /users/{id} says.")
    await talk.customer.shows("Your parcel has the number 17, as GET /users/{id} says.")


async def test_a_slash_within_words_is_only_a_slash(talk: Talk) -> None:
    await talk.agent.composer.fill("either")
    await talk.agent.composer.press("End")
    await talk.ada.page.keyboard.type("/or")

    await expect(talk.agent.composer).to_have_value("either/or")


async def beside(talk: Talk, people: People) -> Person:
    """Ben, who has the same ticket open."""
    ben = await people.agent("ben")
    await ben.page.goto(f"{talk.desk}/tickets/{talk.ticket.ticket_id}")
    await Room(ben.page).is_live()
    return ben


async def test_notes_reach_a_colleague_between_the_messages_and_never_the_customer(
    talk: Talk, people: People
) -> None:
    ben = await beside(talk, people)
    await expect(talk.ada.page.get_by_text("and so is Ben Okafor")).to_be_visible()
    await press(talk.ada.page, "n")
    await talk.ada.page.keyboard.type("Treat him well.")
    await press(talk.ada.page, "Enter")
    await talk.agent.shows("Treat him well.")
    await talk.customer.send("Hello?")

    said = Room(ben.page).messages.locator(".message-body")
    await expect(said).to_have_text([talk.ticket.description, "Treat him well.", "Hello?"])
    await expect(ben.page.locator("li.message[data-internal]")).to_have_count(1)
    await expect(talk.customer.log).not_to_contain_text("Treat him well.")
    await expect(talk.ada.page.locator("[data-announce]")).to_contain_text("Hello?")


async def test_each_face_keeps_its_own_words(talk: Talk) -> None:
    page = talk.ada.page
    note = page.get_by_role("textbox", name="Note")
    await talk.agent.composer.fill("Half an answer")
    await page.get_by_role("button", name="Note", exact=True).click()
    await expect(note).to_be_focused()
    await expect(note).to_have_value("")
    await expect(talk.agent.composer).to_be_hidden()
    await page.keyboard.type("Half a note")
    await page.get_by_role("button", name="Reply Draft").click()

    await expect(talk.agent.composer).to_have_value("Half an answer")
    await page.reload()
    await page.get_by_role("button", name="Note Draft").click()
    await expect(note).to_have_value("Half a note")
    await page.get_by_role("button", name="Add note for team").click()
    await talk.agent.shows("Half a note")
    await expect(note).to_be_focused()  # the face is the one that was chosen until another one is
    await expect(talk.customer.log).not_to_contain_text("Half")


async def test_a_members_name_is_chosen_from_a_list_at_the_caret(talk: Talk, past: Past) -> None:
    await past.agent("ben")
    await talk.ada.page.reload()
    await press(talk.ada.page, "n")
    await talk.ada.page.keyboard.type("Please look, @oka")
    members = talk.ada.page.get_by_role("listbox", name="Members")
    await expect(members.get_by_role("option")).to_have_text(["Ben Okafor"])
    await press(talk.ada.page, "Enter")
    note = talk.ada.page.get_by_role("textbox", name="Note")
    await expect(note).to_have_value("Please look, @Ben Okafor ")
    await expect(members).to_be_hidden()
    await press(talk.ada.page, "Enter")

    await talk.agent.shows("Please look, @Ben Okafor")


async def test_a_colleagues_answer_while_one_writes_stops_the_send(talk: Talk, people: People) -> None:
    talk.ada.expects(status_of(409))
    ben = await beside(talk, people)
    await talk.agent.composer.fill("We are looking for it.")
    await Room(ben.page).send("It left this morning.")
    await talk.agent.shows("It left this morning.")
    await talk.agent.composer.press("Enter")
    question = talk.ada.page.get_by_role("dialog", name="A colleague has answered meanwhile")
    await expect(question).to_contain_text("It left this morning.")
    await question.get_by_role("button", name="Edit my reply").click()
    await talk.agent.send("It left this morning, as Ben says.")

    await talk.customer.shows("It left this morning, as Ben says.")
    await expect(talk.customer.log).not_to_contain_text("We are looking for it.")


async def test_scrolling_back_brings_messages_and_notes(talk: Talk, past: Past) -> None:
    """And what comes meanwhile stands at the end."""
    maria, ada = past.customer(talk.ticket), await past.agent("ada")
    said = [f"Word {n}" for n in range(60)]
    await past.said(talk.ticket, [(maria, text, None) for text in said[:30]])
    await past.noted(talk.ticket, ada, "In the middle")
    later = clock.now() + timedelta(milliseconds=20)
    await past.said(talk.ticket, [(maria, text, later) for text in said[30:]])
    await talk.ada.page.reload()
    await talk.agent.is_live()
    for shown in (49, 62):  # at least: whoever is still at the top has the next page brought, too
        await talk.agent.log.evaluate("log => log.scrollTo(0, -log.scrollHeight)")
        await expect(talk.agent.messages.nth(shown - 1)).to_be_attached()
    await talk.customer.send("At the end")

    expected = [talk.ticket.description, *said[:30], "In the middle", *said[30:], "At the end"]
    await expect(talk.agent.messages.locator(".message-body")).to_have_text(expected)


async def test_a_change_by_a_colleague_shows_in_the_history_by_itself(talk: Talk, people: People) -> None:
    ben = await people.agent("ben")
    await ben.page.goto(f"{talk.desk}/tickets/{talk.ticket.ticket_id}")
    await ben.page.get_by_role("combobox", name="Priority").select_option("urgent")

    await expect(talk.ada.page.locator("#ticket-panel")).to_contain_text("changed the priority from")
    await expect(talk.ada.page.get_by_role("combobox", name="Priority")).to_have_value("urgent")


@pytest_asyncio.fixture(loop_scope="session")
async def undoing(talk: Talk) -> Talk:
    page = talk.ada.page
    await page.goto("/profile")
    undo = page.locator("input[name=undo_send]")
    if not await undo.is_checked():
        await undo.check()
        async with page.expect_navigation():
            await undo.evaluate("box => box.form.requestSubmit()")
    await page.goto(f"{talk.desk}/tickets/{talk.ticket.ticket_id}")
    await talk.agent.is_live()
    return talk


async def test_undo_brings_the_words_back_and_the_customer_never_sees_them(undoing: Talk) -> None:
    await undoing.agent.send("Dear Mary")
    await expect(undoing.agent.log.get_by_text("Goes out in")).to_be_visible()
    await undoing.ada.page.get_by_role("button", name="Undo").click()
    await expect(undoing.agent.composer).to_have_value("Dear Mary")
    await undoing.agent.send("Dear Maria")

    await undoing.customer.shows("Dear Maria")
    await expect(undoing.customer.log).not_to_contain_text("Dear Mary")


async def test_leaving_the_page_sends_what_was_held_once(undoing: Talk) -> None:
    await undoing.agent.send("We call you back.")
    await expect(undoing.agent.log.get_by_text("Goes out in")).to_be_visible()
    await undoing.ada.page.goto(undoing.desk)
    await undoing.customer.shows("We call you back.")
    await undoing.ada.page.go_back()
    await undoing.agent.is_live()

    await undoing.agent.shows("We call you back.")
    await undoing.customer.shows("We call you back.")


async def test_leaving_the_page_sends_what_was_held_in_order(undoing: Talk) -> None:
    await undoing.agent.send("First this.")
    await undoing.agent.send("Then that.")
    await expect(undoing.agent.log.get_by_text("Goes out in").last).to_be_visible()
    await undoing.ada.page.goto(undoing.desk)

    said = undoing.customer.log.get_by_text("First this.")
    await expect(said).to_have_count(1)
    await expect(said).to_have_text("First this.\n\nThen that.", use_inner_text=True)


async def test_how_the_mail_of_an_answer_fares_appears_at_it_and_nowhere_at_the_customers(talk: Talk) -> None:
    await talk.agent.send("It is on its way.")
    said = talk.ada.page.locator("li.message", has_text="It is on its way.")
    await talk.customer.shows("It is on its way.")

    await expect(said.locator(".message-mail")).to_have_text("Not mailed yet")
    await expect(talk.maria.page.locator(".message-mail")).to_have_count(0)
