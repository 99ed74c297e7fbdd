"""Two nodes behind each of the proxies' files, restarted one after the other: nobody notices."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.cluster import Cluster, open_cluster
from tests.deploy.test_proxies import Proxy, caddy, nginx
from tests.faults.people import Customer
from tests.live import SLUG, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

AT_ONCE = 4
CARE = 2.0
"""Seconds that whoever restarts waits before the next node, as docs/deployment.md says."""
REFUSED = 429
"""Messages may be too many for one visitor in so short a time. That is an answer."""


@pytest.fixture(
    params=[pytest.param(nginx, marks=pytest.mark.nginx), pytest.param(caddy, marks=pytest.mark.caddy)],
    ids=["nginx", "caddy"],
)
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Proxy, Cluster]]:
    proxy = Proxy(tmp_path)
    with open_cluster(tmp_path, redis=False, PARLOUR_BASE_URL=proxy.url) as cluster:
        try:
            request.param(proxy, *(node.port for node in cluster.nodes))
            yield proxy, cluster
        finally:
            proxy.stop()


class Visitor(Customer):
    """Comes through the proxy, with a connection of its own for each request, and never tries again."""

    def __init__(self, proxy: Proxy, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.nodes[0], name, url=proxy.url, verify=proxy.trust)
        self.proxy = proxy
        self.seen: Counter[int | str] = Counter()

    async def ask_on(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                page = await self.get(f"/support/{SLUG}")
                sent = await self.post_message(self.ticket_id, "Hello?", uuid4())
            except httpx.TransportError as error:
                self.seen[type(error).__name__] += 1
            else:
                self.seen.update([page.status_code, sent.status_code])
            await asyncio.sleep(0.05)

    async def listen(self, closes: list[int | None]) -> None:
        """As a page does: comes back after each close."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        address = self.proxy.url.replace("https", "wss") + f"/realtime?ticket={self.ticket_id}&portal={SLUG}"
        while True:
            opening = connect(
                address,
                ssl=self.proxy.trust,
                origin=Origin(self.proxy.url),
                additional_headers={"cookie": cookies},
            )
            async with opening as line:
                try:
                    while True:
                        await line.recv()
                except ConnectionClosed as closed:
                    closes.append(closed.rcvd.code if closed.rcvd else None)


async def test_no_request_fails_while_one_node_after_the_other_is_restarted(
    town: tuple[Proxy, Cluster],
) -> None:
    proxy, cluster = town
    over = asyncio.Event()
    visitors = [Visitor(proxy, cluster, f"v{number}") for number in range(AT_ONCE)]
    closes: list[int | None] = []
    for visitor in visitors:
        await visitor.open_ticket()
    listening = [asyncio.create_task(visitor.listen(closes)) for visitor in visitors]
    asking = [asyncio.create_task(visitor.ask_on(over)) for visitor in visitors]
    await asyncio.sleep(0.5)
    for node in cluster.nodes:
        await asyncio.to_thread(node.stop)
        await asyncio.to_thread(node.start)
        await asyncio.sleep(CARE)
    await asyncio.sleep(0.5)
    over.set()
    await asyncio.gather(*asking)
    still = [not task.done() for task in listening]
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    for visitor in visitors:
        await visitor.aclose()
    seen = sum((visitor.seen for visitor in visitors), Counter[int | str]())

    assert set(seen) <= {200, 201, REFUSED}, seen
    assert seen[200] > 40
    assert seen[201] > 20
    assert still == [True] * AT_ONCE
    assert set(closes) == {1001}
    assert len(closes) >= AT_ONCE
