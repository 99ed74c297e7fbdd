"""The server goes away under open pages, and comes back. It is a server of its own: others need theirs."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import expect

from parlour.db.factory import make_database
from tests.browser.axe import violations
from tests.browser.files import text
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Room, chat_of, status_of
from tests.house import behind_its_back
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("outage")) as live:
        yield live


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def past(live: Live) -> AsyncIterator[Past]:
    db = make_database(live.settings, exclusive=False)
    await db.open()
    yield Past(db, UUID(live.workspace_id))
    await db.close()


async def test_a_message_written_while_the_server_is_down_arrives_once(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST)
    room = Room(maria.page)
    await maria.page.goto(chat_of(live, ticket))
    await room.is_live()
    live.kill()
    await room.send("Written into the dark")
    await expect(maria.page.get_by_text("Offline. Trying again…")).to_be_visible()
    live.start()

    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible(timeout=45_000)
    await room.is_live()
    await room.shows("Written into the dark")
    assert await past.contents(ticket) == [ticket.description, "Written into the dark"]


@contextmanager
def broken_database(live: Live) -> Iterator[None]:
    """A table is gone, so that pages which need it fail; then it is back."""
    behind_its_back(live.settings, "ALTER TABLE tickets RENAME TO tickets_gone")
    try:
        yield
    finally:
        behind_its_back(live.settings, "ALTER TABLE tickets_gone RENAME TO tickets")


async def test_a_fault_of_ours_is_said_in_the_portals_own_layout(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, bypass_csp=True)
    maria.expects(status_of(500))
    with broken_database(live):
        await maria.page.goto(chat_of(live, ticket))

    await expect(maria.page.get_by_role("heading", name="Something went wrong")).to_be_visible()
    await expect(maria.page.get_by_role("link", name="Back to support")).to_be_visible()
    assert await violations(maria.page) == []


async def test_a_file_that_the_server_died_under_goes_up_again_and_out(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST)
    room = Room(maria.page)
    await maria.page.goto(chat_of(live, ticket))
    await room.is_live()
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    network = await maria.context.new_cdp_session(maria.page)
    await network.send("Network.emulateNetworkConditions", slow)
    await maria.page.get_by_label("Attach files").set_input_files([text("large.log", b"x" * 800_000)])
    await expect(maria.page.locator(".chip")).to_contain_text(re.compile(r"[1-9]\d? % of"))
    await room.send("Here is the log")
    live.kill()
    await network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    live.start()

    await expect(room.messages.last.get_by_role("link", name="large.log")).to_be_visible(timeout=45_000)
    await expect(room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    assert await past.contents(ticket) == [ticket.description, "Here is the log"]
