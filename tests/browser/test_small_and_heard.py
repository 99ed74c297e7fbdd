"""The customer's room in a low window, by touch, on paper, by ear; and forms that are put right."""

import pytest
from playwright.async_api import ViewportSize, expect

from parlour.features.tickets.models import Ticket
from tests.browser.axe import NARROW, too_wide
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, PHONE, People, Room, chat_of, desk_of, until
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ZOOMED: ViewportSize = {"width": 320, "height": 256}
"""A window of 1280 x 1024 at 400 %."""
ON_ITS_SIDE: ViewportSize = {"width": 740, "height": 160}
"""A phone on its side, above its keyboard."""
LINES_FROM = """words => {
    const range = document.createRange();
    range.selectNodeContents(words);
    return [...range.getClientRects()].map((line) => line.left);
}"""
"""Where each of its lines begins."""
READABLE = 60
"""Pixels: two lines of a message, and its edges, while two lines are being written."""


async def long_talk(past: Past, lines: int = 30) -> Ticket:
    ticket = await past.ticket()
    ada = await past.agent("ada")
    await past.said(ticket, [(ada, f"Line {number} of many", None) for number in range(lines)])
    return ticket


@pytest.mark.parametrize("window", [ZOOMED, ON_ITS_SIDE], ids=["zoomed", "on its side"])
async def test_in_a_low_window_the_messages_can_be_read(
    live: Live, past: Past, people: People, window: ViewportSize
) -> None:
    ticket = await long_talk(past)
    maria = await people.customer(ticket, viewport=window)
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).composer.fill("Two\nlines")
    log, composer = await Room(maria.page).log.bounding_box(), await Room(maria.page).composer.bounding_box()

    assert log
    assert composer
    assert log["height"] >= READABLE
    assert composer["y"] + composer["height"] <= max(window["height"], 176)
    assert await too_wide(maria.page) == []


async def test_a_word_without_an_end_makes_no_page_wider(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket, viewport=PHONE, touch=True), await people.agent(viewport=PHONE)
    pages = {
        maria: (f"{live.portal}/ticket/new", chat_of(live, ticket)),
        ada: (
            f"{live.desk}/tickets/new",
            desk_of(live, ticket),
            f"{live.desk}/settings",
            f"{live.desk}/replies/new",
        ),
    }
    for person, addresses in pages.items():
        for address in addresses:
            await person.page.goto(address)
            for field in await person.page.locator("textarea:visible").all():
                await field.fill("w" * 400)
            assert await too_wide(person.page) == [], address


async def test_a_subject_without_an_end_makes_no_page_wider(live: Live, past: Past, people: People) -> None:
    ticket, other = await past.ticket("w" * 120), await past.ticket("w" * 120)
    maria, ada = await people.customer(ticket, viewport=NARROW), await people.agent(viewport=NARROW)
    here = desk_of(live, ticket)
    merging = f"{here}/merge", f"{here}/merge?into={other.ticket_id}"
    pages = {
        maria: (live.portal, f"{live.portal}/ticket/{ticket.ticket_id}", chat_of(live, ticket)),
        ada: (live.desk, f"{live.desk}/tickets", here, *merging, f"{live.desk}/notifications"),
    }
    for person, addresses in pages.items():
        for address in addresses:
            await person.page.goto(address)
            assert await too_wide(person.page) == [], address


