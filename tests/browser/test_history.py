"""A long conversation, read from its end."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import expect

from parlour.features.tickets.models import Ticket
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Room, chat_of, status_of, until
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LINES = 120
# What stands first in the log's window, and where: the measure of whether the reader was moved.
IN_VIEW = """(log) => {
    const top = log.getBoundingClientRect().top;
    const items = [...log.querySelectorAll("li.message")];
    const item = items.find((li) => li.getBoundingClientRect().bottom > top);
    return [item.dataset.seq, item.getBoundingClientRect().top];
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def long(past: Past) -> Ticket:
    """Two people took turns for 120 messages, one a minute, until just now."""
    start = datetime.now(UTC) - timedelta(minutes=LINES + 1)
    ticket = await past.ticket(description="Line 1", at=start)
    both = (past.customer(ticket), past.customer(ticket))
    lines = [
        (both[n % 2], f"Line {n}\n" + "and some more words\n" * (n % 4), start + timedelta(minutes=n))
        for n in range(2, LINES + 1)
    ]
    await past.said(ticket, lines)
    return ticket


async def test_the_newest_fifty_are_shown_and_the_last_is_in_view(
    live: Live, long: Ticket, people: People
) -> None:
    maria = await people.customer(long)
    await maria.page.goto(chat_of(live, long))
    room = Room(maria.page)

    await expect(room.messages).to_have_count(50)
    await expect(room.messages.last).to_be_in_viewport()


async def test_scrolling_up_loads_the_older_ones_and_moves_nothing_that_is_read(
    live: Live, long: Ticket, people: People
) -> None:
    maria = await people.customer(long)
    await maria.page.goto(chat_of(live, long))
    room = Room(maria.page)
    await room.is_live()
    for loaded in (100, LINES):
        await room.log.evaluate("(log) => { log.scrollTop = -(log.scrollHeight - log.clientHeight - 150) }")
        before = await room.log.evaluate(IN_VIEW)
        await expect(room.messages).to_have_count(loaded)
        after = await room.log.evaluate(IN_VIEW)

        assert after[0] == before[0]
        assert abs(after[1] - before[1]) < 2
    assert await room.messages.evaluate_all("(all) => all.map((li) => Number(li.dataset.seq))") == list(
        range(1, LINES + 1)
    )
    await expect(maria.page.get_by_role("link", name="Earlier messages")).to_be_hidden()


async def test_the_wheel_reaches_the_first_message(live: Live, long: Ticket, people: People) -> None:
    maria = await people.customer(long)
    await maria.page.goto(chat_of(live, long))
    room = Room(maria.page)
    await room.is_live()
    await room.log.hover()
    for _ in range(40):
        await maria.page.mouse.wheel(0, -2_000)
        if await room.messages.count() == LINES:
            break
        await maria.page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")

    await expect(room.messages).to_have_count(LINES)


async def test_without_a_script_a_link_leads_to_the_older_ones(
    live: Live, long: Ticket, people: People
) -> None:
    maria = await people.customer(long, javascript=False)
    await maria.page.goto(chat_of(live, long))
    await maria.page.get_by_role("link", name="Earlier messages").click()
    room = Room(maria.page)
    await expect(room.log.get_by_text("Line 70", exact=False).first).to_be_attached()
    await expect(room.messages).to_have_count(50)
    await maria.page.get_by_role("link", name="Earlier messages").click()
    await expect(room.messages).to_have_count(20)
    await expect(maria.page.get_by_role("link", name="Earlier messages")).to_be_hidden()
    await maria.page.get_by_role("link", name="Newest messages").click()

    await expect(room.log.get_by_text(f"Line {LINES}")).to_be_visible()


async def test_a_reader_further_up_is_told_of_new_words_and_not_moved(
    live: Live, long: Ticket, people: People
) -> None:
    maria = await people.customer(long)
    ada = await people.agent()
    await maria.page.goto(chat_of(live, long))
    await ada.page.goto(f"{live.desk}/tickets/{long.ticket_id}")
    room = Room(maria.page)
    await room.is_live()
    await room.log.evaluate("(log) => { log.scrollTop = -800 }")
    before = await room.log.evaluate(IN_VIEW)
    await Room(ada.page).send("News for a reader")
    button = maria.page.get_by_role("button", name="New messages")
    await expect(button).to_be_visible()
    assert await room.log.evaluate(IN_VIEW) == pytest.approx(before, abs=2)
    await button.click()

    await expect(room.log.get_by_text("News for a reader")).to_be_in_viewport()
    await expect(button).to_be_hidden()


async def test_each_day_has_its_line_in_the_readers_own_time(live: Live, past: Past, people: People) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ticket = await past.ticket(at=today - timedelta(days=400))
    customer = past.customer(ticket)
    lines = [(customer, f"{days} days ago", today - timedelta(days=days)) for days in (40, 40, 1, 0)]
    await past.said(ticket, [(who, f"{text} {n}", at) for n, (who, text, at) in enumerate(lines)])
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))

    days = await maria.page.locator("[data-day]").all_inner_texts()
    assert len(days) == 4
    assert str((today - timedelta(days=400)).year) in days[0]
    assert days[2:] == ["Yesterday", "Today"]


