"""What a moving window promises, wherever it is kept, and whatever is done to the clock there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from parlour.db.postgres import PostgresDatabase
from parlour.web.postgres_windows import PostgresWindows
from parlour.web.redis_windows import RedisWindows
from parlour.web.windows import OwnWindows, Rate
from tests import postgres_server
from tests.redis_server import RedisServer

SHARED = [
    pytest.param("redis", marks=pytest.mark.redis),
    pytest.param("postgresql", marks=pytest.mark.postgres),
]
HOUR = 3600
SetBack = Callable[[], Awaitable[None]]


@asynccontextmanager
async def open_windows(kind: str, folder: Path) -> AsyncIterator[tuple[Any, SetBack]]:
    """The windows, and what sets the clock that they go by an hour back: all they hold is then ahead."""
    if kind == "own":
        yield OwnWindows(), lambda: asyncio.sleep(0)
    elif kind == "redis":
        with RedisServer(folder) as broker:
            windows = RedisWindows(broker.url)
            yield windows, lambda: asyncio.to_thread(_ahead_in_redis, broker.port)
            await windows.close()
    else:
        server = postgres_server.server()
        name = server.of_folder(folder)
        db = PostgresDatabase(server.direct_url(name))
        await db.open()
        yield PostgresWindows(db), lambda: asyncio.to_thread(_ahead_in_postgresql, name)
        await db.close()
        postgres_server.left(server.direct_url(name))


def _ahead_in_redis(port: int) -> None:
    with Redis(port=port) as client:
        for key in client.keys("*"):
            uses = [int(use) + HOUR * 1_000_000 for use in client.lrange(key, 0, -1)]
            client.delete(key)
            client.rpush(key, *uses)


def _ahead_in_postgresql(name: str) -> None:
    with postgres_server.server().admin_connection(name) as admin:
        moved = "ARRAY(SELECT hit + interval '1 hour' FROM unnest(hits) AS hit ORDER BY hit)"
        admin.execute(f"UPDATE limit_windows SET hits = {moved}")  # noqa: S608


async def told(answer: Any) -> float:
    return float(await answer if isawaitable(answer) else answer)


async def give_back(windows: Any, rate: Rate) -> None:
    if isinstance(windows, OwnWindows):
        windows.give_back("key")
    else:
        assert await windows.give_back("key", rate) == 0


@pytest.mark.parametrize("kind", ["own", *SHARED])
async def test_so_many_in_so_many_seconds_and_then_again(kind: str, tmp_path: Path) -> None:
    rate = Rate.of("2/1 second")
    async with open_windows(kind, tmp_path) as (windows, _):
        first = [await told(windows.take("key", rate)) for _ in range(3)]
        looked = await told(windows.look("key", rate))
        await asyncio.sleep(1.1)
        later = [await told(windows.look("key", rate)), await told(windows.take("key", rate))]

    assert first[:2] == [0, 0]
    assert 0 < looked <= first[2] <= 1
    assert later == [0, 0]


@pytest.mark.parametrize("kind", ["own", *SHARED])
async def test_a_use_that_is_given_back_leaves_those_before_it(kind: str, tmp_path: Path) -> None:
    rate = Rate.of("2/10 minutes")
    async with open_windows(kind, tmp_path) as (windows, _):
        await give_back(windows, rate)
        taken = [await told(windows.take("key", rate)) for _ in range(2)]
        await give_back(windows, rate)
        after = [await told(windows.take("key", rate)) for _ in range(2)]

    assert taken == [0, 0]
    assert after[0] == 0
    assert 590 < after[1] <= 600


@pytest.mark.parametrize("kind", ["own", *SHARED])
async def test_uses_from_before_a_limit_was_lowered_count_all_and_are_waited_for(
    kind: str, tmp_path: Path
) -> None:
    before, lowered = Rate.of("4/hour"), Rate.of("2/hour")
    async with open_windows(kind, tmp_path) as (windows, _):
        taken = [await told(windows.take("key", before)) for _ in range(2)]
        await asyncio.sleep(0.5)
        taken += [await told(windows.take("key", before)) for _ in range(2)]
        refused = await told(windows.take("key", lowered))
        looked = await told(windows.look("key", lowered))
        raised = await told(windows.take("key", before))

    assert taken == [0] * 4
    assert raised > 0
    assert refused >= looked >= raised + 0.4, "until one fits in, not until the first is gone"


@pytest.mark.parametrize("kind", SHARED)
async def test_a_clock_that_was_set_back_lengthens_no_wait_and_gives_no_second_helping(
    kind: str, tmp_path: Path
) -> None:
    rate = Rate.of("3/10 minutes")
    async with open_windows(kind, tmp_path) as (windows, set_back):
        for _ in range(2):
            await windows.take("key", rate)
        await set_back()
        after = [await windows.take("key", rate) for _ in range(2)]

    assert after[0] == 0
    assert 590 < after[1] <= 600


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ("20/10 seconds", (20, 10)),
        ("3/hour", (3, 3600)),
        ("30/15 minutes", (30, 900)),
        ("2/1 second", (2, 1)),
    ],
)
def test_a_rate_is_read_as_it_is_written(words: str, rate: tuple[int, int]) -> None:
    assert Rate.of(words) == rate


def test_threads_that_count_at_once_get_no_more_than_there_is() -> None:
    windows, rate = OwnWindows(), Rate(50, HOUR)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: windows.take("key", rate), range(400)))

    assert waits.count(0.0) == 50
