from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from parlour.db import backlog, outbox, schema
from parlour.db.database import Database, Tx
from parlour.db.lanes import Lane
from parlour.db.moments import AT_ONCE
from parlour.db.outbox import ERROR_LIMIT, Job
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import NotFound
from parlour.kernel.events import JobQueued
from tests.house import open_database
from tests.jobs import time_passes

SYSTEM = Actor.system()
LEASE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


class Box:
    """The outbox of a real database file, a transaction a call."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def put(self, kind: str = "mail.note", *, after: timedelta = AT_ONCE, **payload: Any) -> UUID:
        return await self.db.write(SYSTEM, lambda tx: tx.enqueue(kind, payload, after=after))

    async def claim(self, lane: Lane = Lane.MAIL, *, limit: int = 10) -> list[Job]:
        return await self.db.write(SYSTEM, outbox.claim, lane, lease=LEASE, limit=limit)

    async def wait(self, span: timedelta) -> None:
        await time_passes(self.db, span)

    async def column(self, name: str) -> list[Any]:
        def read(tx: Tx) -> list[Any]:
            rows = tx.connection.exec_driver_sql(f"SELECT {name} FROM outbox ORDER BY job_id")  # noqa: S608
            return [row[0] for row in rows]

        return await self.db.read(SYSTEM, read)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with open_database(tmp_path) as db:
        yield Box(db)


async def test_a_claim_takes_the_jobs_that_waited_longest(box: Box) -> None:
    await box.put("mail.second", after=2 * SECOND)
    await box.put("mail.first", after=SECOND)
    await box.put("mail.third", after=3 * SECOND)
    await box.wait(4 * SECOND)

    assert [job.kind for job in await box.claim(limit=2)] == ["mail.first", "mail.second"]


async def test_a_job_comes_as_it_was_stored(box: Box) -> None:
    workspace = UUID(int=7)
    job_id = await box.db.write(
        Actor.system(workspace), lambda tx: tx.enqueue("mail.note", {"to": ["ä", 1, None]})
    )

    assert await box.claim() == [Job(job_id, workspace, "mail.note", {"to": ["ä", 1, None]}, 1, Lane.MAIL)]


async def test_a_job_that_the_release_before_has_stored_is_run_and_counted(box: Box) -> None:
    def store(tx: Tx) -> None:
        row = {"job_id": clock.new_id(), "kind": "mail.confirmation", "payload": {}, "run_at": clock.now()}
        tx.execute(insert(schema.outbox).values(**row, attempts=0))

    await box.db.write(SYSTEM, store)
    await box.wait(SECOND)
    [standing] = await box.db.scan(SYSTEM, backlog.census)

    assert standing.waiting == 1
    assert [job.kind for job in await box.claim()] == ["mail.confirmation"]


async def test_a_job_is_not_run_before_its_time(box: Box) -> None:
    await box.put(after=timedelta(days=1))

    assert await box.claim() == []
    await box.wait(timedelta(days=1))
    assert len(await box.claim()) == 1


async def test_a_job_of_a_transaction_that_failed_never_was(box: Box) -> None:
    def fail(tx: Tx) -> None:
        tx.enqueue("mail.note", {})
        raise LookupError

    with pytest.raises(LookupError):
        await box.db.write(SYSTEM, fail)

    assert await box.column("kind") == []


async def test_nobody_else_gets_a_job_while_its_lease_runs(box: Box) -> None:
    await box.put()
    await box.claim()
    await box.wait(LEASE - SECOND)

    assert await box.claim() == []


async def test_a_job_whose_lease_ran_out_is_claimed_again(box: Box) -> None:
    await box.put()
    [first] = await box.claim()

    await box.wait(LEASE)
    [second] = await box.claim()

    assert (second.job_id, second.attempts) == (first.job_id, 2)


@pytest.mark.sqlite
async def test_who_owns_the_file_takes_over_at_once_what_a_process_before_it_held(box: Box) -> None:
    await box.put()
    await box.claim()

    await box.db.prepare()

    assert [job.attempts for job in await box.claim()] == [2]


@pytest.mark.sqlite
async def test_what_was_put_away_by_a_clock_that_was_ahead_waits_no_longer_than_it_was_to(box: Box) -> None:
    await box.put(after=timedelta(minutes=10))
    await box.wait(-HOUR)

    await box.db.prepare()

    await box.wait(timedelta(minutes=9))
    assert await box.claim() == []
    await box.wait(timedelta(minutes=1))
    assert len(await box.claim()) == 1


async def test_the_next_job_due_is_the_first_that_nobody_holds(box: Box) -> None:
    await box.put()
    await box.put(after=HOUR)
    await box.put("work", after=SECOND)
    await box.claim()
    wait = (await box.db.read(SYSTEM, outbox.next_due))[Lane.MAIL]

    assert wait is not None
    assert HOUR - timedelta(minutes=1) < wait <= HOUR


async def test_nothing_is_due_in_an_empty_outbox(box: Box) -> None:
    assert Lane.MAIL not in await box.db.read(SYSTEM, outbox.next_due)


@pytest.mark.sqlite
async def test_a_look_for_due_jobs_reads_the_index_and_not_the_table(box: Box) -> None:
    def plan(tx: Tx) -> str:
        seen: list[str] = []
        execute = tx.connection.exec_driver_sql
        tx.connection.connection.dbapi_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
        outbox.next_due(tx)
        tx.connection.connection.dbapi_connection.set_trace_callback(None)  # type: ignore[union-attr]
        return str(execute(f"EXPLAIN QUERY PLAN {seen[0]}").all())

    explained = await box.db.read(SYSTEM, plan)

    assert "USING INDEX ix_outbox_lane" in explained
    assert "TEMP B-TREE" not in explained


async def test_a_finished_job_is_not_run_again(box: Box) -> None:
    await box.put()
    [job] = await box.claim()

    await box.db.write(SYSTEM, outbox.finish, job)

    await box.wait(LEASE)
    assert await box.claim() == []


async def test_a_finished_job_forgets_its_secrets(box: Box) -> None:
    await box.put(code="s3cret")
    [job] = await box.claim()

    await box.db.write(SYSTEM, outbox.finish, job)

    assert await box.column("payload") in (["{}"], [{}])  # as text, and as JSON


async def test_a_job_put_back_waits_for_its_new_time(box: Box) -> None:
    await box.put()
    [job] = await box.claim()

    await box.db.write(SYSTEM, outbox.retry, job, after=timedelta(minutes=3), error="451 later")

    await box.wait(timedelta(minutes=2))
    assert await box.claim() == []
    await box.wait(timedelta(minutes=1))
    assert [job.attempts for job in await box.claim()] == [2]


async def test_a_buried_job_is_listed_with_what_went_wrong(box: Box) -> None:
    job_id = await box.put("mail.note", code="s3cret")
    [job] = await box.claim()

    await box.db.write(SYSTEM, outbox.bury, job, error="550 no such mailbox")

    [dead] = (await box.db.scan(SYSTEM, backlog.dead_jobs, limit=10)).jobs
    assert (dead.job_id, dead.kind, dead.attempts) == (job_id, "mail.note", 1)
    assert dead.error == "550 no such mailbox"
    await box.wait(LEASE)
    assert await box.claim() == []


async def test_the_newest_dead_jobs_are_listed_first(box: Box) -> None:
    for number in range(3):
        await box.put(f"mail.{number}")
        [job] = await box.claim()
        await box.db.write(SYSTEM, outbox.bury, job, error="no")

    dead = await box.db.scan(SYSTEM, backlog.dead_jobs, limit=2)

    assert [job.kind for job in dead.jobs] == ["mail.2", "mail.1"]


async def test_a_long_error_is_cut(box: Box) -> None:
    await box.put()
    [job] = await box.claim()

    await box.db.write(SYSTEM, outbox.bury, job, error="x" * 2000)

    assert [len(error) for error in await box.column("error")] == [ERROR_LIMIT]


async def test_an_old_claim_cannot_undo_a_newer_one(box: Box) -> None:
    await box.put()
    [old] = await box.claim()
    await box.wait(LEASE)
    [new] = await box.claim()
    held = await box.column("locked_until")

    await box.db.write(SYSTEM, outbox.retry, old, after=AT_ONCE, error="slow")
    await box.db.write(SYSTEM, outbox.bury, old, error="slow")

    assert await box.column("locked_until") == held
    assert await box.column("dead_at") == [None]
    assert new.attempts == 2


async def test_a_revived_job_starts_afresh_with_its_payload(box: Box) -> None:
    job_id = await box.put(to="mary")
    [job] = await box.claim()
    await box.db.write(SYSTEM, outbox.bury, job, error="no")

    await box.db.write(SYSTEM, outbox.revive, job_id)

    assert await box.claim() == [Job(job_id, None, "mail.note", {"to": "mary"}, 1, Lane.MAIL)]


async def test_reviving_a_job_wakes_the_workers(box: Box) -> None:
    job_id = await box.put()
    [job] = await box.claim()
    await box.db.write(SYSTEM, outbox.bury, job, error="no")
    heard: list[Any] = []
    box.db.on_commit(heard.extend)

    await box.db.write(SYSTEM, outbox.revive, job_id)

    assert heard == [JobQueued("mail.note")]


async def test_all_dead_jobs_or_those_of_a_kind_are_revived_in_steps_and_nothing_else(box: Box) -> None:
    for kind in ("mail.a", "mail.a", "mail.b", "mail.done", "mail.waits"):
        await box.put(kind)
    *dead, done = await box.claim(limit=4)
    for job in dead:
        await box.db.write(SYSTEM, outbox.bury, job, error="no")
    await box.db.write(SYSTEM, outbox.finish, done)

    first = await box.db.write(SYSTEM, outbox.revive_some, kind="mail.a", limit=1)
    rest = await box.db.write(SYSTEM, outbox.revive_some, kind="mail.a", limit=9)
    others = await box.db.write(SYSTEM, outbox.revive_some, kind=None, limit=9)

    assert (first, rest, others) == (1, 1, 1)
    assert sorted(job.kind for job in await box.claim()) == ["mail.a", "mail.a", "mail.b", "mail.waits"]


async def test_a_dead_job_that_is_taken_back_has_the_attempts_that_were_left_and_no_other_job_changes(
    box: Box,
) -> None:
    """So that taking back, however often, ends."""
    dead_id, waiting_id = await box.put("mail.dead"), await box.put("mail.waits")
    dead, _ = await box.claim()
    await box.db.write(SYSTEM, outbox.bury, dead, error="no")

    taken = await box.db.write(SYSTEM, outbox.take_back, [dead_id, waiting_id])

    assert taken == {dead_id}
    assert [(job.job_id, job.attempts) for job in await box.claim()] == [(dead_id, 2)]


async def test_only_a_dead_job_can_be_revived(box: Box) -> None:
    job_id = await box.put()

    with pytest.raises(NotFound):
        await box.db.write(SYSTEM, outbox.revive, job_id)


async def test_a_sweep_takes_long_finished_jobs_only(box: Box) -> None:
    for kind in ("mail.a", "mail.b", "mail.c"):
        await box.put(kind)
    finished, dead, waiting = await box.claim()
    await box.db.write(SYSTEM, outbox.finish, finished)
    await box.db.write(SYSTEM, outbox.bury, dead, error="no")

    early = await box.db.write(SYSTEM, outbox.sweep, older_than=WEEK, limit=10)
    late = await box.db.write(SYSTEM, outbox.sweep, older_than=-SECOND, limit=10)

    assert (early, late) == (0, 1)
    assert set(await box.column("kind")) == {dead.kind, waiting.kind}


async def test_a_sweep_takes_no_more_than_its_limit(box: Box) -> None:
    for _ in range(3):
        await box.put()
    for job in await box.claim():
        await box.db.write(SYSTEM, outbox.finish, job)

    assert await box.db.write(SYSTEM, outbox.sweep, older_than=-SECOND, limit=2) == 2
    assert len(await box.column("kind")) == 1


def test_a_job_keeps_its_payload_out_of_the_log() -> None:
    assert "s3cret" not in repr(Job(UUID(int=1), None, "mail.note", {"code": "s3cret"}, 1, Lane.MAIL))
