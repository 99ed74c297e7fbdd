import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from parlour import worker as the_worker
from parlour.db import backlog, outbox
from parlour.db.database import Database, Tx
from parlour.db.lanes import Lane
from parlour.db.moments import AT_ONCE
from parlour.db.outbox import Job, Postponed, Undeliverable, Waiting
from parlour.files.errors import FilesAway
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import StorageFull
from parlour.kernel.events import JobQueued
from parlour.logs import Episode
from parlour.worker import ATTEMPTS, LEASE, LONGEST_DELAY, Worker, delay_after
from tests.house import open_database
from tests.jobs import time_passes

SYSTEM = Actor.system()
SLOTS = Lane.WORK.slots
Condition = Callable[[], bool | Awaitable[bool]]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path) as db:
        yield db


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that was put back stays there, whatever the delay would have been."""
    monkeypatch.setattr(the_worker, "delay_after", lambda _: LONGEST_DELAY)


async def put(db: Database, kind: str = "work", *, after: timedelta = AT_ONCE, **payload: Any) -> UUID:
    return await db.write(SYSTEM, lambda tx: tx.enqueue(kind, payload, after=after))


async def rows(db: Database, columns: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM outbox ORDER BY job_id"  # noqa: S608
    return await db.read(SYSTEM, lambda tx: [tuple(row) for row in tx.connection.exec_driver_sql(query)])


async def unfinished(db: Database) -> int:
    return sum(finished is None for (finished,) in await rows(db, "finished_at"))


async def until(condition: Condition) -> None:
    async with asyncio.timeout(30):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def working(
    db: Database,
    handler: Callable[[Job], Awaitable[None]],
    *,
    patience: float = 10.0,
    lease: timedelta = LEASE,
) -> AsyncIterator[Worker]:
    """A worker that runs jobs of the kind `work` with `handler`."""
    worker = Worker(db, {"work": handler}, patience=patience, lease=lease, first_sweep=(0.0, 0.0))
    running = asyncio.create_task(worker.run())
    yield worker
    await worker.stop()
    await running


class Hands:
    """A handler that counts, and waits while its gate is shut."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.busy = self.busiest = 0
        self.gate = asyncio.Event()
        self.errors: list[Exception] = []

    async def __call__(self, job: Job) -> None:
        self.jobs.append(job)
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await self.gate.wait()
            if self.errors:
                raise self.errors.pop(0)
        finally:
            self.busy -= 1


@pytest.fixture
async def hands() -> Hands:
    hands = Hands()
    hands.gate.set()
    return hands


async def test_a_job_that_was_waiting_is_run_and_finished(db: Database, hands: Hands) -> None:
    job_id = await put(db, to="mary")

    async with working(db, hands):
        await until(lambda: done(db))

    assert [(job.job_id, job.payload) for job in hands.jobs] == [(job_id, {"to": "mary"})]


async def done(db: Database) -> bool:
    return await unfinished(db) == 0


async def test_a_committed_job_starts_at_once_when_the_worker_is_woken(db: Database, hands: Hands) -> None:
    async with working(db, hands) as worker:
        db.on_commit(lambda events: worker.wake() if any(isinstance(e, JobQueued) for e in events) else None)
        await asyncio.sleep(0.1)  # the worker has looked and now rests for a second
        started = asyncio.get_running_loop().time()
        await put(db)
        await until(lambda: len(hands.jobs) == 1)

        assert asyncio.get_running_loop().time() - started < 0.5


async def test_who_is_told_of_a_job_looks_once_and_not_again_when_it_has_ended(
    db: Database, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_worker, "LONGEST_REST", 1000.0)
    looks = 0

    def tell(events: Sequence[object]) -> None:
        for told in events:
            if isinstance(told, JobQueued):
                worker.wake(told.kind)

    def count(_: object, __: object, sql: str, *___: object) -> None:
        nonlocal looks
        looks += sql.startswith("SELECT anon_1.lane")

    event.listen(Engine, "before_cursor_execute", count)
    try:
        async with working(db, hands) as worker:
            db.on_commit(tell)
            await until(lambda: looks == 1)
            for number in range(1, 4):
                await put(db)
                await until(lambda: done(db))
                assert len(hands.jobs) == number
    finally:
        event.remove(Engine, "before_cursor_execute", count)

    assert looks == 1 + 3


