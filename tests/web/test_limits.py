"""What every kind of window promises, and what happens when those that nodes share are gone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from structlog.testing import capture_logs

from parlour.db.postgres import PostgresDatabase
from parlour.kernel.errors import TooMany
from parlour.web import limits
from parlour.web.limits import Limit, Limits
from parlour.web.postgres_windows import PostgresWindows
from parlour.web.redis_windows import RedisWindows
from parlour.web.windows import Rate, Windows
from tests import postgres_server
from tests.redis_server import RedisServer

SHARED = [
    pytest.param("redis", marks=pytest.mark.redis),
    pytest.param("postgresql", marks=pytest.mark.postgres),
]
SIGN_IN = Limit.SIGN_IN_BY_ACCOUNT_AND_NETWORK
ADA = "ada@acme.example"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@asynccontextmanager
async def open_windows(kind: str, folder: Path) -> AsyncIterator[Callable[[], Windows]]:
    """How to make the windows of one node after the other."""
    if kind == "redis":
        made: list[RedisWindows] = []

        def make() -> Windows:
            made.append(RedisWindows(broker.url))
            return made[-1]

        with RedisServer(folder) as broker:
            yield make
            for each in made:
                await each.close()
        return
    server = postgres_server.server()
    url = server.direct_url(server.of_folder(folder))
    db = PostgresDatabase(url)
    await db.open()
    yield lambda: PostgresWindows(db)
    await db.close()
    postgres_server.left(url)


async def allowed(node: Limits, *who: str, limit: Limit = SIGN_IN) -> bool:
    try:
        await node.count(limit, *who)
    except TooMany:
        return False
    return True


@pytest.mark.parametrize("kind", SHARED)
async def test_two_nodes_allow_together_what_one_would_alone(kind: str, tmp_path: Path) -> None:
    async with open_windows(kind, tmp_path) as windows:
        nodes = [Limits(windows()), Limits(windows())]
        answers = [await allowed(nodes[turn % 2], ADA) for turn in range(12)]

    assert answers == [True] * 10 + [False] * 2


@pytest.mark.parametrize("kind", SHARED)
async def test_fifty_tries_at_once_on_two_nodes_get_no_more(kind: str, tmp_path: Path) -> None:
    async with open_windows(kind, tmp_path) as windows:
        nodes = [Limits(windows()), Limits(windows())]
        answers = await asyncio.gather(*(allowed(nodes[turn % 2], ADA) for turn in range(50)))

    assert sum(answers) == 10


@pytest.mark.parametrize("kind", SHARED)
async def test_a_restarted_node_remembers(kind: str, tmp_path: Path) -> None:
    async with open_windows(kind, tmp_path) as windows:
        before = Limits(windows())
        for _ in range(10):
            await before.count(SIGN_IN, ADA)

        assert not await allowed(Limits(windows()), ADA)


@pytest.mark.parametrize("kind", SHARED)
async def test_others_are_counted_for_themselves(kind: str, tmp_path: Path) -> None:
    async with open_windows(kind, tmp_path) as windows:
        node = Limits(windows())
        for _ in range(10):
            await node.count(SIGN_IN, ADA)

        assert await allowed(node, "ben@acme.example")


@pytest.mark.parametrize("kind", SHARED)
async def test_a_refusal_says_how_long_to_wait(kind: str, tmp_path: Path) -> None:
    async with open_windows(kind, tmp_path) as windows:
        one, two = Limits(windows()), Limits(windows())
        for _ in range(10):
            await one.count(SIGN_IN, ADA)
        with pytest.raises(TooMany) as refused:
            await two.count(SIGN_IN, ADA)

    assert 890 <= refused.value.retry_after <= 900


@pytest.mark.parametrize("kind", SHARED)
async def test_a_window_moves_on(kind: str, tmp_path: Path) -> None:
    rate = Rate.of("2/1 second")
    async with open_windows(kind, tmp_path) as windows:
        node = windows()
        first = [await node.take("key", rate) for _ in range(3)]
        await asyncio.sleep(1.1)
        later = await node.take("key", rate)

    assert first[:2] == [0, 0]
    assert 0 < first[2] <= 1
    assert later == 0


@pytest.mark.redis
async def test_nobodys_address_is_in_redis(redis: RedisServer) -> None:
    windows = RedisWindows(redis.url)
    await Limits(windows).count(SIGN_IN, ADA)
    await windows.close()
    with Redis(port=redis.port) as client:
        keys = client.keys("*")

    assert keys
    assert not any(b"ada" in key for key in keys)


@pytest.mark.redis
@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_without_redis_each_node_goes_on_by_what_it_has_counted(redis: RedisServer, how: str) -> None:
    windows = RedisWindows(redis.url)
    node = Limits(windows)
    for _ in range(6):
        await node.count(SIGN_IN, ADA)
    getattr(redis, how)()
    with capture_logs() as logs:
        answers = [await allowed(node, ADA) for _ in range(6)]
    await windows.close()

    assert answers == [True] * 4 + [False] * 2
    assert [entry["event"] for entry in logs] == ["limits.away"]


@pytest.mark.redis
async def test_when_redis_is_back_the_nodes_count_together_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ASK_AGAIN_SECONDS", 0.0)
    both = [RedisWindows(redis.url), RedisWindows(redis.url)]
    one, two = (Limits(windows) for windows in both)
    await asyncio.to_thread(redis.stop)
    await one.count(SIGN_IN, ADA)
    await asyncio.to_thread(redis.start)
    for _ in range(9):
        await one.count(SIGN_IN, ADA)
    answers = [await allowed(two, ADA) for _ in range(2)]
    for windows in both:
        await windows.close()

    assert answers == [True, False]
