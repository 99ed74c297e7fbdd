"""The bus on PostgreSQL's LISTEN and NOTIFY, over two connections of its own.

A commit that notifies waits for every other such commit in the whole server, so no ticket's transaction
ever does: events are sent after it, many at once.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from parlour.db.postgres.link import NOTICE_A_DEAD_PEER, connect_options
from parlour.realtime.nodes import Line, SharedBus

CHANNEL = "parlour"
PAYLOAD_BYTES = 7_900
"""PostgreSQL refuses 8,000."""
_NOTIFY = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"
CONNECT_SECONDS = 3


class PostgresBus(SharedBus):
    """`url` must lead to the server itself: a pooling proxy gives LISTEN's connection to somebody else."""

    pause = 0.02

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Line]:
        async with (
            await self._connection() as listening,
            await self._connection() as sending,
        ):
            await listening.execute(f"LISTEN {CHANNEL}")
            yield _PostgresLine(listening, sending)

    async def _connection(self) -> AsyncConnection:
        return await AsyncConnection.connect(
            make_conninfo(**connect_options(self._url) | NOTICE_A_DEAD_PEER),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_SECONDS,
            application_name="parlour bus",
        )


class _PostgresLine:
    limit = PAYLOAD_BYTES

    def __init__(self, listening: AsyncConnection, sending: AsyncConnection) -> None:
        self._listening = listening
        self._sending = sending

    async def send(self, payloads: Sequence[str]) -> None:
        await self._sending.execute(_NOTIFY, [CHANNEL, list(payloads)])

    async def receive(self) -> AsyncIterator[str]:
        async for notice in self._listening.notifies():
            yield notice.payload
