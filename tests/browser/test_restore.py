"""The database is put back to an older copy under open pages: they show it, and say what is gone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from parlour.db.factory import make_database
from parlour.features.tickets.models import Ticket
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Person, Room, chat_of, desk_of
from tests.copies import copy_of, put_back
from tests.live import Live

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

RENEWED = pytest.mark.parametrize("renewed", [True, False], ids=["restored", "put-back-by-hand"])
GONE = "li[data-state='gone'] >> text=This message is no longer in the conversation."

NOTHING_UNSENT = "() => !Object.keys(localStorage).some((key) => key.includes('unsent'))"
"""Not what is shown: a message stands there from the moment when it is written."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(tmp_path / "restored") as live:
        yield live


@asynccontextmanager
async def now_at(live: Live) -> AsyncIterator[Past]:
    """Writes into the file that the server has at this moment."""
    db = make_database(live.settings, exclusive=False)
    await db.open()
    yield Past(db, UUID(live.workspace_id))
    await db.close()


@pytest_asyncio.fixture(loop_scope="session")
async def past(live: Live) -> AsyncIterator[Past]:
    async with now_at(live) as past:
        yield past


async def stored(live: Live, ticket: Ticket) -> list[str]:
    async with now_at(live) as past:
        return await past.contents(ticket)


async def shown(page: Person) -> list[str]:
    """What stands on the page as part of the conversation, in order."""
    words: list[str] = await page.page.locator(
        "li.message[data-seq]:not([data-seq='']) .message-body"
    ).evaluate_all("(all) => all.map((one) => one.textContent)")
    return words


async def all_is_sent(page: Page) -> None:
    await page.wait_for_function(NOTHING_UNSENT)


async def shows_what_is_stored(live: Live, ticket: Ticket, *people: Person) -> None:
    there = await stored(live, ticket)
    for person in people:
        last = person.page.locator("li.message[data-seq]:not([data-seq=''])").last
        await expect(last).to_contain_text(there[-1])
        await expect(person.page.get_by_text("Live", exact=True)).to_be_visible()
        assert await shown(person) == there


@RENEWED
async def test_a_page_that_returns_before_anybody_wrote_shows_what_is_there(
    live: Live, past: Past, people: People, tmp_path: Path, renewed: bool
) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket), await people.agent()
    for person, address in ((maria, chat_of(live, ticket)), (ada, desk_of(live, ticket))):
        person.expects(NETWORK_LOST, "Failed to fetch")
        await person.page.goto(address)
        await Room(person.page).is_live()
    copy = copy_of(live, tmp_path / "copy.db")
    await Room(maria.page).send("Gone tomorrow")
    await Room(ada.page).shows("Gone tomorrow")
    await Room(maria.page).composer.fill("Half a sentence")

    live.stop()
    put_back(live, copy, renewed=renewed)
    live.start()

    await expect(maria.page.locator(GONE)).to_be_visible(timeout=45_000)
    await expect(Room(ada.page).log.get_by_text("Gone tomorrow")).to_have_count(0, timeout=45_000)
    await shows_what_is_stored(live, ticket, maria, ada)
    await expect(Room(maria.page).composer).to_have_value("Half a sentence")
    await expect(maria.page.locator("[data-announce]")).to_contain_text("you can send it again")