async def test_the_same_moment_falls_on_the_day_that_it_is_where_the_reader_is(
    live: Live, past: Past, people: People
) -> None:
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    ticket = await past.ticket(at=late)
    here = await people.customer(ticket)
    further_east = await people.customer(ticket, timezone="Asia/Tokyo")
    await here.page.goto(chat_of(live, ticket))
    await further_east.page.goto(chat_of(live, ticket))

    await expect(here.page.locator("[data-day]")).to_contain_text("10 March")
    await expect(further_east.page.locator("[data-day]")).to_contain_text("11 March")


async def test_a_line_parts_what_is_new_from_what_was_read(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    ada = await past.agent("ada")
    maria = await people.customer(ticket)
    await past.said(ticket, [(ada, "Read before", None)])
    await maria.page.goto(chat_of(live, ticket))
    await until(lambda: past.has_read(ticket, "Read before"))
    await maria.page.goto(live.portal)
    await past.said(ticket, [(ada, "Not read yet", None), (ada, "Nor this", None)])
    await maria.page.goto(chat_of(live, ticket))

    unread = maria.page.locator("[data-unread]")
    await expect(unread).to_have_text("New messages")
    following = unread.locator("xpath=following-sibling::li[contains(@class, 'message')][1]")
    await expect(following).to_contain_text("Not read yet")


async def test_the_portal_says_which_ticket_has_a_new_reply(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    await past.said(ticket, [(await past.agent("ada"), "We are on it", None)])
    maria = await people.customer(ticket)
    await maria.page.goto(live.portal)

    await expect(maria.page.get_by_text("New reply")).to_be_visible()


async def test_the_first_words_of_a_day_have_its_line_above_them_and_take_it_along(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket(at=datetime.now(UTC) - timedelta(days=1))
    maria = await people.customer(ticket)
    days = maria.page.locator("[data-day]")
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    maria.expects(NETWORK_LOST)
    await maria.context.set_offline(True)
    await room.send("Good morning")
    await expect(days).to_have_text(["Yesterday", "Today"])
    await maria.context.set_offline(False)
    await expect(room.messages.last).to_have_attribute("data-receipt", "sent")

    await expect(days).to_have_text(["Yesterday", "Today"])
    await expect(maria.page.locator("[data-messages] > li").last).to_contain_text("Good morning")


async def test_with_the_only_words_of_a_day_goes_its_line(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(at=datetime.now(UTC) - timedelta(days=1))
    maria = await people.customer(ticket)
    days = maria.page.locator("[data-day]")
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    maria.expects(status_of(403))
    await maria.page.evaluate("document.querySelector('meta[name=csrf]').content = 'of yesterday'")
    await room.send("Good morning")
    await expect(days).to_have_text(["Yesterday", "Today"])
    await room.messages.last.get_by_role("button", name="Discard").click()

    await expect(days).to_have_text(["Yesterday"])


@pytest.mark.parametrize("days", [-1, 1], ids=["behind", "ahead"])
async def test_a_browsers_clock_that_is_wrong_moves_nothing_to_another_day(
    live: Live, past: Past, people: People, days: int
) -> None:
    """What was said lately is of today by the clock that says when it was said, the server's."""
    maria = await people.customer(ticket := await past.ticket())
    await maria.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=days))
    await maria.page.goto(f"{live.portal}/ticket/{ticket.ticket_id}")

    last = maria.page.get_by_text("Last message").locator("xpath=..").locator("time")
    await expect(last).to_have_text(re.compile(r"^(now|[1-9]\d? minutes? ago)$"))
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    await room.send("Good morning")
    await expect(room.messages.last).to_have_attribute("data-receipt", "sent")
    await expect(maria.page.locator("[data-day]")).to_have_text(["Today"])
