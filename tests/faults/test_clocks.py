"""Clocks that differ between machines, and clocks that are set while jobs and limits run."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clocks import Clock
from tests.cluster import RoamingCustomer, open_cluster
from tests.faults.people import Customer
from tests.jobs import stored_jobs
from tests.live import Live
from tests.post_office import PostOffice
from tests.until import until

pytestmark = [pytest.mark.faketime, pytest.mark.timeout(240)]

HOUR = 3600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


def finished(live: Live) -> bool:
    return all(done for (done,) in stored_jobs(live.settings, "finished_at IS NOT NULL"))


@pytest.mark.sqlite  # it brings a PostgreSQL of its own
@pytest.mark.postgres
async def test_a_node_whose_clock_is_a_minute_ahead_takes_nobodys_mail_over(
    tmp_path: Path, clock: Clock, office: PostOffice
) -> None:
    office.takes = 4.0
    clock.set(60)
    with open_cluster(tmp_path, redis=False, nodes=2) as cluster:
        for node in cluster.nodes:
            node.stop()
            node.environment["PARLOUR_SMTP_URL"] = office.url
        cluster.nodes[1].environment.update(clock.environment)
        for node in cluster.nodes:
            node.start()
        for number in range(4):
            async with RoamingCustomer(cluster, f"c{number}") as customer:
                await customer.open_ticket()
        open_jobs = "SELECT 1 FROM outbox WHERE finished_at IS NULL"
        await until(lambda: not cluster.rows(open_jobs))

    assert len(office.envelopes) == 4
    assert len({mail["Message-ID"] for mail in office.mails}) == 4


async def test_a_mail_that_waits_is_not_kept_by_a_clock_that_is_set_back(
    tmp_path: Path, clock: Clock, office: PostOffice
) -> None:
    await office.close()
    clock.set(HOUR)
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url, **clock.environment) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
        await until(lambda: stored_jobs(live.settings, "attempts > 0 AND locked_until IS NULL") == [(1,)])
        clock.set(0)
        await office.open()
        await until(lambda: finished(live))

    assert len(office.envelopes) == 1


async def test_nor_by_one_that_was_set_back_before_the_next_start(
    tmp_path: Path, clock: Clock, office: PostOffice
) -> None:
    await office.close()
    clock.set(HOUR)
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url, **clock.environment) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
        await until(lambda: stored_jobs(live.settings, "attempts > 0 AND locked_until IS NULL") == [(1,)])
        live.kill()
        clock.set(0)
        await office.open()
        live.start()
        await until(lambda: finished(live))

    assert len(office.envelopes) == 1


async def test_a_clock_that_jumps_an_hour_ahead_doubles_no_mail(
    tmp_path: Path, clock: Clock, office: PostOffice
) -> None:
    office.takes = 3.0
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url, **clock.environment) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
        await until(lambda: stored_jobs(live.settings, "locked_until IS NOT NULL") == [(1,)])
        clock.set(HOUR)
        await until(lambda: finished(live))

    assert len(office.envelopes) == 1
    assert stored_jobs(live.settings, "attempts") == [(1,)]


async def test_a_limit_is_no_longer_after_the_clock_was_set_back(tmp_path: Path, clock: Clock) -> None:
    clock.set(HOUR)
    with Live(tmp_path, **clock.environment) as live:
        async with Customer(live, "maria") as maria:
            ticket = await maria.open_ticket()
            # Together: one after the other, on a busy machine, they might take longer than the limit counts.
            await asyncio.gather(*(maria.post_message(ticket, "hello", uuid4()) for _ in range(20)))
            clock.set(0)
            refused = await maria.post_message(ticket, "hello", uuid4())

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
