from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import Browser, House, open_house
from tests.servers import pytest_collection_modifyitems, pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_sessionfinish", "pytest_terminal_summary"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[Browser]:
    async with house.browser() as browser:
        yield browser


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Browser]:
    """Ada's browser, signed in."""
    browser = await house.sign_in()
    yield browser
    await browser.aclose()