async def test_what_waits_for_a_slot_starts_when_one_is_free(
    db: Database, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_worker, "LONGEST_REST", 1000.0)
    hands.gate.clear()
    for _ in range(SLOTS + 2):
        await put(db)

    async with working(db, hands):
        await until(lambda: hands.busy == SLOTS)
        hands.gate.set()
        await until(lambda: done(db))

    assert len(hands.jobs) == SLOTS + 2


async def test_a_job_that_was_put_back_for_a_moment_starts_after_it(
    db: Database, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_worker, "LONGEST_REST", 1000.0)
    monkeypatch.setattr(the_worker, "delay_after", lambda _: timedelta(seconds=0.05))
    hands.errors = [Postponed("Not now.")]
    await put(db)

    async with working(db, hands):
        await until(lambda: done(db))

    assert [job.attempts for job in hands.jobs] == [1, 2]


async def test_a_job_stored_by_another_process_starts_within_about_a_second(
    db: Database, hands: Hands
) -> None:
    async with working(db, hands):
        await asyncio.sleep(0.1)
        started = asyncio.get_running_loop().time()
        await put(db)
        await until(lambda: len(hands.jobs) == 1)

        assert asyncio.get_running_loop().time() - started < 1.5


async def test_a_job_for_later_starts_when_it_is_due(db: Database, hands: Hands) -> None:
    stored = time.monotonic()
    await put(db, after=timedelta(seconds=0.3))

    async with working(db, hands):
        await until(lambda: len(hands.jobs) == 1)
        started = time.monotonic() - stored

    assert 0.3 <= started < 1.0


async def test_no_more_jobs_run_at_once_than_there_are_slots(db: Database, hands: Hands) -> None:
    hands.gate.clear()
    for _ in range(SLOTS * 2 + 1):
        await put(db)

    async with working(db, hands):
        await until(lambda: hands.busy == SLOTS)
        await asyncio.sleep(0.1)
        hands.gate.set()
        await until(lambda: done(db))

    assert hands.busiest == SLOTS
    assert len(hands.jobs) == SLOTS * 2 + 1


async def test_a_mail_server_that_says_nothing_holds_up_nothing_but_mail(db: Database, hands: Hands) -> None:
    silent = Hands()
    for _ in range(SLOTS * 2):
        await put(db, "mail.confirmation")
    worker = Worker(db, {"mail.confirmation": silent, "work": hands})
    running = asyncio.create_task(worker.run())
    await until(lambda: silent.busy == SLOTS)
    for _ in range(3):
        await put(db)
    worker.wake()
    await until(lambda: len(hands.jobs) == 3)
    still_silent = silent.busy
    silent.gate.set()
    await until(lambda: done(db))
    await worker.stop()
    await running

    assert still_silent == SLOTS


async def test_a_job_that_failed_is_put_back_with_what_went_wrong(
    db: Database, still: None, hands: Hands
) -> None:
    await put(db)
    hands.errors = [ValueError("no template\nwith secrets below")]

    async with working(db, hands):
        await until(lambda: put_back(db))

    assert await rows(db, "error, dead_at") == [("ValueError: no template", None)]


async def put_back(db: Database) -> bool:
    [(attempts, held, error)] = await rows(db, "attempts, locked_until, error")
    return (attempts, held) == (1, None) and bool(error)


async def test_a_job_that_failed_is_run_again(db: Database, still: None, hands: Hands) -> None:
    await put(db)
    hands.errors = [Postponed("451 later")]

    async with working(db, hands) as worker:
        await until(lambda: put_back(db))
        await time_passes(db, LONGEST_DELAY)
        worker.wake()
        await until(lambda: done(db))

    assert [job.attempts for job in hands.jobs] == [1, 2]


async def test_an_undeliverable_job_is_dead_at_once(db: Database, hands: Hands) -> None:
    await put(db)
    hands.errors = [Undeliverable("550 no such mailbox")]

    async with working(db, hands):
        await until(lambda: dead(db))

    assert await rows(db, "attempts, error, finished_at") == [(1, "550 no such mailbox", None)]


