"""Forms under impatient fingers and interrupted typing."""

from uuid import uuid4

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Room, desk_of, status_of
from tests.live import PASSWORD, Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def fill_in(live: Live, page: Page, subject: str) -> None:
    await page.goto(f"{live.portal}/ticket/new")
    await page.get_by_label("Your email address").fill("hasty@customer.example")
    await page.get_by_label("Subject").fill(subject)
    await page.get_by_label("What can we help with?").fill("Two lines\nof text")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without"])
async def test_a_double_click_opens_one_ticket(
    live: Live, past: Past, people: People, javascript: bool
) -> None:
    subject = f"Clicked twice {uuid4()}"
    maria = await people.stranger(javascript=javascript)
    await fill_in(live, maria.page, subject)
    await maria.page.get_by_role("button", name="Open the ticket").dblclick()
    await expect(maria.page.get_by_role("heading", name=subject)).to_be_visible()

    assert len(await past.tickets_called(subject)) == 1


async def test_a_form_on_its_way_takes_no_second_click(live: Live, people: People) -> None:
    maria = await people.stranger()
    await fill_in(live, maria.page, "Slowly")
    posts: list[str] = []
    maria.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    button = maria.page.get_by_role("button", name="Open the ticket")
    refusing = await button.evaluate(
        """async (button) => {
            button.click();
            await new Promise((done) => setTimeout(done));
            button.click();
            return button.disabled && button.ariaBusy;
        }"""
    )
    await expect(maria.page.get_by_role("heading", name="Slowly")).to_be_visible()

    assert refusing == "true"
    assert len(posts) == 1


async def test_what_was_typed_is_there_after_a_reload(live: Live, people: People) -> None:
    maria = await people.stranger()
    await fill_in(live, maria.page, "Half written")
    await maria.page.reload()

    await expect(maria.page.get_by_label("Your email address")).to_have_value("hasty@customer.example")
    await expect(maria.page.get_by_label("Subject")).to_have_value("Half written")
    await expect(maria.page.get_by_label("What can we help with?")).to_have_value("Two lines\nof text")


async def test_what_could_not_be_sent_is_there_afterwards_and_becomes_one_ticket(
    live: Live, past: Past, people: People
) -> None:
    subject = f"Lost on the way {uuid4()}"
    maria = await people.stranger()
    maria.expects(NETWORK_LOST)
    await fill_in(live, maria.page, subject)

    async def take_and_lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch(max_redirects=0)
            await route.abort()
        else:
            await route.continue_()

    await maria.page.route("**/ticket/new", take_and_lose_the_answer)
    async with maria.page.expect_event("requestfailed"):
        await maria.page.get_by_role("button", name="Open the ticket").click(no_wait_after=True)
    await maria.page.unroute("**/ticket/new")
    await maria.page.goto(f"{live.portal}/ticket/new")
    await expect(maria.page.get_by_label("Subject")).to_have_value(subject)
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await expect(maria.page.get_by_role("heading", name=subject)).to_be_visible()

    assert len(await past.tickets_called(subject)) == 1


async def test_after_a_ticket_was_opened_the_form_is_empty_again(live: Live, people: People) -> None:
    maria = await people.stranger()
    await fill_in(live, maria.page, "Opened and gone")
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await expect(maria.page.get_by_role("heading", name="Opened and gone")).to_be_visible()
    await maria.page.goto(f"{live.portal}/ticket/new")

    await expect(maria.page.get_by_label("Subject")).to_have_value("")
    await expect(maria.page.get_by_label("What can we help with?")).to_have_value("")


async def test_a_wrong_password_keeps_the_address_and_says_nothing_more(live: Live, people: People) -> None:
    ada = await people.stranger()
    ada.expects(status_of(422))
    await ada.page.goto(f"{live.url}/auth/login")
    await ada.page.get_by_label("Email address").fill(email_of("ada"))
    await ada.page.get_by_label("Password").fill("not the password")
    await ada.page.get_by_role("button", name="Sign in").click()

    await expect(ada.page.get_by_role("alert")).to_contain_text("do not go together")
    await expect(ada.page.get_by_label("Email address")).to_have_value(email_of("ada"))
    await expect(ada.page.get_by_label("Password")).to_have_value("")


async def test_signing_in_leads_to_where_one_wanted_to_go(live: Live, people: People) -> None:
    ben = await people.stranger()
    await ben.page.goto(f"{live.desk}/tickets")
    await ben.page.get_by_label("Email address").fill(email_of("ben"))
    await ben.page.get_by_label("Password").fill(PASSWORD)
    await ben.page.get_by_role("button", name="Sign in").click()

    await expect(ben.page.get_by_role("heading", name="All tickets")).to_be_visible()


async def test_signing_out_shuts_the_desk(live: Live, people: People) -> None:
    ada = await people.agent()
    await ada.page.goto(live.desk)
    await ada.page.get_by_role("button", name="Sign out").click()
    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await ada.page.goto(f"{live.desk}/tickets")

    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_signing_out_in_one_tab_ends_the_conversation_in_the_other(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets/{ticket.ticket_id}")
    await expect(ada.page.get_by_text("Live", exact=True)).to_be_visible()
    second = await ada.context.new_page()
    await second.goto(live.desk)
    await second.get_by_role("button", name="Sign out").click()

    await expect(ada.page.get_by_role("alert").get_by_text("You are signed out.")).to_be_visible()


async def test_an_answer_sent_without_a_session_is_kept_until_one_has_signed_in(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    ada.expects(status_of(401))
    await ada.page.goto(f"{live.desk}/tickets/{ticket.ticket_id}")
    await ada.context.clear_cookies(name="parlour_session")
    await Room(ada.page).send("Kept until then")
    await expect(ada.page.get_by_text("Not sent: you are signed out.").first).to_be_visible()
    await ada.page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    await ada.page.get_by_label("Email address").fill(email_of("ada"))
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Sign in").click()
    await ada.page.get_by_role("button", name="Try again").click()

    await expect(Room(ada.page).messages.filter(has_text="Kept until then")).to_contain_text("Sent")


async def test_the_theme_that_was_chosen_stays(live: Live, people: People) -> None:
    maria = await people.stranger()
    await maria.page.goto(live.portal)
    await maria.page.get_by_role("button", name="Theme: as the system").click()
    await maria.page.get_by_role("button", name="Theme: light").click()
    await maria.page.reload()

    await expect(maria.page.locator("html")).to_have_class("dark")
    await expect(maria.page.get_by_role("button", name="Theme: dark")).to_be_visible()


async def test_before_unsaved_words_go_with_the_page_the_browser_asks(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    ada.expects("dialog: ")
    await ada.page.goto(desk_of(live, ticket))
    await ada.page.locator("[data-panel]").get_by_role("link", name=ticket.email).first.click()
    note = ada.page.get_by_role("textbox", name="Note")
    await note.press_sequentially("Call at five")
    await ada.page.get_by_role("link", name="Dashboard").click(no_wait_after=True)
    await expect(note).to_have_value("Call at five")
    assert len(ada.complaints) == 1
    await ada.page.get_by_role("button", name="Save").click()
    await expect(ada.page.get_by_text("Saved.")).to_be_visible()
    await ada.page.get_by_role("link", name="Dashboard").click()

    await expect(ada.page.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert len(ada.complaints) == 1
