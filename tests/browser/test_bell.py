"""The bell rings while one looks, opens over the page, and knows what was read."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import expect

from parlour.features.tickets import service as tickets
from tests.browser.past import Past
from tests.browser.people import People, desk_of, press
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_mention_rings_and_is_read_by_looking_at_its_ticket(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket("The bell's own parcel")
    said = "Then it is no new one any more."
    await past.db.write(await past.agent("ada"), tickets.add_note, ticket.ticket_id, said, uuid4())
    ada, ben = await people.agent("ada"), await people.agent("ben")
    await ada.page.goto(desk_of(live, ticket))
    await press(ada.page, "n")
    note, add = ada.page.get_by_role("textbox", name="Note"), ada.page.get_by_role("button", name="Add note")
    await ben.page.goto(f"{live.desk}/contacts")
    await ben.has_sent("watch")
    bell = ben.page.get_by_role("link", name=re.compile("^Notifications"))
    before = await bell.locator("b").inner_text()
    await note.fill("@Ben, please look")
    await add.click()

    await expect(bell.locator("b")).not_to_have_text(before)
    await expect(ben.page.locator("#live")).to_have_text(re.compile("unread notification"))
    await bell.click()
    panel = ben.page.get_by_role("dialog", name="Notifications")
    line = panel.get_by_role("link", name=re.compile("mentioned you #.* The bell's own parcel"))
    await expect(line).to_contain_text("Unread:")
    await press(ben.page, "Escape")
    await expect(bell).to_be_focused()
    await press(ben.page, "Enter")
    await line.click()
    await ben.page.wait_for_url(desk_of(live, ticket) + "**")
    await ben.has_sent("read")
    await expect(ben.page.locator("mark")).to_have_text("@Ben")
    await ben.page.get_by_role("link", name=re.compile("^Notifications")).click()

    await expect(line).not_to_contain_text("Unread:")

    await note.fill("@ben okafor: thank you")
    await add.click()
    await expect(ben.page.locator("mark")).to_have_text(["@Ben", "@ben okafor"])
