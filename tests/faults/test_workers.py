"""Several processes behind one port, and workers that are killed in the middle of their jobs."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster import Cluster, Ear, RoamingCustomer, open_cluster
from tests.live import Live
from tests.until import until

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

PROCESSES = 3
LEASE, PASSES = 30, 26
"""Seconds; so many of them are over at once, because nothing happens in them."""
TAKEN_OVER_WITHIN = 5.0
"""Seconds from the end of the lease: workers look once a second."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with open_cluster(tmp_path, redis=False, nodes=1, options=("--workers", str(PROCESSES))) as cluster:
        yield cluster


def children(live: Live) -> list[int]:
    listed = Path(f"/proc/{live.pid}/task/{live.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


async def hears(ear: Ear, messages: int) -> None:
    await until(lambda: len(ear.log) == messages)


async def serving(url: str, seconds: float) -> list[int]:
    """Ask all the time; the answers' codes."""
    codes = []
    until = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, headers={"connection": "close"}) as client:
        while time.monotonic() < until:
            codes.append((await client.get("/healthz")).status_code)
    return codes


async def test_all_processes_serve_and_agree(cluster: Cluster) -> None:
    async with RoamingCustomer(cluster, "grace") as grace:
        ticket = await grace.open_ticket()
        ears = [Ear(grace, cluster.room_of(ticket)) for _ in range(8)]
        listening = [asyncio.create_task(ear.listen()) for ear in ears]
        for number in range(15):
            await grace.say(ticket, f"number {number}")
        for ear in ears:
            await hears(ear, 16)
        for task in listening:
            task.cancel()

    assert len(children(cluster.nodes[0])) == PROCESSES
    assert len({tuple(ear.log) for ear in ears}) == 1


async def test_a_process_that_dies_is_replaced_and_hardly_anybody_notices(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    await asyncio.sleep(2)
    before = children(node)
    os.kill(before[0], signal.SIGKILL)
    codes = await serving(node.url, 1.0)
    await until(lambda: len(set(children(node)) - set(before)) == 1)

    assert set(codes) == {200}


async def test_sigterm_ends_all_of_them_and_tells_every_page(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    async with RoamingCustomer(cluster, "grace") as grace:
        ticket = await grace.open_ticket()
        ears = [Ear(grace, cluster.room_of(ticket)) for _ in range(8)]
        listening = [asyncio.create_task(ear.listen()) for ear in ears]
        for ear in ears:
            await hears(ear, 1)
        processes = children(node)
        code = await asyncio.to_thread(node.stop)
        await until(lambda: all(ear.closes for ear in ears))
        for task in listening:
            task.cancel()

    assert code == 0
    assert {ear.closes[0] for ear in ears} == {1001}
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


async def test_when_the_first_process_is_killed_the_others_end_too(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    processes = children(node)
    node.kill()

    await until(lambda: not any(running(process) for process in processes))


def running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def test_a_killed_workers_job_is_taken_over_by_another(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        open_cluster(tmp_path, redis=False, nodes=1, workers=0) as cluster,
    ):
        # A mail server that takes the connection and says nothing: the job hangs where it is.
        hanging = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        node = cluster.nodes[0]
        node.stop()
        node.environment["PARLOUR_SMTP_URL"] = hanging
        node.start()
        async with RoamingCustomer(cluster, "grace") as grace:
            await grace.open_ticket()
        await until(lambda: bool(held(cluster)))
        node.kill()
        killed = time.monotonic()
        left = lease_left(cluster)
        del node.environment["PARLOUR_SMTP_URL"]
        node.start()
        started = time.monotonic()
        await until(lambda: not waiting(cluster))
        took = time.monotonic() - max(killed + left - PASSES, started)
        mails = node.mails

    assert LEASE / 2 < left <= LEASE
    assert len(mails) == 1
    assert took < TAKEN_OVER_WITHIN


def lease_left(cluster: Cluster) -> float:
    """Seconds for which the job is held; as if most of them had passed already."""
    [(left,)] = cluster.rows(
        "UPDATE outbox SET locked_until = locked_until - make_interval(secs => %s) "
        "WHERE finished_at IS NULL "
        "RETURNING EXTRACT(EPOCH FROM locked_until - now())::float8 + %s",
        PASSES,
        PASSES,
    )
    return float(str(left))


def held(cluster: Cluster) -> list[tuple[object, ...]]:
    return cluster.rows("SELECT 1 FROM outbox WHERE locked_until > now() AND finished_at IS NULL")


def waiting(cluster: Cluster) -> list[tuple[object, ...]]:
    return cluster.rows("SELECT 1 FROM outbox WHERE finished_at IS NULL AND dead_at IS NULL")


@pytest.mark.redis
async def test_three_workers_run_each_job_once(tmp_path: Path) -> None:
    with open_cluster(tmp_path, redis=True, nodes=1, workers=2) as cluster:
        for number in range(10):
            async with RoamingCustomer(cluster, f"c{number}") as customer:
                await customer.open_ticket()
        await until(lambda: not waiting(cluster))
        mails = [mail for place in tmp_path.glob("*/data/mail") for mail in place.glob("[!.]*.eml")]
        attempts = cluster.rows("SELECT DISTINCT attempts FROM outbox")

    assert len(mails) == 10
    assert attempts == [(1,)]