@pytest.mark.parametrize("error", [Postponed, Undeliverable, ValueError])
async def test_what_no_database_takes_keeps_no_outcome_from_being_stored(
    db: Database, still: None, hands: Hands, error: type[Exception]
) -> None:
    """As half of a character that another server said in a charset of its own."""
    await put(db)
    hands.errors = [error("550 Ung\udcfcltig\0")]

    async with working(db, hands):
        await until(lambda: put_back(db) if error is not Undeliverable else dead(db))

    [(attempts, words)] = await rows(db, "attempts, error")
    assert (attempts, words.removeprefix("ValueError: ")) == (1, "550 Ung\ufffdltig")


async def dead(db: Database) -> bool:
    return bool((await db.scan(SYSTEM, backlog.dead_jobs, limit=1)).jobs)


async def test_a_job_is_dead_after_its_last_attempt(db: Database, still: None, hands: Hands) -> None:
    await put(db)
    hands.errors = [Postponed("451 later") for _ in range(ATTEMPTS + 1)]

    async with working(db, hands) as worker:
        while not await dead(db):
            await time_passes(db, LONGEST_DELAY)
            worker.wake()
            await until(lambda: nobody_holds(db))

    assert len(hands.jobs) == ATTEMPTS
    assert await rows(db, "error") == [("451 later",)]


async def test_what_waits_is_not_given_up(db: Database, still: None, hands: Hands) -> None:
    await put(db)
    hands.errors = [Waiting("The store is away.") for _ in range(ATTEMPTS + 1)]

    async with working(db, hands) as worker:
        while not await done(db):
            assert not await dead(db)
            await time_passes(db, LONGEST_DELAY)
            worker.wake()
            await until(lambda: settled(db))

    assert len(hands.jobs) == ATTEMPTS + 2
    most = max(job.attempts for job in hands.jobs)
    assert most == ATTEMPTS // 2, "some are left for processes that are killed meanwhile"


async def settled(db: Database) -> bool:
    return await done(db) or await dead(db) or await nobody_holds(db)


async def nobody_holds(db: Database) -> bool:
    due = (await db.read(SYSTEM, outbox.next_due)).get(Lane.WORK)
    return await rows(db, "locked_until") == [(None,)] and (due is None or due > AT_ONCE)


async def test_a_job_that_always_takes_its_process_down_is_dead_in_the_end(
    db: Database, hands: Hands
) -> None:
    await put(db)
    for _ in range(ATTEMPTS):
        await db.write(SYSTEM, outbox.claim, Lane.WORK, lease=AT_ONCE, limit=1)

    async with working(db, hands):
        await until(lambda: dead(db))

    assert hands.jobs == []


async def test_a_job_of_a_kind_that_is_not_known_here_waits_for_somebody_who_knows(
    db: Database, still: None, hands: Hands
) -> None:
    await put(db, "from the future")

    async with working(db, hands):
        await until(lambda: put_back(db))

    assert await rows(db, "dead_at, error") == [
        (None, "This process knows no jobs of the kind 'from the future'.")
    ]


async def test_a_job_that_outlasts_its_lease_is_not_taken_over(db: Database, hands: Hands) -> None:
    lease = timedelta(seconds=0.3)
    await put(db)
    hands.gate.clear()

    async with working(db, hands, lease=lease), working(db, hands, lease=lease):
        await asyncio.sleep(1)
        hands.gate.set()
        await until(lambda: done(db))

    assert [job.attempts for job in hands.jobs] == [1]


async def test_a_job_that_was_taken_over_ends_here(db: Database, hands: Hands) -> None:
    await put(db)
    hands.gate.clear()

    async def taken_over() -> bool:
        """Not when its worker has renewed the lease in between."""
        await time_passes(db, LEASE)
        return bool(await db.write(SYSTEM, outbox.claim, Lane.WORK, lease=LEASE, limit=1))

    async with working(db, hands, lease=timedelta(seconds=0.3)):
        await until(lambda: bool(hands.jobs))
        await until(taken_over)
        await until(lambda: hands.busy == 0)

    assert await rows(db, "attempts, finished_at") == [(2, None)]


