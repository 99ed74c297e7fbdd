"""A conversation that ends, or goes on elsewhere, under the hands of people who write in it."""

import re

import pytest
from playwright.async_api import expect

from parlour.features.tickets import handover
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Status, Ticket
from parlour.kernel.access import Role
from tests.browser.past import Past
from tests.browser.people import People, Person, Room, chat_of, desk_of, status_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def merge(agent: Person, live: Live, merged: Ticket, kept: Ticket) -> None:
    await agent.page.goto(f"{desk_of(live, merged)}/merge?into={kept.ticket_id}")
    await agent.page.get_by_role("button", name=re.compile("^Merge #")).click()
    await expect(agent.page).to_have_url(re.compile(str(kept.ticket_id)))


async def test_what_was_being_written_can_be_read_on_a_closed_ticket(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket), await people.agent()
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    customer = Room(maria.page)
    await customer.is_live()
    await Room(ada.page).is_live()
    await customer.composer.fill("One more thing:\nthe zip")
    words = customer.notice.locator("[data-field=words]")
    await ada.page.get_by_label("Status").first.select_option("closed")
    await expect(words).to_have_text("One more thing:\nthe zip")
    await maria.page.reload()
    await expect(words).to_be_visible()
    await expect(words).to_have_text("One more thing:\nthe zip")
    await customer.is_live()
    await ada.page.get_by_label("Status").first.select_option("open")

    await expect(customer.composer).to_have_value("One more thing:\nthe zip")
    await expect(words).to_be_hidden()


async def test_whoever_writes_in_a_ticket_that_is_merged_is_led_on_and_keeps_the_words(
    live: Live, past: Past, people: People
) -> None:
    merged, kept = await past.ticket("Where is it?"), await past.ticket("The parcel")
    maria, ada, ben = await people.customer(merged), await people.agent("ada"), await people.agent("ben")
    await maria.page.goto(chat_of(live, merged))
    await ada.page.goto(desk_of(live, merged))
    customer, agent = Room(maria.page), Room(ada.page)
    await customer.is_live()
    await agent.is_live()
    await customer.composer.fill("I still wait")
    await agent.composer.fill("It is on its way")
    await ada.page.get_by_role("button", name="Note").first.click()
    await ada.page.get_by_role("textbox", name="Note").fill("Ask the carrier")
    await merge(ben, live, merged, kept)

    for page in (maria.page, ada.page):
        banner = page.get_by_role("alert").filter(has_text=f"merged this ticket into #{kept.number}")
        await expect(banner).to_be_visible()
        await banner.get_by_role("link", name="Reload").click()
    await expect(ada.page.get_by_role("link", name=f"#{kept.number}").first).to_be_visible()
    await expect(ada.page.locator("[data-kept=reply] [data-field=words]")).to_have_text("It is on its way")
    await expect(ada.page.locator("[data-kept=note] [data-field=words]")).to_have_text("Ask the carrier")
    await expect(maria.page.locator("[data-kept=reply] [data-field=words]")).to_have_text("I still wait")
    await maria.page.get_by_role("button", name=f"Go on in #{kept.number}").click()
    await expect(maria.page).to_have_url(re.compile(str(kept.ticket_id)))


async def test_a_ticket_that_is_taken_out_again_says_so_where_it_is_open(
    live: Live, past: Past, people: People
) -> None:
    merged, kept = await past.ticket("Where is it?"), await past.ticket("The parcel")
    await past.db.write(await past.agent("ada"), merging.merge, merged.ticket_id, kept.ticket_id)
    maria, ada, ben = await people.customer(merged), await people.agent("ada"), await people.agent("ben")
    await maria.page.goto(chat_of(live, merged))
    await ada.page.goto(desk_of(live, merged))
    await Room(maria.page).is_live()
    await Room(ada.page).is_live()
    await ben.page.goto(desk_of(live, merged))
    await ben.page.get_by_role("button", name="Undo the merge").click()

    for page in (maria.page, ada.page):
        line = Room(page).log.get_by_text(f"took this ticket out of #{kept.number} again")
        await expect(line).to_be_visible()
        await page.get_by_role("link", name="Reload").click()
        await expect(Room(page).composer).to_be_visible()


async def test_a_refused_message_that_is_to_be_edited_stays_in_sight(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    maria.expects(status_of(409))
    await past.status(ticket, Status.CLOSED)
    await room.send("Too late")
    await room.messages.last.get_by_role("button", name="Edit").click()

    await expect(room.notice.locator("[data-field=words]")).to_be_visible()
    await expect(room.notice.locator("[data-field=words]")).to_have_text("Too late")


async def test_words_of_somebody_who_may_not_write_any_more_are_not_lost(
    live: Live, past: Past, people: People
) -> None:
    await past.hire("lou", "Lou Nowak")
    ticket, lou = await past.ticket(), await people.agent("lou")
    await lou.page.goto(desk_of(live, ticket))
    room = Room(lou.page)
    await room.is_live()
    lou.expects(status_of(403))
    who = await past.agent("lou")
    assert who.user_id
    await past.db.write(await past.agent("ada"), handover.set_role, who.user_id, Role.VIEWER)
    await room.send("Refused")
    await expect(room.messages.last.get_by_text("Not sent: you may not write here.")).to_be_visible()
    await room.composer.fill("Half a sentence")
    await lou.page.reload()
    words = lou.page.locator("[data-kept=reply] [data-field=words]")
    await expect(words).to_have_text("Half a sentence")
    await room.messages.last.get_by_role("button", name="Edit").click()
    await expect(words).to_have_text("Refused\n\nHalf a sentence")
    await lou.page.reload()

    await expect(words).to_have_text("Refused\n\nHalf a sentence")
