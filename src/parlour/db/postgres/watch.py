"""The one question that the event loop itself asks PostgreSQL: how it stands."""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg.pq import ExecStatus

from parlour.db.postgres.link import STATE, Link

Answer = tuple[bytes | None, ...] | None

PATIENCE_SECONDS = 1.0
"""A server that takes longer to say how it stands is asked by the threads, which know how to wait."""
_NAME = b"state"


class Watch:
    """Asks one question at a time, for all who wait by then.

    An answer is for those alone who waited before the question went out: it knows what was stored by then.
    """

    def __init__(self, link: Link, lost: Callable[[], None]) -> None:
        self._link, self._lost = link, lost
        self._wire = link.raw.pgconn
        self._wire.prepare(_NAME, STATE)
        self._wire.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._next: list[asyncio.Future[Answer]] = []
        self._asked: list[asyncio.Future[Answer]] = []
        self._answer: Answer = None
        self._deadline: asyncio.TimerHandle | None = None
        self._closed = False
        self._socket = self._wire.socket
        self._loop.add_reader(self._socket, self._hear)

    @property
    def is_here(self) -> bool:
        return asyncio.get_running_loop() is self._loop

    async def state(self) -> Answer:
        """None where nobody can say."""
        if self._closed:
            return None
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._next.append(answer)
        if not self._asked:
            self._ask()
        return await answer

    def _ask(self) -> None:
        self._asked, self._next = self._next, []
        self._answer = None
        self._deadline = self._loop.call_later(PATIENCE_SECONDS, self.close)
        try:
            self._wire.send_query_prepared(_NAME, [])
            self._wire.flush()
        except psycopg.Error:
            self.close()

    def _hear(self) -> None:
        try:
            self._wire.consume_input()
            while not self._wire.is_busy():
                result = self._wire.get_result()
                if result is None:
                    return self._tell()
                if result.status == ExecStatus.TUPLES_OK and result.ntuples == 1:
                    self._answer = result.get_value(0, 0), result.get_value(0, 1)
        except psycopg.Error:
            self.close()

    def _tell(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        for waiting in self._asked:
            if not waiting.done():
                waiting.set_result(self._answer)
        self._asked = []
        if self._next:
            self._ask()

    def close(self) -> None:
        """Whoever waits for an answer gets None."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._link.close()
        self._lost()
        self._answer, self._next, self._asked = None, [], [*self._asked, *self._next]
        self._tell()