@RENEWED
async def test_a_page_that_returns_after_others_wrote_past_its_number_shows_what_is_there(
    live: Live, past: Past, people: People, tmp_path: Path, renewed: bool
) -> None:
    ticket = await past.ticket()
    maria, ada = await people.customer(ticket), await people.agent()
    for person in (maria, ada):
        person.expects(NETWORK_LOST, "Failed to fetch")
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(ada.page).is_live()
    copy = copy_of(live, tmp_path / "copy.db")
    for number in range(3):
        await Room(maria.page).send(f"Gone {number}")
    await Room(maria.page).shows("Gone 2")
    await all_is_sent(maria.page)
    for person in (maria, ada):
        await person.context.set_offline(True)

    live.stop()
    put_back(live, copy, renewed=renewed)
    live.start()
    async with now_at(live) as again:
        ben = await again.agent("ben")
        await again.said(ticket, [(ben, f"Instead {number}", None) for number in range(6)])
    for person in (maria, ada):
        await person.context.set_offline(False)

    for person in (maria, ada):
        words = Room(person.page).log.get_by_text("Instead 5", exact=True)
        await expect(words).to_have_count(1, timeout=45_000)
    await shows_what_is_stored(live, ticket, maria, ada)
    await expect(maria.page.locator(GONE)).to_have_count(3)

    for number in range(3):
        gone = maria.page.locator("li[data-state='gone']").filter(has_text=f"Gone {number}")
        await gone.get_by_role("button", name="Send again").click()
        await Room(ada.page).shows(f"Gone {number}")  # and the list stands still again
    await expect(maria.page.locator(GONE)).to_have_count(0)
    await all_is_sent(maria.page)
    await shows_what_is_stored(live, ticket, maria, ada)
    assert (await stored(live, ticket))[-3:] == ["Gone 0", "Gone 1", "Gone 2"]


@RENEWED
@pytest.mark.parametrize("room", ["", "/notes"], ids=["answer", "note"])
async def test_an_agents_own_words_are_offered_again_too(
    live: Live, past: Past, people: People, tmp_path: Path, renewed: bool, room: str
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    ada.expects(NETWORK_LOST, "Failed to fetch")
    await ada.page.goto(desk_of(live, ticket) + room)
    page = Room(ada.page)
    page.composer = ada.page.locator(".composer-face:not([data-behind]) textarea")
    await page.is_live()
    copy = copy_of(live, tmp_path / "copy.db")
    await page.send("Said once")
    await expect(ada.page.locator("li.message[data-receipt='sent']")).to_have_count(1)

    live.stop()
    put_back(live, copy, renewed=renewed)
    live.start()
    await expect(ada.page.locator(GONE)).to_be_visible(timeout=45_000)
    await ada.page.reload()
    await page.is_live()
    await ada.page.locator("li[data-state='gone']").get_by_role("button", name="Send again").click()

    await expect(ada.page.locator("li.message[data-receipt='sent']")).to_have_count(1)
    await expect(ada.page.locator(GONE)).to_have_count(0)
    await page.shows("Said once")


async def test_words_that_are_there_after_all_do_not_double(
    live: Live, past: Past, people: People, tmp_path: Path
) -> None:
    """Another tab sent them again meanwhile."""
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST, "Failed to fetch")
    other = await maria.context.new_page()
    for page in (maria.page, other):
        await page.goto(chat_of(live, ticket))
        await Room(page).is_live()
    copy = copy_of(live, tmp_path / "copy.db")
    await Room(maria.page).send("Only once")
    await Room(other).shows("Only once")
    await all_is_sent(maria.page)

    live.stop()
    put_back(live, copy, renewed=True)
    live.start()
    for page in (maria.page, other):
        await expect(page.locator(GONE)).to_have_count(1, timeout=45_000)
    await other.locator("li[data-state='gone']").get_by_role("button", name="Send again").click()

    for page in (maria.page, other):
        await expect(page.locator(GONE)).to_have_count(0)
        await all_is_sent(page)
        await Room(page).shows("Only once")
    assert (await stored(live, ticket)).count("Only once") == 1


@RENEWED
async def test_as_much_is_loaded_again_as_the_page_had_shown(
    live: Live, past: Past, people: People, tmp_path: Path, renewed: bool
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST, "Failed to fetch")
    customer = past.customer(ticket)
    copy = copy_of(live, tmp_path / "copy.db")
    await past.said(ticket, [(customer, f"Gone {number}", None) for number in range(80)])
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).is_live()
    live.stop()
    put_back(live, copy, renewed=renewed)
    live.start()
    async with now_at(live) as again:
        await again.said(ticket, [(customer, f"Instead {number}", None) for number in range(90)])

    words = Room(maria.page).log.get_by_text("Instead 89", exact=True)
    await expect(words).to_have_count(1, timeout=45_000)
    await expect(Room(maria.page).log.get_by_text("Instead 0", exact=True)).to_have_count(1)
    await shows_what_is_stored(live, ticket, maria)
