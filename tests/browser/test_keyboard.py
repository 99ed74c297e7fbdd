"""Everything with the keyboard alone, and the focus always to be seen."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.past import Past
from tests.browser.people import People, Room, chat_of, desk_of, press, status_of
from tests.live import Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STOPS = 60

# How what has the focus, and what holds it, is drawn; then how without the focus.
FOCUS_IS_DRAWN = """async () => {
    const settled = () => Promise.all(document.getAnimations()
        .filter((animation) => animation.effect.getComputedTiming().endTime < Infinity)
        .map((animation) => animation.finished.catch(() => {})));
    const drawn = (element) => {
        const looks = [];
        for (let box = element, up = 0; box && up < 4; box = box.parentElement, up++) {
            for (const part of [null, "::after"]) {
                const style = getComputedStyle(box, part);
                looks.push(style.outline, style.boxShadow, style.borderColor, style.backgroundColor);
            }
        }
        return looks.join("|");
    };
    const element = document.activeElement;
    await settled();
    const focused = drawn(element);
    element.blur();
    await settled();
    const unfocused = drawn(element);
    element.focus({ focusVisible: true, preventScroll: true });
    return focused !== unfocused;
}"""


async def tab_to(page: Page, name: str) -> None:
    """Tab on until the control with this name has the focus; every stop on the way must show it."""
    passed = []
    for _ in range(STOPS):
        await press(page, "Tab")
        focus = page.locator(":focus")
        if await focus.count() == 0:
            continue  # the browser's own bar
        passed.append((await focus.aria_snapshot()).partition("\n")[0])
        assert await page.evaluate(FOCUS_IS_DRAWN), f"{passed[-1]} does not show that it has the focus"
        if f'"{name}"' in passed[-1]:
            return
    raise AssertionError(f"{name} was not reached: {passed}")


async def tab_to_start(page: Page) -> None:
    """As somebody who presses Shift+Tab until the page begins."""
    for _ in range(STOPS):
        await press(page, "Shift+Tab")
        if (
            await page.locator(":focus").count()
            and await page.locator(":focus").inner_text() == "Skip to content"
        ):
            return
    raise AssertionError("Shift+Tab does not lead back to the top of the page")


async def test_from_the_front_page_to_a_sent_message_and_back(live: Live, people: People) -> None:
    maria = await people.stranger()
    page = maria.page
    await page.goto(live.portal)
    await tab_to(page, "Open a ticket")
    await press(page, "Enter")
    await expect(page.get_by_label("Your email address")).to_be_visible()
    await tab_to(page, "Your email address")
    await page.keyboard.type("keys@customer.example")
    await tab_to(page, "Subject")
    await page.keyboard.type("No mouse here")
    await tab_to(page, "What can we help with?")
    await page.keyboard.type("It ran away.")
    await tab_to(page, "Open the ticket")
    await press(page, "Enter")
    await expect(page.get_by_role("heading", name="No mouse here")).to_be_visible()
    await tab_to(page, "Open the conversation")
    await press(page, "Enter")
    await Room(page).is_live()
    await tab_to(page, "Message")
    await page.keyboard.type("Written by hand")
    await press(page, "Enter")
    await Room(page).shows("Written by hand")
    await tab_to_start(page)
    await tab_to(page, "Back to the ticket")
    await press(page, "Enter")
    await expect(page.get_by_role("heading", name="Latest messages")).to_be_visible()
    await tab_to(page, "Your tickets")
    await press(page, "Enter")

    await expect(page.get_by_role("link", name="No mouse here")).to_be_visible()


async def test_an_agent_gets_from_the_list_to_an_answer(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(subject="Answered from the keyboard")
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets")
    await tab_to(ada.page, "Unread Answered from the keyboard")
    await press(ada.page, "Enter")
    await Room(ada.page).is_live()
    await tab_to(ada.page, "Message")
    await ada.page.keyboard.type("Answered")
    await press(ada.page, "Enter")

    await expect(Room(ada.page).messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    assert (await past.contents(ticket))[-1] == "Answered"


async def test_the_skip_link_leads_past_the_navigation(live: Live, people: People) -> None:
    maria = await people.stranger()
    await maria.page.goto(live.portal)
    await press(maria.page, "Tab")
    await expect(maria.page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await press(maria.page, "Enter")
    await tab_to(maria.page, "Open a ticket")

    assert await maria.page.locator(":focus").evaluate("element => element.closest('main') !== null")


async def test_shift_and_enter_break_the_line(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    await room.composer.focus()
    await maria.page.keyboard.type("One")
    await press(maria.page, "Shift+Enter")
    await maria.page.keyboard.type("two")
    await press(maria.page, "Enter")
    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()

    assert (await past.contents(ticket))[-1] == "One\ntwo"


async def test_after_sending_one_goes_on_writing(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.composer.fill("By the button")
    await room.send_button.click()

    await expect(room.composer).to_be_focused()
    await expect(room.composer).to_have_value("")


async def test_enter_on_an_empty_composer_sends_nothing(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    await room.composer.press("Enter")
    await room.composer.press("Space")
    await room.composer.press("Enter")
    await room.send("The first words")
    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()

    assert await past.contents(ticket) == [ticket.description, "The first words"]


async def test_after_a_refused_form_the_focus_is_on_the_problems_which_lead_to_their_fields(
    live: Live, people: People
) -> None:
    maria = await people.stranger()
    maria.expects(status_of(422))
    await maria.page.goto(f"{live.portal}/ticket/new")
    await maria.page.get_by_role("button", name="Open the ticket").click()
    await expect(maria.page.get_by_role("alert")).to_be_focused()
    await tab_to(maria.page, "Enter a subject")
    await press(maria.page, "Enter")

    await expect(maria.page.get_by_label("Subject")).to_be_focused()


async def test_after_a_refused_sign_in_the_focus_is_on_the_problem(live: Live, people: People) -> None:
    ada = await people.stranger()
    ada.expects(status_of(422))
    await ada.page.goto(f"{live.url}/auth/login")
    await expect(ada.page.get_by_label("Email address")).to_be_focused()
    await ada.page.keyboard.type(email_of("ben"))
    await press(ada.page, "Tab")
    await ada.page.keyboard.type("wrong")
    await press(ada.page, "Enter")

    await expect(ada.page.get_by_role("alert")).to_be_focused()


async def test_when_the_ticket_closes_the_focus_goes_to_the_sentence_that_says_so(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    ada = await people.agent()
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(maria.page).composer.focus()
    await ada.page.get_by_label("Status", exact=True).select_option("closed")

    await expect(Room(maria.page).notice).to_be_focused()


async def test_what_takes_itself_out_of_the_panel_leaves_the_focus_with_its_form(
    live: Live, past: Past, people: People
) -> None:
    ticket, tag = await past.ticket(), await past.tag("By keys")
    page = (await people.agent()).page
    await page.goto(desk_of(live, ticket))
    field, copies = page.get_by_label("Add a tag"), page.get_by_label("Add an address in copy")
    await field.fill(tag)
    await press(page, "Enter")
    await page.get_by_role("button", name=f"Take off the tag {tag}").focus()
    await press(page, "Enter")
    await expect(page.get_by_role("button", name=f"Take off the tag {tag}")).to_have_count(0)
    await expect(field).to_be_focused()
    await copies.fill("boss@customer.example")
    await press(page, "Enter")
    await expect(page.get_by_role("button", name="Take boss@customer.example out")).to_be_visible()
    await expect(copies).to_have_value("")
    await expect(copies).to_be_focused()
    await page.get_by_role("button", name="Take boss@customer.example out").focus()
    await press(page, "Enter")

    await expect(page.get_by_role("button", name="Take boss@customer.example out")).to_have_count(0)
    await expect(copies).to_be_focused()
