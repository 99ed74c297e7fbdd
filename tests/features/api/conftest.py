from collections.abc import AsyncIterator

import pytest

from tests.house import House
from tests.programs import Program, program


@pytest.fixture
async def api(house: House) -> AsyncIterator[Program]:
    """With an agent's role."""
    async with program(house) as client:
        yield client
