"""Two nodes on one bus, whichever it is, for what every bus promises."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from parlour.kernel.events import Event, JobQueued
from parlour.realtime.bus import Bus, MemoryBus
from parlour.realtime.nodes import SharedBus
from parlour.realtime.postgres import PostgresBus
from parlour.realtime.redis import RedisBus
from tests import postgres_server
from tests.redis_server import RedisServer

PATIENCE = 20.0


class Node:
    """A bus and what was heard on it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[Event | JobQueued] = []
        bus.subscribe(self.heard.append)

    async def hears(self, *events: Event | JobQueued) -> None:
        """Wait until it has heard these, in this order, and nothing else."""
        await until(lambda: len(self.heard) >= len(events))
        assert self.heard == list(events)


async def until(true: Callable[[], bool], within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def two_nodes(make: Callable[[], Bus]) -> AsyncIterator[tuple[Node, Node]]:
    """Both connected, and each has heard of the other. In memory they are one."""
    first = make()
    second = first if isinstance(first, MemoryBus) else make()
    await first.start()
    await second.start()
    if first is not second:
        await joined(first, second)
    try:
        yield Node(first), Node(second)
    finally:
        await second.stop()
        await first.stop()


class Middle(ABC):
    """What stands between the nodes: a real server that can go and come back."""

    @abstractmethod
    def bus(self) -> SharedBus: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def start(self) -> None: ...


class RedisMiddle(Middle):
    def __init__(self, server: RedisServer) -> None:
        self.server = server

    def bus(self) -> SharedBus:
        return RedisBus(self.server.url)

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()


class PostgresMiddle(Middle):
    def __init__(self, folder: Path) -> None:
        self.server = postgres_server.server()
        self.url = self.server.direct_url(self.server.of_folder(folder))

    def bus(self) -> SharedBus:
        return PostgresBus(self.url)

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()


@contextmanager
def middle_of(kind: str, folder: Path) -> Iterator[Middle]:
    if kind == "redis":
        with RedisServer(folder) as server:
            yield RedisMiddle(server)
    else:
        middle = PostgresMiddle(folder)
        try:
            yield middle
        finally:
            if not middle.server.running:
                middle.start()
            postgres_server.left(middle.url)


async def joined(*buses: Bus) -> None:
    """Wait until each hears itself and all the others."""
    await until(lambda: all(bus.sound and len(bus.peers) == len(buses) - 1 for bus in buses))


async def die(bus: Bus) -> None:
    """As kill -9: nothing more is sent, and no goodbye."""
    assert isinstance(bus, SharedBus)
    running = bus._running  # noqa: SLF001
    assert running
    running.cancel()
    await asyncio.wait([running])
    bus.connected = False
