"""The windows that the nodes share, in Redis."""

import time

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

ANSWER_SECONDS = 1.0


class RedisWindows:
    """A script of the `limits` library takes a place in a window, so that two nodes never take the same."""

    def __init__(self, url: str) -> None:
        pool = ConnectionPool.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="parlour:limits",
            connection_pool=pool,  # type: ignore[arg-type]
        )
        self._pool = pool
        self._windows = MovingWindowRateLimiter(storage)

    async def take(self, key: str, rate: RateLimitItem) -> float:
        return 0.0 if await self._windows.hit(rate, key) else await self._wait(key, rate)

    async def look(self, key: str, rate: RateLimitItem) -> float:
        return 0.0 if await self._windows.test(rate, key) else await self._wait(key, rate)

    async def forget(self, key: str, rate: RateLimitItem) -> float:
        await self._windows.clear(rate, key)
        return 0.0

    async def _wait(self, key: str, rate: RateLimitItem) -> float:
        stats = await self._windows.get_window_stats(rate, key)
        return max(1.0, stats.reset_time - time.time())

    async def close(self) -> None:
        await self._pool.disconnect()
