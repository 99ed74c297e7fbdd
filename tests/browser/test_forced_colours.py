"""Forced colours take grounds and shadows away: what those said has to be seen all the same."""

import pytest
from playwright.async_api import Page

from tests.browser.past import Past
from tests.browser.people import People, Room, chat_of, desk_of, press
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

UNSEEN_FOCUS = """() => {
    const kind = (one) => [one.tagName, one.type, one.role, one.className].join(" ").slice(0, 90);
    const found = new Set();
    for (const one of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
        if (!one.checkVisibility() || one.disabled || one.tabIndex < 0) continue;
        one.focus();
        const { outlineStyle: style, outlineWidth: wide } = getComputedStyle(one);
        if (!one.matches(":focus-visible") || style !== "solid" || parseFloat(wide) < 2) found.add(kind(one));
    }
    return [...found];
}"""
GROUND = "(one, part) => getComputedStyle(one, part).backgroundColor"


async def unseen_focus(page: Page) -> list[str]:
    """Kinds of controls whose focus shows no outline."""
    await page.emulate_media(forced_colors="active")
    await press(page, "Tab")
    found: list[str] = await page.evaluate(UNSEEN_FOCUS)
    return found


async def test_the_focus_is_seen_on_every_kind_of_control(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    ada, maria = await people.agent(), await people.customer(ticket)
    found = {}
    for person, address in (
        (ada, f"{live.desk}/tickets?status=new"),
        (ada, desk_of(live, ticket)),
        (ada, f"{live.url}/profile"),
        (maria, f"{live.portal}"),
        (maria, f"{live.portal}/ticket/new"),
    ):
        await person.page.goto(address)
        found[address] = await unseen_focus(person.page)

    assert not any(found.values()), found


async def test_what_is_ticked_unread_current_or_said_is_seen(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    ada, maria = await people.agent(), await people.customer(ticket)
    page = ada.page
    await page.emulate_media(forced_colors="active")
    await page.goto(f"{live.desk}/tickets?q={ticket.number}")
    ground = await page.locator("body").evaluate(GROUND)

    assert (
        await page.locator("[name=ids]").first.evaluate("one => getComputedStyle(one).appearance") == "auto"
    )
    assert await page.locator(".unread").first.evaluate(GROUND, "::before") != ground
    await page.goto(live.desk)
    assert await page.locator(".sidebar nav a[aria-current]").first.evaluate(GROUND) != ground
    await page.goto(desk_of(live, ticket))
    assert await page.locator("[data-face][aria-pressed=true]").evaluate(GROUND) != ground
    await maria.page.emulate_media(forced_colors="active")
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).is_live()
    edge = await maria.page.locator(".message-body").first.evaluate(
        "one => getComputedStyle(one).borderTopStyle"
    )
    assert edge == "solid"