async def test_stopping_lets_the_running_jobs_finish(db: Database, hands: Hands) -> None:
    hands.gate.clear()
    await put(db)

    async with working(db, hands):
        await until(lambda: hands.busy == 1)
        asyncio.get_running_loop().call_later(0.2, hands.gate.set)

    assert await done(db)


async def test_stopping_takes_no_new_job(db: Database, hands: Hands) -> None:
    hands.gate.clear()
    for _ in range(SLOTS + 1):
        await put(db)

    async with working(db, hands):
        await until(lambda: hands.busy == SLOTS)
        asyncio.get_running_loop().call_later(0.1, hands.gate.set)

    assert await unfinished(db) == 1


async def test_a_job_that_outlasts_the_stop_is_left_to_its_lease(db: Database, hands: Hands) -> None:
    hands.gate.clear()
    await put(db)

    async with working(db, hands, patience=0.1):
        await until(lambda: hands.busy == 1)

    assert await unfinished(db) == 1
    assert await rows(db, "error") == [(None,)]
    await time_passes(db, LEASE)
    assert len(await db.write(SYSTEM, outbox.claim, Lane.WORK, lease=LEASE, limit=1)) == 1


async def test_a_database_that_fails_does_not_end_the_worker(tmp_path: Path, hands: Hands) -> None:
    async with open_database(tmp_path) as db:
        await db.close()
        async with working(db, hands) as worker:  # the database is not open again yet
            await asyncio.sleep(0.1)
            await db.open()
            await put(db)
            worker.wake()
            await until(lambda: done(db))


