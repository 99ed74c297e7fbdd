"""What was written arrives, once, whatever the network does in between."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from parlour.features.tickets.models import Status, Ticket
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Person, Room, chat_of, status_of
from tests.live import Live

FILL_STORAGE = """() => {
    for (let size = 4_000_000, n = 0; size >= 1; size = Math.floor(size / 2)) {
        try { for (;;) localStorage.setItem(`full:${n++}`, "x".repeat(size)); } catch { /* the next half */ }
    }
}"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WAITING = "Not sent yet. It goes out by itself when the connection is back."


@dataclass
class Visit:
    """Maria on her chat page, connected, about to lose the network."""

    ticket: Ticket
    maria: Person
    room: Room

    async def stored(self, past: Past, text: str) -> int:
        return (await past.contents(self.ticket)).count(text)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(live: Live, past: Past, people: People) -> Visit:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    return Visit(ticket, maria, room)


async def lose_what_is_sent(route: Route) -> None:
    if route.request.method == "POST":
        await route.abort()
    else:
        await route.continue_()


async def test_half_a_message_survives_a_reload(visit: Visit) -> None:
    await visit.room.composer.fill("Half a sent")
    await visit.maria.page.reload()

    await expect(visit.room.composer).to_have_value("Half a sent")


async def test_a_message_written_offline_waits_and_goes_out_once(visit: Visit, past: Past) -> None:
    await visit.maria.context.set_offline(True)
    await visit.room.send("Into the tunnel")
    await expect(visit.room.messages.last.get_by_text(WAITING)).to_be_visible()
    await visit.maria.context.set_offline(False)

    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await visit.room.shows("Into the tunnel")
    assert await visit.stored(past, "Into the tunnel") == 1


async def test_a_page_without_a_network_says_so_and_then_that_it_is_back(visit: Visit) -> None:
    await visit.maria.context.set_offline(True)
    await expect(visit.maria.page.get_by_text("Offline. Trying again…")).to_be_visible()
    await visit.maria.context.set_offline(False)

    await visit.room.is_live()


async def test_several_messages_written_offline_keep_their_order(visit: Visit, past: Past) -> None:
    words = ["first of three", "second of three", "third of three"]
    await visit.maria.context.set_offline(True)
    for text in words:
        await visit.room.send(text)
    await visit.maria.context.set_offline(False)

    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    assert (await past.contents(visit.ticket))[1:] == words


async def test_what_the_agent_said_meanwhile_is_there_after_coming_back(
    live: Live, visit: Visit, past: Past, people: People
) -> None:
    await visit.maria.context.set_offline(True)
    await expect(visit.maria.page.get_by_text("Offline. Trying again…")).to_be_visible()
    ada = await past.agent("ada")
    await past.said(visit.ticket, [(ada, "Said while you were away", None)])
    await visit.maria.context.set_offline(False)

    await visit.room.shows("Said while you were away")


async def test_an_unsent_message_survives_a_reload_and_goes_out_once(visit: Visit, past: Past) -> None:
    await visit.maria.page.route("**/chat", lose_what_is_sent)
    await visit.room.send("Hold this for me")
    await expect(visit.room.messages.last.get_by_text(WAITING)).to_be_visible()
    await visit.maria.page.unroute("**/chat")
    await visit.maria.page.reload()

    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await visit.room.shows("Hold this for me")
    assert await visit.stored(past, "Hold this for me") == 1


async def test_a_message_whose_answer_was_lost_is_said_once(visit: Visit, past: Past) -> None:
    lost = 0

    async def lose_the_answer(route: Route) -> None:
        nonlocal lost
        if route.request.method == "POST" and not lost:
            lost += 1
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await visit.maria.page.route("**/chat", lose_the_answer)
    await visit.room.send("Did you get this?")

    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await visit.room.shows("Did you get this?")
    assert lost == 1
    assert await visit.stored(past, "Did you get this?") == 1


async def test_a_refused_message_says_why_and_the_button_sends_it_again(visit: Visit, past: Past) -> None:
    visit.maria.expects(status_of(409))
    await past.status(visit.ticket, Status.CLOSED)
    await visit.room.send("One more thing")
    message = visit.room.messages.last
    await expect(message.get_by_text("Not sent: the ticket is closed.")).to_be_visible()
    await past.status(visit.ticket, Status.OPEN)
    await message.get_by_role("button", name="Try again").click()

    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    assert await visit.stored(past, "One more thing") == 1


async def test_a_refused_message_survives_a_reload_and_can_be_discarded(visit: Visit, past: Past) -> None:
    visit.maria.expects(status_of(409))
    await past.status(visit.ticket, Status.CLOSED)
    await visit.room.send("Never mind")
    await expect(visit.room.messages.last.get_by_text("Not sent: the ticket is closed.")).to_be_visible()
    await visit.maria.page.reload()
    await visit.room.messages.last.get_by_role("button", name="Discard").click()
    await visit.maria.page.reload()

    await expect(visit.room.messages).to_have_count(1)


async def test_two_tabs_send_an_unsent_message_once(live: Live, visit: Visit, past: Past) -> None:
    await visit.maria.context.route("**/chat", lose_what_is_sent)
    await visit.room.send("From either tab")
    await expect(visit.room.messages.last.get_by_text(WAITING)).to_be_visible()
    second = await visit.maria.context.new_page()
    await second.goto(chat_of(live, visit.ticket))
    await visit.maria.context.unroute("**/chat")

    await expect(Room(second).messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await visit.room.shows("From either tab")
    await Room(second).shows("From either tab")
    assert await visit.stored(past, "From either tab") == 1


async def test_a_message_for_which_the_browser_has_no_room_goes_out(visit: Visit) -> None:
    page = visit.maria.page
    visit.maria.expects(status_of(403))
    right = await page.evaluate("document.querySelector('meta[name=csrf]').content")
    renew = "(token) => { document.querySelector('meta[name=csrf]').content = token }"
    await page.evaluate(renew, "an old one")
    await visit.room.send("Refused")
    await expect(visit.room.messages.last.get_by_role("button", name="Discard")).to_be_visible()
    await page.evaluate(renew, right)
    await page.evaluate(FILL_STORAGE)
    await visit.room.send("Said all the same")

    await expect(visit.room.messages.filter(has_text="Said all the same")).to_have_attribute(
        "data-receipt", "sent"
    )
