"""Waiting for what happens in another process, which tells nobody."""

import asyncio
import time
from collections.abc import Callable


async def until(true: Callable[[], object], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "It did not happen in time."
        await asyncio.sleep(0.05)
