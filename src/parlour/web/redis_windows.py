"""The windows that the nodes share, in Redis."""

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from parlour.web.windows import Rate

ANSWER_SECONDS = 1.0

_COUNT = """
local key, amount, span, counts = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000, ARGV[3] == 'take'
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local uses = redis.call('LRANGE', key, 0, -1)
local ahead = #uses > 0 and tonumber(uses[#uses]) - now or 0
local fresh = {}
for _, use in ipairs(uses) do
    local moment = tonumber(use) - math.max(ahead, 0)
    if moment > now - span then fresh[#fresh + 1] = string.format('%.0f', moment) end
end
if #fresh >= amount then
    return string.format('%.6f', (tonumber(fresh[#fresh - amount + 1]) + span - now) / 1000000)
end
if counts then
    fresh[#fresh + 1] = string.format('%.0f', now)
    redis.call('DEL', key)
    redis.call('RPUSH', key, unpack(fresh))
    redis.call('PEXPIRE', key, span / 1000)
end
return '0'
"""
"""One use, counted and decided by Redis's own clock. When that was set back, the uses go back with it."""


class RedisWindows:
    """A script takes a place in a window, so that two nodes never take the same."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=self._pool)
        self._count = self._redis.register_script(_COUNT)

    async def take(self, key: str, rate: Rate) -> float:
        return await self._ask(key, rate, "take")

    async def look(self, key: str, rate: Rate) -> float:
        return await self._ask(key, rate, "look")

    async def forget(self, key: str, _: Rate) -> float:
        await self._redis.delete(_name(key))
        return 0.0

    async def give_back(self, key: str, _: Rate) -> float:
        await self._redis.rpop(_name(key))
        return 0.0

    async def _ask(self, key: str, rate: Rate, what: str) -> float:
        return float(await self._count(keys=[_name(key)], args=[rate.amount, rate.seconds, what]))

    async def close(self) -> None:
        await self._pool.disconnect()


def _name(key: str) -> str:
    return f"parlour:window:{key}"
