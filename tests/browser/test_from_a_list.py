"""From a list into its tickets, along them, and back to where one was."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.past import Past
from tests.browser.people import People, Room, desk_of, press
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_one_goes_along_the_tickets_of_a_list_and_comes_back_to_it(
    live: Live, past: Past, people: People
) -> None:
    email = f"t{uuid4().hex[:10]}@customer.example"
    third, second, first = [await past.ticket(f"Number {n}", email=email) for n in (3, 2, 1)]
    await past.hire("lia", "Lia Along")
    lia = await people.agent("lia")
    await lia.page.goto(f"{live.url}/profile")
    await lia.page.get_by_label("When you are done").select_option("next")
    await lia.page.get_by_role("button", name="Save the preferences").click()
    await expect(lia.page.get_by_text("The preferences are saved.")).to_be_visible()
    address = f"{live.desk}/tickets?q={email.replace('@', '%40')}"
    await lia.page.goto(address)
    await lia.has_sent("watch")
    await press(lia.page, "j")
    await press(lia.page, "Enter")
    await expect(lia.page.get_by_role("heading", name="Number 1")).to_be_visible()
    await Room(lia.page).is_live()
    await Room(lia.page).composer.fill("It is on its way.")
    await lia.page.get_by_title("Send and set the status").click()
    await lia.page.get_by_role("button", name="Send and resolve").click()
    await expect(lia.page.get_by_role("heading", name="Number 2")).to_be_visible()
    await press(lia.page, "j")
    await expect(lia.page.get_by_role("heading", name="Number 3")).to_be_visible()
    await press(lia.page, "k")
    await expect(lia.page.get_by_role("heading", name="Number 2")).to_be_visible()
    await lia.page.get_by_role("link", name="Back to the tickets").click()

    await expect(lia.page).to_have_url(re.compile(re.escape(f"{address}#ticket-{second.ticket_id}")))
    await expect(lia.page.locator("[data-ticket-row]")).to_have_count(3)
    await expect(lia.page.get_by_role("link", name="Number 2")).to_be_focused()
    await press(lia.page, "j")
    await expect(lia.page.get_by_role("link", name="Number 3")).to_be_focused()
    assert [first.subject, third.subject] == ["Number 1", "Number 3"]


async def test_a_key_on_a_row_can_be_undone_and_escape_selects_nothing(
    live: Live, past: Past, people: People
) -> None:
    email = f"t{uuid4().hex[:10]}@customer.example"
    ticket = await past.ticket("Resolved by mistake", email=email)
    ada = (await people.agent()).page
    await ada.goto(f"{live.desk}/tickets?q={email}")
    row = ada.locator(f'[data-ticket-row="{ticket.ticket_id}"]')
    await press(ada, "j")
    await press(ada, "e")
    await expect(row.locator(".choice[data-status=resolved]")).to_be_visible()
    await expect(ada.get_by_text(f"#{ticket.number} is now: Resolved")).to_be_visible()
    await ada.get_by_role("button", name="Undo").click()
    await expect(ada.get_by_text("Undone.")).to_be_visible()
    await expect(row.locator(".choice[data-status=new]")).to_be_visible()
    await row.get_by_role("checkbox").check()
    await press(ada, "Escape")

    await expect(row.get_by_role("checkbox")).not_to_be_checked()


async def at_new_ones(live: Live, past: Past, people: People, count: int) -> tuple[Page, str]:
    """Before a list that a change takes rows out of. The newest, with the highest number, is first."""
    word = f"r{uuid4().hex[:10]}"
    for index in range(count):
        await past.ticket(f"{word} number {index}")
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets?status=new&q={word}")
    await ada.has_sent("watch")
    return ada.page, word


async def test_after_a_change_of_many_one_goes_on_where_one_was(
    live: Live, past: Past, people: People
) -> None:
    page, word = await at_new_ones(live, past, people, 5)
    await press(page, "j", "j", "x", "j", "x", "e")
    await expect(page.get_by_text("Changed to “Resolved”: 2 of 2.")).to_be_visible()
    await expect(page.get_by_role("link", name=f"{word} number 1")).to_be_focused()
    await press(page, "j")
    await expect(page.get_by_role("link", name=f"{word} number 0")).to_be_focused()
    await press(page, "u")
    await expect(page.get_by_text("Put back: 2 of 2.")).to_be_visible()
    await expect(page.get_by_role("link", name=f"{word} number 0")).to_be_focused()


async def test_a_row_that_was_the_last_leaves_its_place_to_the_one_before(
    live: Live, past: Past, people: People
) -> None:
    page, word = await at_new_ones(live, past, people, 2)
    await press(page, "j", "j", "x", "e")
    await expect(page.get_by_text("Changed to “Resolved”.")).to_be_visible()

    await expect(page.get_by_role("link", name=f"{word} number 1")).to_be_focused()


async def test_a_list_that_one_comes_to_anew_begins_at_its_top(
    live: Live, past: Past, people: People
) -> None:
    page, word = await at_new_ones(live, past, people, 2)
    shown = page.url
    await press(page, "j", "j", "Enter")
    await expect(page.get_by_role("heading", name=f"{word} number 0")).to_be_visible()
    await page.goto(shown)
    await expect(page.get_by_role("row")).to_have_count(3)
    await expect(page.locator(":focus")).to_have_count(0)
    await press(page, "j")

    await expect(page.get_by_role("link", name=f"{word} number 1")).to_be_focused()


async def test_where_the_browser_goes_back_to_a_list_one_goes_on_where_one_was(
    live: Live, past: Past, people: People
) -> None:
    page, word = await at_new_ones(live, past, people, 3)
    await press(page, "j", "j", "Enter")
    await expect(page.get_by_role("heading", name=f"{word} number 1")).to_be_visible()
    await page.go_back()

    await expect(page.get_by_role("link", name=f"{word} number 1")).to_be_focused()


async def test_escape_leaves_the_search_whose_words_stay(live: Live, past: Past, people: People) -> None:
    page, word = await at_new_ones(live, past, people, 2)
    await press(page, "/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await press(page, "Escape")
    await expect(page.get_by_role("link", name=f"{word} number 1")).to_be_focused()
    await press(page, "e")
    await expect(page.get_by_text("is now: Resolved")).to_be_visible()

    await expect(page.get_by_role("searchbox")).to_have_value(word)


async def test_escape_leaves_a_tag_half_written(live: Live, past: Past, people: People) -> None:
    await past.tag(f"t{uuid4().hex[:10]}")  # without one there is no field
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, "t")
    await expect(ada.page.get_by_label("Add a tag")).to_be_focused()
    await ada.page.keyboard.type("half")
    await press(ada.page, "Escape")
    await expect(ada.page.get_by_role("log")).to_be_focused()
    await press(ada.page, "e")

    await expect(ada.page.get_by_text(f"#{ticket.number} is now: Resolved")).to_be_visible()
