"""What an operator is told of the jobs that wait and of those that were given up."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from parlour.db import backlog, outbox
from parlour.db.backlog import Backlog, StoredJob
from parlour.db.database import Database
from parlour.db.lanes import Lane
from parlour.kernel.access import Actor
from tests.house import open_database
from tests.jobs import time_passes

SYSTEM = Actor.system()
LEASE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path) as db:
        yield db


async def put(db: Database, kind: str, *, after: timedelta = timedelta(0), email: str = "") -> None:
    await db.write(SYSTEM, lambda tx: tx.enqueue(kind, {"email": email}, after=after))


async def fail(db: Database, lane: Lane, error: str, *, final: bool = False) -> None:
    [job] = await db.write(SYSTEM, outbox.claim, lane, lease=LEASE, limit=1)
    if final:
        await db.write(SYSTEM, outbox.bury, job, error=error)
    else:
        await db.write(SYSTEM, outbox.retry, job, after=timedelta(hours=1), error=error)


async def waiting(db: Database) -> list[StoredJob]:
    return list((await db.scan(SYSTEM, backlog.waiting_jobs, limit=9)).jobs)


def rounded(standing: Backlog) -> tuple[str, str, int, int, int]:
    minutes = round(standing.oldest / 60)
    return standing.lane, standing.kind, standing.waiting, minutes, standing.dead


async def test_each_kind_is_counted_with_the_age_of_the_oldest_and_with_its_dead(db: Database) -> None:
    await put(db, "mail.confirmation")
    await fail(db, Lane.MAIL, "451 later")
    await time_passes(db, 5 * MINUTE)
    await put(db, "mail.confirmation")
    await put(db, "tickets.bulk")
    await put(db, "mail.invitation")
    await time_passes(db, 2 * MINUTE)
    await fail(db, Lane.WORK, "gone", final=True)

    counted = [rounded(each) for each in await db.scan(SYSTEM, backlog.census)]

    assert counted == [
        ("mail", "mail.confirmation", 2, 7, 0),
        ("mail", "mail.invitation", 1, 2, 0),
        ("work", "tickets.bulk", 0, 0, 1),
    ]


async def test_a_job_that_was_stored_for_later_does_not_wait_before_its_time(db: Database) -> None:
    await put(db, "mail.unseen_replies", after=10 * MINUTE)
    early = await db.scan(SYSTEM, backlog.census), await waiting(db)
    await time_passes(db, 11 * MINUTE)
    [late] = await db.scan(SYSTEM, backlog.census)

    assert early == ([], [])
    assert rounded(late) == ("mail", "mail.unseen_replies", 1, 1, 0)


async def test_finished_jobs_are_nobodys_business(db: Database) -> None:
    await put(db, "mail.confirmation")
    [job] = await db.write(SYSTEM, outbox.claim, Lane.MAIL, lease=LEASE, limit=1)
    await db.write(SYSTEM, outbox.finish, job)

    assert await db.scan(SYSTEM, backlog.census) == []
    assert await waiting(db) == []


async def test_who_waits_for_what_since_when_and_what_was_said(db: Database) -> None:
    await put(db, "mail.confirmation", email="maria@example.com")
    await fail(db, Lane.MAIL, "451 4.7.1 greylisted")
    await time_passes(db, 5 * MINUTE)
    await put(db, "mail.invitation", email="ben@example.com")
    await db.write(SYSTEM, outbox.claim, Lane.MAIL, lease=LEASE, limit=1)
    ben, maria = await waiting(db)

    assert (maria.recipient, maria.attempts, maria.error) == ("maria@example.com", 1, "451 4.7.1 greylisted")
    assert maria.run_at - maria.due_at == pytest.approx(timedelta(hours=1), abs=MINUTE)
    assert (maria.held, ben.held) == (False, True)
    assert (ben.recipient, ben.lane) == ("ben@example.com", "mail")


async def test_a_list_says_how_many_more_there_are(db: Database) -> None:
    for _ in range(5):
        await put(db, "mail.confirmation")
    await fail(db, Lane.MAIL, "550 no", final=True)
    waits = await db.scan(SYSTEM, backlog.waiting_jobs, limit=3)
    dead = await db.scan(SYSTEM, backlog.dead_jobs, limit=3)

    assert (len(waits.jobs), waits.more) == (3, 1)
    assert (len(dead.jobs), dead.more) == (1, 0)


@pytest.mark.sqlite
async def test_nothing_of_it_reads_the_whole_table(db: Database) -> None:
    """A week of finished jobs lies between."""

    def plans(tx) -> list[str]:  # type: ignore[no-untyped-def]
        seen: list[str] = []
        raw = tx.connection.connection.dbapi_connection
        raw.set_trace_callback(seen.append)
        backlog.census(tx)
        backlog.waiting_jobs(tx, limit=9)
        backlog.dead_jobs(tx, limit=9)
        raw.set_trace_callback(None)
        return [str(raw.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()) for one in seen]

    explained = await db.read(SYSTEM, plans)

    assert len(explained) == 5 + len(Lane)
    assert not [plan for plan in explained if "SCAN outbox'" in plan]
