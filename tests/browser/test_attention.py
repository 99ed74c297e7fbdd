"""Read is what somebody attends to: a window only in sight reads nothing, and its tab tells."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.past import Past
from tests.browser.people import People, Person, Room, chat_of, desk_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

A_MARK_LATER = "() => new Promise(done => setTimeout(done, 400))"
"""A page marks as read 300 ms after it was looked at; its later timer runs later."""


async def work_elsewhere(person: Person) -> None:
    """The window stays in sight while another one has the focus, which Chromium here gives to every page."""
    await person.page.evaluate("document.hasFocus = () => false; window.dispatchEvent(new Event('blur'))")


async def reads(person: Person) -> int:
    await person.page.evaluate(A_MARK_LATER)
    return sum('"t":"read"' in frame for frame in person.frames)


async def icon(page: Page) -> str:
    return (await page.locator("link[rel=icon]").get_attribute("href") or "").rsplit("/", 1)[1]


@pytest.mark.parametrize("waiting", ["customer", "agent"])
async def test_what_nobody_attends_to_is_not_seen_and_the_tab_says_so(
    live: Live, past: Past, people: People, waiting: str
) -> None:
    ticket = await past.ticket()
    customer, agent = await people.customer(ticket), await people.agent("ada")
    await customer.page.goto(chat_of(live, ticket))
    await agent.page.goto(desk_of(live, ticket))
    away, other = (customer, agent) if waiting == "customer" else (agent, customer)
    for person in (away, other):
        await Room(person.page).is_live()
    title = await away.page.title()
    await work_elsewhere(away)
    before = await reads(away)
    await Room(other.page).send("Are you there?")
    await Room(other.page).send("Hello?")
    await Room(away.page).shows("Hello?")

    await expect(away.page).to_have_title(f"(2) {title}")
    assert await icon(away.page) == "favicon-news.svg"
    assert await reads(away) == before
    await expect(Room(other.page).messages.last.get_by_text("Seen", exact=True)).to_be_hidden()

    await away.page.mouse.wheel(0, 1)

    await expect(Room(other.page).messages.last.get_by_text("Seen", exact=True)).to_be_visible()
    await expect(away.page).to_have_title(title)
    assert await icon(away.page) == "favicon.svg"