async def test_an_outage_of_the_database_is_said_when_it_begins_now_and_then_and_when_it_is_over(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by every look for jobs, of which there is one a second."""
    monkeypatch.setattr(the_worker, "LONGEST_REST", 0.001)
    monkeypatch.setattr(Episode, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(Episode, "SAY_AGAIN_SECONDS", 0.2)
    with capture_logs() as logs:
        async with open_database(tmp_path) as db:
            await db.close()
            async with working(db, hands):
                await asyncio.sleep(0.5)
                await db.open()
                await until(lambda: any(line["event"] == "jobs.reachable" for line in logs))

    said = [line["event"] for line in logs if line["event"].startswith("jobs.")]
    assert said[0] == "jobs.unreachable"
    assert said.count("jobs.reachable") == 1
    assert said[-1] == "jobs.reachable"
    assert 2 <= said.count("jobs.unreachable") <= 4


async def test_jobs_that_finished_a_week_ago_are_swept_away(
    db: Database, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_worker, "QUIET", timedelta(days=9))
    await put(db)
    async with working(db, hands):
        await until(lambda: done(db))

    await time_passes(db, timedelta(days=8))
    with clock.at(clock.now() + timedelta(days=8)):  # ids tell their age by the machine's clock
        async with working(db, hands):
            await until(lambda: empty(db))


async def empty(db: Database) -> bool:
    return await rows(db, "job_id") == []


async def test_every_outcome_is_logged_without_the_payload(db: Database, still: None, hands: Hands) -> None:
    for _ in range(3):
        await put(db, code="s3cret")
    hands.errors = [Undeliverable("550 no"), Postponed("451 later")]

    with capture_logs() as logs:
        async with working(db, hands):
            await until(lambda: len(logs) == 3)

    assert {line["event"] for line in logs} == {"job.dead", "job.retried", "job.finished"}
    assert all(line["kind"] == "work" and line["attempt"] == 1 and line["job_id"] for line in logs)
    assert "s3cret" not in str(logs)


@pytest.mark.parametrize("error", [FilesAway("503"), StorageFull(), Postponed("451"), ConnectionError("cut")])
async def test_what_is_away_is_a_line_and_no_traceback(
    db: Database, still: None, hands: Hands, error: Exception
) -> None:
    await put(db)
    hands.errors = [error]

    with capture_logs() as logs:
        async with working(db, hands):
            await until(lambda: any(line["event"] == "job.retried" for line in logs))

    assert [line["exc_info"] for line in logs if line["event"] == "job.retried"] == [None]


@pytest.mark.parametrize(("attempts", "longest"), [(1, 2), (2, 4), (5, 32), (12, 3600), (15, 3600)])
def test_the_delay_doubles_to_an_hour_and_is_spread_over_its_whole_length(
    attempts: int, longest: int
) -> None:
    delays = [delay_after(attempts).total_seconds() for _ in range(500)]

    assert 0 <= min(delays) < longest * 0.1
    assert longest * 0.9 < max(delays) <= longest


async def test_only_what_leaves_something_to_be_done_is_swept_again_before_the_hour_is_over(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_worker, "LONGEST_REST", 0.01)
    asked: list[str] = []
    left = [3, 2, 1, 0]

    def long(_: Tx) -> int:
        asked.append("long")
        return left.pop(0)

    def short(_: Tx) -> int:
        asked.append("short")
        return 0

    def broken(_: Tx) -> int:
        asked.append("broken")
        raise ValueError

    worker = Worker(db, {}, chores=[broken, long, short], first_sweep=(0.0, 0.0))
    running = asyncio.create_task(worker.run())
    await until(lambda: not left)
    await asyncio.sleep(0.1)
    await worker.stop()
    await running

    assert asked == ["broken", "long", "short", "long", "long", "long"]


async def test_nothing_is_cleared_away_in_the_hour_in_which_the_clock_was_set(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year ahead everything is old. It may be a mistake, which somebody mends within the hour."""
    swept: list[datetime] = []

    def sweep(_: Tx) -> int:
        swept.append(datetime.now(UTC))
        return 0

    monkeypatch.setattr(the_worker, "SWEEP_EVERY", timedelta(0))
    machines_own = time.time
    worker = Worker(db, {}, chores=[sweep], first_sweep=(0.0, 0.0))
    running = asyncio.create_task(worker.run())
    try:
        await until(lambda: len(swept) > 0)
        with capture_logs() as said:
            monkeypatch.setattr(time, "time", lambda: machines_own() + 366 * 24 * 3600)
            worker.wake()
            await until(lambda: bool(put_offs(said)))
            put_off = len(swept)
            worker.wake()
            await until(lambda: len(swept) > put_off)
    finally:
        await worker.stop()
        await running

    [line] = put_offs(said)
    assert line["clock_was_set_by"].startswith(("366 days", "365 days, 23:59:59"))


async def test_nor_in_the_first_hour_of_a_process_that_was_started_by_a_clock_far_ahead(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose battery is empty begins anywhere; its jobs say when it was here last."""
    await put(db)
    monkeypatch.setattr(the_worker, "SWEEP_EVERY", timedelta(seconds=0.5))
    seen = list[str]()

    def sweep(_: Tx) -> int:
        seen.extend(each["event"] for each in said)
        return 0

    worker = Worker(db, {}, chores=[sweep], first_sweep=(0.0, 0.0))
    with capture_logs() as said, clock.at(clock.now() + timedelta(days=366)):
        running = asyncio.create_task(worker.run())
        await until(lambda: bool(seen))
        await worker.stop()
        await running

    assert "chores.put_off" in seen, "said, and waited for, before anything was cleared away"
    [line] = put_offs(said)
    assert line["nothing_was_stored_for"].startswith(("366 days", "365 days, 23:59:59"))
    assert line["for_seconds"] == 0.5


async def test_nor_once_that_process_is_started_again_though_it_has_stored_jobs_by_that_clock(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(db)
    monkeypatch.setattr(clock, "new_id", lambda: clock.id_at(clock.now()))
    swept = list[bool]()

    def sweep(_: Tx) -> int:
        swept.append(True)
        return 0

    async def start() -> None:
        before = len(put_offs(said))
        worker = Worker(db, {}, chores=[sweep], first_sweep=(0.0, 0.0))
        running = asyncio.create_task(worker.run())
        await until(lambda: len(put_offs(said)) > before or bool(swept))
        await worker.stop()
        await running

    with capture_logs() as said, clock.at(clock.now() + timedelta(days=366)):
        await start()
        await put(db)
        await start()

    assert (len(put_offs(said)), swept) == (2, [])


def put_offs(said: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in said if each["event"] == "chores.put_off"]
