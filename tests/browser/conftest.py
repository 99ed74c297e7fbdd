"""One server and one Chromium for the whole run; fresh contexts of it for the people of each test.

The tests here share one event loop with the browser, hence the `loop_scope` that each module names.
"""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from parlour.db.factory import make_database
from tests.browser.past import Past
from tests.browser.people import PATIENCE, People
from tests.live import Live, pytest_runtest_makereport
from tests.servers import CHROMIUM, CHROMIUM_ARGUMENTS

__all__ = ["pytest_runtest_makereport"]

failed = pytest.StashKey[bool]()
ENDED_BY_ITSELF = "The browser itself ended during this test. Whatever else the test says follows from that."
expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    pyfuncitem.stash[failed] = True
    yield
    pyfuncitem.stash[failed] = False


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Trusts this machine as a proxy, so that people can have addresses, and limits, of their own."""
    with Live(
        tmp_path_factory.mktemp("live"), PARLOUR_TRUSTED_PROXIES="127.0.0.1", PARLOUR_OAUTH_GOOGLE="id:secret"
    ) as live:
        yield live


@pytest.fixture
def outage(live: Live) -> Iterator[None]:
    """For a test that kills the server of all. Whatever becomes of it, the next one has its server."""
    yield
    if not live.running:
        live.start()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def past(live: Live) -> AsyncIterator[Past]:
    db = make_database(live.settings, exclusive=False)
    await db.open()
    yield Past(db, UUID(live.workspace_id))
    await db.close()


class Chromium:
    """One for all tests. Should it end by itself, the test that had it fails and the next has a new one."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    async def running(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._playwright.chromium.launch(
                executable_path=CHROMIUM.path(), args=list(CHROMIUM_ARGUMENTS)
            )
        return self._browser

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        chromium = Chromium(playwright)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Chromium) -> Browser:
    return await chromium.running()


@pytest_asyncio.fixture(loop_scope="session")
async def people(
    request: pytest.FixtureRequest, browser: Browser, live: Live, past: Past
) -> AsyncIterator[People]:
    people = People(browser, live, past)
    yield people
    if not browser.is_connected():
        pytest.fail(ENDED_BY_ITSELF, pytrace=False)
    if request.node.stash.get(failed, True):
        print(await people.describe())
    complaints = await people.leave()
    assert not complaints, "\n".join(complaints)
