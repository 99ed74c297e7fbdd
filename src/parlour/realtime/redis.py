"""The bus on Redis: one pub/sub channel for all nodes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from parlour.realtime.nodes import Line, SharedBus

ANSWER_SECONDS = 2.0


class RedisBus(SharedBus):
    """The URL's database number names the channel too: channels know nothing of databases."""

    pause = 0.01

    def __init__(self, url: str) -> None:
        """Raises ValueError when the URL cannot be used."""
        super().__init__()
        self._url = url
        self._channel = f"parlour:{parse_url(url).get('db', 0)}"

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Line]:
        # No retries inside the library: a connection that broke has missed something, and we must know.
        client = Redis.from_url(
            self._url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        async with client, client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            yield _RedisLine(client, channel, self._channel)


class _RedisLine:
    limit = 256 * 1024

    def __init__(self, client: Redis, channel: PubSub, name: str) -> None:
        self._client = client
        self._channel = channel
        self._name = name

    async def send(self, payloads: Sequence[str]) -> None:
        async with self._client.pipeline(transaction=False) as batch:
            for payload in payloads:
                batch.publish(self._name, payload)
            await batch.execute()

    async def receive(self) -> AsyncIterator[str]:
        async for message in self._channel.listen():
            if message is not None:
                yield message["data"].decode()
