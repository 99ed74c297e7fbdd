from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.kernel.access import Role
from tests.house import House, open_house
from tests.programs import Program, program
from tests.receiver import Receiver


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Whose operator lets webhooks lead to this machine."""
    async with open_house(tmp_path, PARLOUR_WEBHOOKS_PRIVATE="127.0.0.0/8") as house:
        yield house


@pytest.fixture
async def admin(house: House) -> AsyncIterator[Program]:
    async with program(house, Role.ADMIN) as client:
        yield client


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server
