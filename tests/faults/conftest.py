"""Servers that can be killed, and a real browser to watch them from.

Tests that use the browser share one event loop with it, hence the `loop_scope` that their modules name.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.live import Live, pytest_runtest_makereport
from tests.servers import CHROMIUM, CHROMIUM_ARGUMENTS

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(tmp_path) as live:
        yield live


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM.path(), args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        await browser.close()
