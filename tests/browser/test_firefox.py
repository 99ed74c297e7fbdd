"""The main journeys in Firefox. What every browser does alike is tested in Chromium alone.

Playwright drives Debian's Firefox by WebDriver BiDi, which does not tell of sockets: what they
bring is waited for by what a page shows.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page, Route, async_playwright, expect

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status
from tests.browser.past import Past
from tests.browser.people import People, Room, chat_of, desk_of, until
from tests.live import PASSWORD, Live, email_of
from tests.servers import FIREFOX, FIREFOX_PREFERENCES

pytestmark = [pytest.mark.firefox, pytest.mark.asyncio(loop_scope="session")]

OUT_OF_REACH = "NetworkError|can’t establish a connection|was interrupted while the page was loading"


@asynccontextmanager
async def firefox(**preferences: bool) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=FIREFOX.path(),
            firefox_user_prefs=FIREFOX_PREFERENCES | preferences,
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with firefox() as browser:
        yield browser


async def test_from_the_portals_front_page_to_a_talk_on_both_sides(live: Live, people: People) -> None:
    maria = await people.stranger()
    await maria.page.goto(live.portal)
    await maria.page.get_by_role("main").get_by_role("link", name="Open a ticket").click()
    await maria.page.get_by_label("Your email address").fill("maria.fox@customer.example")
    await maria.page.get_by_label("Subject").fill("Seen from Firefox")
    await maria.page.get_by_label("What can we help with?").fill("It snapped on the first evening.")
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await expect(maria.page.get_by_role("heading", name="Seen from Firefox")).to_be_visible()
    await maria.page.get_by_role("link", name="Open the conversation").first.click()
    customer = Room(maria.page)
    await customer.is_live()

    ada = await people.stranger()
    await ada.page.goto(f"{live.url}/auth/login")
    await ada.page.get_by_label("Email address").fill(email_of("ada"))
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Sign in").click()
    await ada.page.get_by_role("link", name="All unfinished").click()
    await ada.page.get_by_role("link", name="Seen from Firefox").click()
    agent = Room(ada.page)
    await agent.is_live()
    await agent.composer.press_sequentially("One")
    await expect(maria.page.get_by_text("The team is typing…")).to_be_visible()
    await agent.send("We send you a new one today.")
    await customer.shows("We send you a new one today.")
    await customer.send("Thank you!")
    await agent.shows("Thank you!")

    await expect(customer.messages.last.get_by_text("Seen", exact=True)).to_be_visible()
    await ada.page.get_by_label("Status", exact=True).select_option("resolved")
    await expect(customer.status).to_have_text("Resolved")


async def test_a_killed_server_loses_and_doubles_nothing_that_open_pages_hold(
    live: Live, outage: None, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket), await people.agent()
    customer, agent = Room(maria.page), Room(ada.page)
    for person, address in ((maria, chat_of(live, ticket)), (ada, desk_of(live, ticket))):
        person.expects(OUT_OF_REACH)
        await person.page.goto(address)
        await Room(person.page).is_live()
    await agent.composer.fill("Half an answer")
    live.kill()
    for words in ("Written into the dark", "And once more"):
        await customer.send(words)
    await expect(maria.page.get_by_text("Offline. Trying again…")).to_be_visible()
    live.start()

    told = customer.messages.last.locator(".message-note").filter(visible=True)
    await expect(told).to_have_text(re.compile("Sent|Seen"), timeout=45_000)  # the agent's page is open, too
    for room in (customer, agent):
        await expect(room.log.get_by_text("And once more")).to_be_visible(timeout=45_000)
        await room.is_live()
        await room.shows("Written into the dark")
        await room.shows("And once more")
    await expect(agent.composer).to_have_value("Half an answer")
    assert (await past.contents(ticket))[1:] == ["Written into the dark", "And once more"]


async def test_an_agent_goes_through_a_list_by_keys_and_answers(
    live: Live, past: Past, people: People
) -> None:
    word = f"fox{uuid4().hex[:8]}"
    older, newer = [await past.ticket(f"{word} {which}") for which in ("older", "newer")]
    ada = await people.agent()
    page, keys = ada.page, ada.page.keyboard
    await page.goto(f"{live.desk}/tickets?q={word}")
    for key, subject in (("j", newer.subject), ("j", older.subject), ("k", newer.subject)):
        await keys.press(key)
        await expect(page.get_by_role("link", name=subject)).to_be_focused()
    await keys.press("e")
    await expect(page.locator("[data-ticket-row] .choice[data-status=resolved]")).to_be_visible()
    await keys.press("u")
    await expect(page.get_by_text("Undone.")).to_be_visible()
    await keys.press("Control+k")
    await expect(page.get_by_role("combobox", name="Find a command, a ticket or a view")).to_be_focused()
    await keys.type(older.subject)
    await expect(page.get_by_role("option").filter(has_text=older.subject)).to_be_visible()
    await keys.press("Enter")
    await page.wait_for_url(desk_of(live, older) + "**")
    room = Room(page)
    await room.is_live()
    await keys.press("n")
    await keys.type("They have called twice.")
    await keys.press("Control+Enter")
    await room.shows("They have called twice.")
    await page.get_by_role("heading", name=older.subject).click()
    await keys.press("r")
    await expect(room.composer).to_be_focused()
    await keys.type("It is on its way.")
    await keys.press("Enter")
    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()

    assert (await past.contents(older))[1:] == ["It is on its way."]
    assert (await past.tickets_called(newer.subject))[0].status is Status.NEW


async def test_a_draft_is_there_again_in_a_page_that_was_left_and_in_a_second_tab_what_was_sent(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    first = Room(maria.page)
    await maria.page.goto(chat_of(live, ticket))
    await first.is_live()
    await first.composer.press_sequentially("Half a sentence")
    await maria.page.goto(live.portal)
    await past.said(ticket, [(await past.agent("ada"), "While you were away", None)])
    await maria.page.go_back()
    await first.is_live()
    await first.shows("While you were away")
    await expect(first.composer).to_have_value("Half a sentence")
    second = Room(await maria.context.new_page())
    await second.page.goto(chat_of(live, ticket))
    await second.is_live()
    await first.page.bring_to_front()  # only a window in front has the focus
    await first.send("A whole sentence")

    await second.page.bring_to_front()
    await second.shows("A whole sentence")
    await expect(second.composer).to_have_value("")
    await second.page.reload()
    await second.shows("A whole sentence")
    await expect(second.composer).to_have_value("")
    assert (await past.contents(ticket)).count("A whole sentence") == 1


async def test_a_change_on_its_way_is_made_though_one_goes_on_to_another_page(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    left = asyncio.Event()

    async def hold(route: Route) -> None:
        await left.wait()
        await route.continue_()

    await ada.page.route("**/priority*", hold)
    async with ada.page.expect_request("**/priority*"):
        await ada.page.get_by_label("Priority", exact=True).select_option("high")
    await ada.page.get_by_role("link", name="Contacts").click()
    await expect(ada.page.get_by_role("heading", name="Contacts")).to_be_visible()
    left.set()

    async def is_high() -> bool:
        return (await past.db.read(past.system, tickets.ticket, ticket.ticket_id)).priority == "high"

    await until(is_high)


async def test_what_the_policy_forbids_is_not_done_and_is_noted(live: Live, people: People) -> None:
    maria = await people.stranger()
    maria.expects("img-src", "require-trusted-types-for")
    await maria.page.goto(live.portal)
    with pytest.raises(Error, match="blocked by CSP"):
        await maria.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p>Not ours</p>')")
    await maria.page.evaluate("new Image().src = 'http://127.0.0.2:9/elsewhere.png'")

    async def both_told() -> bool:
        return len(maria.complaints) == 2

    await until(both_told)


async def send(page: Page, words: str) -> None:
    await Room(page).composer.press_sequentially(words)
    await Room(page).send_button.click(force=True)


async def test_a_ticket_is_opened_and_answered_without_a_script(live: Live, past: Past) -> None:
    """In a Firefox of its own. `fill`, `expect` and clicks that wait need scripts in a page, keys do not."""
    async with firefox(**{"javascript.enabled": False}) as browser:
        people = People(browser, live, past)
        maria = await people.stranger()
        await maria.page.goto(f"{live.portal}/ticket/new")
        email = maria.page.get_by_label("Your email address")
        subject = maria.page.get_by_label("Subject")
        submit = maria.page.get_by_role("button", name="Open the ticket")
        await email.press_sequentially("maria@nowhere")
        await subject.press_sequentially("Plain in Firefox")
        await maria.page.get_by_label("What can we help with?").press_sequentially("I switch scripts off.")
        await submit.click(force=True)
        await maria.page.get_by_role("alert").get_by_role("link", name="Enter an email").wait_for()
        assert await subject.input_value() == "Plain in Firefox"
        await email.press("End")
        await email.press_sequentially(".example")
        await submit.click(force=True)
        await maria.page.get_by_role("link", name="Open the conversation").first.click(force=True)
        await send(maria.page, "Does this work?")
        await Room(maria.page).log.get_by_text("Does this work?").wait_for()

        [row] = await past.tickets_called("Plain in Firefox")
        ben = await people.agent("ben")
        await ben.page.goto(f"{live.desk}/tickets/{row.ticket_id}")
        await send(ben.page, "It does.")
        await Room(ben.page).log.get_by_text("It does.").wait_for()
        await maria.page.get_by_role("link", name="Refresh to see new messages").click(force=True)
        await Room(maria.page).log.get_by_text("It does.").wait_for()

        assert await people.leave() == []