async def test_by_touch_an_agents_pages_fit_a_small_phone(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    ada = await people.agent(viewport=NARROW, touch=True)
    here = desk_of(live, ticket)
    for address in (here, f"{here}/notes", live.desk, f"{live.desk}/tickets", f"{live.desk}/tickets/new"):
        await ada.page.goto(address)
        assert await too_wide(ada.page) == [], address
        if buttons := await ada.page.locator("form[data-composer] .btn:visible").all():
            boxes = [await button.bounding_box() for button in buttons]
            assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"] for box in boxes)


async def test_an_invited_address_without_an_end_makes_no_page_wider_and_its_link_is_in_sight(
    live: Live, people: People
) -> None:
    ada = await people.agent(viewport=NARROW)
    await ada.page.goto(f"{live.desk}/people")
    await ada.page.get_by_role("textbox", name="Email address").fill(f"{'w' * 60}@{'x' * 60}.example")
    await ada.page.get_by_role("button", name="Make an invitation").click()

    await expect(ada.page.get_by_role("textbox", name="Give wwww")).to_be_in_viewport()
    assert await too_wide(ada.page) == []


async def test_a_keys_name_without_an_end_leaves_the_sentence_about_it_whole(
    live: Live, people: People
) -> None:
    ada = await people.agent(viewport=NARROW)
    await ada.page.goto(f"{live.desk}/settings/api-keys")
    await ada.page.get_by_role("textbox", name="Name").fill("w" * 60)
    await ada.page.get_by_role("button", name="Make the key").click()

    await expect(ada.page.get_by_role("heading", name="The key of wwww")).to_be_visible()
    assert await too_wide(ada.page) == []


async def test_on_the_narrowest_phone_a_change_of_many_covers_two_lines(
    live: Live, past: Past, people: People
) -> None:
    await past.ticket()
    ada = await people.agent(viewport=NARROW)
    await ada.page.goto(f"{live.desk}/tickets")
    await ada.page.locator("tbody [name=ids]").first.check()
    bar = await ada.page.get_by_role("form", name="Change the selected tickets").bounding_box()
    button = await ada.page.get_by_role("button", name="Apply").bounding_box()

    assert bar
    assert button
    assert bar["height"] < 3 * button["height"]


@pytest.mark.parametrize("touch", [True, False], ids=["by touch", "by keys"])
async def test_enter_breaks_the_line_on_a_touch_screen_and_sends_elsewhere(
    live: Live, past: Past, people: People, touch: bool
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, viewport=PHONE, touch=touch)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    await room.composer.press_sequentially("First")
    await room.composer.press("Enter")
    if touch:
        await room.composer.press_sequentially("second")
        await expect(maria.page.get_by_text("Enter breaks the line", exact=True)).to_be_visible()
        await expect(room.composer).to_have_value("First\nsecond")
        await room.send_button.tap()
    await expect(room.composer).to_have_value("")

    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    assert await past.contents(ticket) == [ticket.description, "First\nsecond" if touch else "First"]


async def test_paper_shows_all_of_the_room_in_the_light_theme(live: Live, past: Past, people: People) -> None:
    ticket = await long_talk(past)
    maria = await people.customer(ticket)
    await maria.page.emulate_media(color_scheme="dark", media="print")
    await maria.page.goto(chat_of(live, ticket))
    log = Room(maria.page).log
    shown = await log.evaluate(
        "log => [log.scrollHeight - log.clientHeight, document.body.scrollHeight > 2 * innerHeight]"
    )

    assert shown == [0, True]
    await expect(Room(maria.page).composer).to_be_hidden()
    await expect(maria.page.get_by_text("Line 0 of many")).to_have_css("color", "rgb(0, 0, 0)")
    assert await maria.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


async def test_all_of_a_burst_is_said_and_that_ones_own_words_are_sent(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket), await people.agent()
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(ada.page).is_live()
    for words in ("One moment", "I have it", "It is on its way"):
        await Room(ada.page).send(words)
    heard = maria.page.locator("[data-announce] p")
    said = [f"Ada Moreau: {words}" for words in ("One moment", "I have it", "It is on its way")]
    await expect(heard).to_have_text(said)
    await Room(maria.page).send("Thanks")

    await expect(heard.last).to_have_text("Sent.")


async def test_a_draft_that_was_sent_does_not_come_back_in_another_tab(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).composer.fill("Half a thought")
    await maria.page.reload()
    other = await maria.context.new_page()
    await other.goto(chat_of(live, ticket))
    await expect(Room(other).composer).to_have_value("Half a thought")
    await Room(maria.page).send("Half a thought")
    await expect(Room(other).composer).to_have_value("")
    await other.close(run_before_unload=True)
    await maria.page.reload()

    await expect(Room(maria.page).composer).to_have_value("")


async def test_what_was_wrong_with_a_field_goes_when_it_is_put_right(live: Live, people: People) -> None:
    maria = await people.stranger()
    page = maria.page
    maria.expects("status of 422")
    await page.goto(f"{live.portal}/ticket/new")
    await page.get_by_label("Your email address").fill("maria")
    await page.get_by_label("What can we help with?").fill("It is broken.")
    await page.get_by_role("button", name="Open the ticket").click()
    email, summary = page.get_by_label("Your email address"), page.get_by_role("alert")
    await expect(summary.get_by_role("link")).to_have_count(2)
    await email.fill("maria@")
    await expect(email).to_have_attribute("aria-invalid", "true")
    await email.fill("maria@customer.example")
    await expect(email).not_to_have_attribute("aria-invalid", "true")
    await expect(email).to_have_accessible_description("We send the link to your ticket there.")
    await expect(summary.get_by_role("link")).to_have_count(1)
    await page.get_by_label("Subject").fill("A lamp")

    await expect(summary).to_have_count(0)
    await expect(page.get_by_text("Enter a subject")).to_have_count(0)


async def test_nothing_that_is_pasted_is_cut_and_what_is_too_much_is_counted(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    await room.composer.fill("🙂" * 19_000)
    await expect(maria.page.get_by_text("Characters left: 1000").first).to_be_visible()
    await room.composer.fill("x" * 24_027)
    await expect(maria.page.locator(".limit-note")).to_have_text("Too long by 4027")
    await room.composer.press("Enter")
    await expect(room.composer).to_have_value("x" * 24_027)
    await room.send("Short enough")

    await expect(maria.page.locator(".limit-note")).to_have_count(0)
    await room.shows("Short enough")


async def test_on_a_phone_a_sentence_stands_beside_its_icon_and_is_read_to_its_end(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, viewport=PHONE)
    maria.expects(NETWORK_LOST)
    room = Room(maria.page)
    await maria.page.goto(chat_of(live, ticket))
    here = maria.page.get_by_text("Nobody is here right now.")
    await expect(here).to_be_visible()
    assert await here.evaluate("words => words.scrollWidth <= words.clientWidth && words.clientHeight < 40")
    await maria.context.set_offline(True)
    await room.send("Into the tunnel")
    words = maria.page.get_by_text("It goes out by itself when the connection is back.")
    await expect(words).to_be_visible()

    icon = await words.locator("xpath=preceding-sibling::*").first.bounding_box()
    said = await words.bounding_box()
    assert icon
    assert said
    assert said["y"] <= icon["y"] + icon["height"] / 2 <= said["y"] + said["height"]
    assert max(await words.evaluate(LINES_FROM)) - icon["x"] - icon["width"] < 10
    await maria.context.set_offline(False)
    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()


async def test_at_the_desk_nothing_leaves_its_frame_and_subjects_have_room(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets")
    subject = await ada.page.get_by_role("columnheader", name="Subject").bounding_box()
    assert subject
    assert subject["width"] >= 300
    await past.said(ticket, [(await past.agent("ada"), "Hi", None)])
    await ada.page.set_viewport_size({"width": 320, "height": 640})
    await ada.page.goto(desk_of(live, ticket))
    note = ada.page.get_by_text("Not mailed yet")

    async def is_one_line() -> bool:
        box = await note.bounding_box()
        return box is not None and box["width"] > box["height"] * 3

    await until(is_one_line)

    frame = await ada.page.locator(".chat-composer:not([data-internal]) .input-group").bounding_box()
    more = await ada.page.locator(".send-split summary").bounding_box()
    assert frame
    assert more
    assert more["x"] + more["width"] <= frame["x"] + frame["width"] - 6
