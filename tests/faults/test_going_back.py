"""A live PostgreSQL is replaced by an older copy of itself, under two nodes with open pages.

As a failover to a replica that was behind does it, which is on a timeline of its own; or as files that
were put back, which the server itself cannot tell from those that were there before.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.cluster import Cluster, Ear, RoamingAgent, RoamingCustomer, open_cluster

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(300)]

SETTLED = 45.0
"""Seconds within which every page shows what the database holds: two rounds of heartbeats."""


@pytest.fixture(params=["redis", "postgresql"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    with open_cluster(tmp_path, redis=request.param == "redis") as cluster:
        yield cluster


class View(Ear):
    """A page of one node: `log` is what it shows, which it loads anew whenever it is told to."""

    def __init__(self, person: RoamingCustomer | RoamingAgent, node: str, ticket_id: str, room: str) -> None:
        super().__init__(person, room)
        self.node = node
        self.ticket_id = ticket_id
        self.place: dict[str, Any] = {}
        self.away = False

    async def listen(self) -> None:
        while True:
            with suppress(OSError, InvalidHandshake, WebSocketException, httpx.HTTPError, EOFError, KeyError):
                if not self.away:
                    await self._sit(self.node)
            await asyncio.sleep(0.1)

    async def _hear(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame["t"] == "hello":
                await self._subscribe(socket)
            elif frame["t"] == "subscribed":
                self.place.setdefault("epoch", frame["epoch"])
            elif frame["t"] == "reset":
                await self._load()
                await self._subscribe(socket)
            elif frame["t"] == "message" and frame["seq"] == self._last + 1:
                self._note(frame)
            elif frame["t"] == "heads":
                await socket.send('{"t":"alive"}')
            if self.away:
                return

    async def _subscribe(self, socket: ClientConnection) -> None:
        place = {"after": self._last, **self.place}
        await socket.send(json.dumps({"t": "subscribe", "room": self.room, **place}))

    async def _load(self) -> None:
        headers = {"accept": "application/json"}
        page = (
            await self.person.get(self.node + self.person.chat_at(self.ticket_id), headers=headers)
        ).json()
        self.log, self._last, self.place = [], 0, {"epoch": page["epoch"]}
        for message in page["messages"]:
            self._last = message["seq"] - 1
            self._note(message)

    def _note(self, frame: dict[str, object]) -> None:
        super()._note(frame)
        self.place["message_id"] = frame["message_id"]


async def shows(view: View, cluster: Cluster) -> bool:
    stored = [(seq, words) for seq, _, words, _ in cluster.conversation(view.ticket_id)]
    return view.log == stored


async def all_show(views: list[View], cluster: Cluster) -> None:
    """In the end; and then for a while."""
    async with asyncio.timeout(SETTLED):
        while not all([await shows(view, cluster) for view in views]):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("promoted", [False, True], ids=["files", "promoted"])
async def test_every_page_of_both_nodes_ends_with_what_the_database_holds(
    cluster: Cluster, promoted: bool
) -> None:
    async with AsyncExitStack() as stack:
        grace = await stack.enter_async_context(RoamingCustomer(cluster, "grace"))
        henry = await stack.enter_async_context(RoamingCustomer(cluster, "henry"))
        ada = await stack.enter_async_context(RoamingAgent(cluster, "ada"))
        await ada.sign_in()
        tickets = [await each.open_ticket() for each in (grace, henry)]
        for number in range(5):
            for each, ticket in zip((grace, henry), tickets, strict=True):
                await each.say(ticket, f"kept {number}")
        copy = await asyncio.to_thread(cluster.postgres.copy_files)
        for number in range(9):
            for each, ticket in zip((grace, henry), tickets, strict=True):
                await each.say(ticket, f"gone {number}")
        pairs = [(person, ticket) for person, ticket in zip((grace, henry), tickets, strict=True)]
        views = [
            View(person, node.url, ticket, cluster.room_of(ticket))
            for own, ticket in pairs
            for person in (own, ada)
            for node in cluster.nodes
        ]
        late = [View(own, cluster.nodes[0].url, ticket, cluster.room_of(ticket)) for own, ticket in pairs]
        listening = [asyncio.create_task(view.listen()) for view in (*views, *late)]
        await all_show([*views, *late], cluster)
        for view in late:
            view.away = True

        await asyncio.to_thread(cluster.postgres.replace_files, copy, promoted=promoted)
        # One room is written to past its former number, one below it, while some pages are away.
        for number in range(20):
            await grace.say(tickets[0], f"instead {number}")
        for number in range(3):
            await henry.say(tickets[1], f"instead {number}")
        for view in late:
            view.away = False

        await all_show([*views, *late], cluster)
        await grace.say(tickets[0], "goes on")
        await henry.say(tickets[1], "goes on")
        await all_show([*views, *late], cluster)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
