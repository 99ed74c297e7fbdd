"""A browser that crashes is told apart from a page that is wrong, and takes no other test with it."""

import asyncio

import pytest
from playwright.async_api import Error

from tests.browser.conftest import Chromium
from tests.browser.people import People, until
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_page_whose_process_ends_is_complained_of(live: Live, people: People) -> None:
    maria = await people.stranger()
    maria.expects("^crash: the browser's own process for")
    await maria.page.goto(live.portal)
    with pytest.raises(Error):
        await maria.page.goto("chrome://crash")

    async def said() -> bool:
        return len(maria.complaints) == 1

    await until(said)
    assert "(cannot be read: " in await people.describe()


async def test_after_a_browser_that_ended_by_itself_comes_another(chromium: Chromium) -> None:
    first = await chromium.running()
    assert await chromium.running() is first
    gone = asyncio.Event()
    first.once("disconnected", lambda _: gone.set())
    debugger = await first.new_browser_cdp_session()
    crash = asyncio.create_task(debugger.send("Browser.crash"))  # which nobody is left to answer
    await gone.wait()
    crash.cancel()

    second = await chromium.running()
    assert second is not first
    await (await second.new_page()).close()
