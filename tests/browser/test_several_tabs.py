"""A browser that has never been here opens several tickets at once, in a tab each."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.past import Past
from tests.browser.people import People, Person
from tests.browser.test_mailed_link import a_ticket_and_its_link
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def tabs(person: Person, count: int) -> list[Page]:
    return [person.page, *[await person.page.context.new_page() for _ in range(count - 1)]]


async def test_three_mailed_links_opened_together_open_three_tickets(
    live: Live, past: Past, people: People
) -> None:
    made = [await a_ticket_and_its_link(live, past, f"three-{one}@customer.example") for one in range(3)]
    maria = await people.stranger()
    opened = await tabs(maria, 3)
    await asyncio.gather(*(tab.goto(link) for tab, (_, link) in zip(opened, made, strict=True)))
    for tab in opened:
        await expect(tab.get_by_role("heading", name="Opened elsewhere")).to_be_visible()
    for ticket, _ in made:
        await maria.page.goto(f"{live.portal}/ticket/{ticket.ticket_id}")
        await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
async def test_two_tickets_sent_together_are_both_there_afterwards(
    live: Live, people: People, javascript: bool
) -> None:
    maria = await people.stranger(javascript=javascript)
    opened = await tabs(maria, 2)
    await asyncio.gather(*(tab.goto(f"{live.portal}/ticket/new") for tab in opened))
    for number, tab in enumerate(opened):
        await tab.get_by_label("Your email address").fill(f"two-{number}@customer.example")
        await tab.get_by_label("Subject").fill(f"Sent together {number} {javascript}")
        await tab.get_by_label("What can we help with?").fill("Two things at once.")
    buttons = [tab.get_by_role("button", name="Open the ticket") for tab in opened]
    await asyncio.gather(*(button.click() for button in buttons))
    for tab in opened:
        await expect(tab).to_have_url(re.compile("/ticket/[0-9a-f-]{36}$"))
    await maria.page.goto(live.portal)

    for number in range(2):
        await expect(maria.page.get_by_text(f"Sent together {number} {javascript}")).to_be_visible()
