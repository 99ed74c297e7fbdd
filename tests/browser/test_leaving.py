"""Words that were typed leave the browser with their writer, once that was said."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.past import Past
from tests.browser.people import People, Room, chat_of, desk_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEPT = """() => [localStorage, sessionStorage].flatMap((storage) =>
    Object.keys(storage).filter((key) => key.startsWith("parlour:")))"""
WARNING = "You wrote something that was not sent yet."


async def kept(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(KEPT)
    return found


async def test_a_draft_of_an_agent_is_asked_about_and_leaves_at_sign_out(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    agent = await people.agent("ada")
    await agent.page.goto(desk_of(live, ticket))
    await Room(agent.page).is_live()
    await Room(agent.page).composer.fill("Half an answer")
    sign_out = agent.page.get_by_role("button", name="Sign out").first
    await sign_out.click()
    await expect(agent.page.get_by_text(WARNING)).to_be_visible()
    await sign_out.click()
    await expect(agent.page).to_have_url(f"{live.url}/auth/login")

    assert await kept(agent.page) == []


async def test_a_customer_leaves_a_shared_computer(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    customer = await people.customer(ticket)
    customer.expects("403")
    await customer.page.goto(chat_of(live, ticket))
    await Room(customer.page).is_live()
    await Room(customer.page).composer.fill("My card number is")
    await customer.page.goto(f"{live.portal}/forget")
    leave = customer.page.get_by_role("main").get_by_role("button", name="Forget this browser")
    await leave.click()
    await expect(customer.page.get_by_text(WARNING)).to_be_visible()
    await leave.click()
    await expect(customer.page.get_by_role("heading", name="This browser is forgotten")).to_be_visible()
    assert await kept(customer.page) == []
    await customer.page.goto(chat_of(live, ticket))

    await expect(customer.page.get_by_role("heading", name="This page is private")).to_be_visible()
