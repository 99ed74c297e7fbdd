"""The loop that runs stored jobs, in the web process or apart from it."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import structlog

from parlour.db import outbox
from parlour.db.database import Database, Tx
from parlour.db.lanes import Lane, lane_of
from parlour.db.moments import AT_ONCE
from parlour.db.outbox import Ended, Job, Postponed, Undeliverable, Waiting
from parlour.db.together import Together
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import Overloaded, Unreachable
from parlour.kernel.events import Event, JobQueued
from parlour.kernel.text import one_line
from parlour.logs import Episode

Handler = Callable[[Job], Awaitable[None]]
Chore = Callable[[Tx], int]
Follower = Callable[[Tx, Sequence[Job], Ended, str], None]
K = TypeVar("K")

LEASE = timedelta(seconds=30)
"""How soon another process takes over the jobs of one that was killed. Renewed three times in that time."""
TIME_LIMIT = timedelta(minutes=4)
"""For one run, however often its lease is renewed."""
ATTEMPTS = 40
"""About a day: a mail server that is down overnight loses nothing."""
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(hours=1)
KEEP_FINISHED = timedelta(days=7)
SWEEP_EVERY = timedelta(hours=1)
CLOCK_SET = timedelta(hours=1)
"""Whoever's clock was set by more clears nothing away for an hour: what is too old for it would be gone for
good. One that is still so then is believed."""
QUIET = timedelta(days=1)
"""Where no job was stored for longer, either nobody was here, or this process was started by a clock that is
far ahead: nobody can tell which, so that it clears nothing away for an hour either."""
FIRST_SWEEP = (5.0, 20.0)
"""Seconds after the start, drawn by lot: no start waits for it, and nodes that start together don't sweep
together."""
SWEEP_BATCH = 500
LONGEST_REST = 1.0
"""Seconds. Another process may have stored a job, which nobody tells us about."""
PATIENCE = 10.0
"""Seconds that `stop` gives to the jobs that are running."""

log = structlog.get_logger("parlour.worker")


def delay_after(attempts: int) -> timedelta:
    """Exponential backoff with full jitter, so that jobs which failed together don't return together."""
    longest = min(LONGEST_DELAY.total_seconds(), FIRST_DELAY.total_seconds() * 2 ** (attempts - 1))
    return timedelta(seconds=random.uniform(0, longest))  # noqa: S311 nobody gains by guessing it


class Worker:
    """Runs due jobs, up to its slots of each lane at once, each at least once.

    A handler that raises Undeliverable ends its job; whatever else it raises brings the job back later,
    `ATTEMPTS` times in all, or after Waiting for ever. One `run` in a worker's life.
    """

    def __init__(
        self,
        db: Database,
        handlers: Mapping[str, Handler],
        *,
        followers: Mapping[str, Follower] = MappingProxyType({}),
        chores: Sequence[Chore] = (),
        patience: float = PATIENCE,
        lease: timedelta = LEASE,
        first_sweep: tuple[float, float] = FIRST_SWEEP,
    ) -> None:
        """`followers` hear, by kind, how each run of a job ended, in the transaction that stores it, as the
        system in the job's workspace; with what went wrong.

        `chores` clear away, as the system, what ended by itself: soon after the start and every hour.

        A chore does a bounded part and says how much that was; until that was nothing it is asked again soon.
        """
        self._db = db
        self._handlers = handlers
        self._followers = followers
        self._chores = (_forget_finished, *chores)
        self._patience = patience
        self._lease = lease
        self._running: dict[asyncio.Task[Ended], Job] = {}
        self._news = asyncio.Event()
        self._told: set[Lane] = set()
        """Lanes in which something is due, as far as anybody knows."""
        self._look_at = 0.0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ends = Together(db, self._store_ends)
        self._stopping = False
        self._stopped: asyncio.Task[None] | None = None
        self._next_sweep = time.monotonic() + random.uniform(*first_sweep)  # noqa: S311 as above
        self._clock = clock.Setting()
        self._looked_back = False
        self._unfinished: Sequence[Chore] = ()
        self._sweep_on_at = 0.0
        self._unreachable = Episode(log, "jobs.unreachable", "jobs.reachable")

    def wake(self, kind: str = "") -> None:
        """Look for jobs now; one was just committed, perhaps of this kind."""
        if kind:
            self._told.add(lane_of(kind))
        self._news.set()

    def hear(self, event: Event | JobQueued) -> None:
        """As a listener of the bus."""
        if isinstance(event, JobQueued):
            self.wake(event.kind)

    async def run(self) -> None:
        """Work until `stop`. A database that fails is asked again; it never ends the loop."""
        self._idle.clear()
        renewing = asyncio.create_task(self._renew(), name="leases")
        try:
            while not self._stopping:
                self._news.clear()
                try:
                    rest = await self._round()
                    self._unreachable.ends()
                except Exception as error:
                    self._unreachable.begins(error=_words(error))
                    rest = LONGEST_REST
                await self._rest(rest)
        finally:
            self._idle.set()
            renewing.cancel()

    async def stop(self) -> None:
        """Take nothing new, let what runs finish for a while, then leave the rest to its lease.

        Who calls it again waits for the same end.
        """
        self._stopped = self._stopped or asyncio.create_task(self._finish())
        await self._stopped

    async def _finish(self) -> None:
        self._stopping = True
        self.wake()
        await self._idle.wait()
        if not self._running:
            return
        _, left = await asyncio.wait(self._running.keys(), timeout=self._patience)
        for task in left:
            task.cancel()
        if left:
            log.warning("jobs.left", count=len(left))
            await asyncio.wait(left, timeout=1)

    async def _round(self) -> float | None:
        """Start what is due. Answers how many seconds may pass until the next look, None for `wake` only."""
        await self._sweep()
        free = self._free_slots()
        told, self._told = self._told, set()
        if not free:
            return None
        started = 0
        lanes = told & free.keys()
        if told and not lanes and (rest := self._look_at - time.monotonic()) > 0:
            return rest  # the first slot of theirs to be free tells of them again
        if not lanes:
            due = await self._db.read(Actor.system(), outbox.next_due)
            lanes = {lane for lane in free if lane in due and due[lane] <= AT_ONCE}
        if lanes:
            started, due = await self._start({lane: free[lane] for lane in lanes})
        rests = [due[lane].total_seconds() for lane in self._free_slots() if lane in due]
        if (started or told) and any(rest <= 0 for rest in rests):
            return 0.0
        rest = min([LONGEST_REST, *(rest for rest in rests if rest > 0)])
        self._look_at = time.monotonic() + rest
        return rest

    def _free_slots(self) -> dict[Lane, int]:
        """Of the lanes that have any."""
        taken = Counter(job.lane for job in self._running.values())
        return {lane: lane.slots - taken[lane] for lane in Lane if taken[lane] < lane.slots}

    async def _start(self, wanted: Mapping[Lane, int]) -> tuple[int, dict[Lane, timedelta]]:
        """How many were due, and when the next ones are."""
        running = [job.job_id for job in self._running.values()]
        taken = await self._db.write(Actor.system(), outbox.take, wanted, lease=self._lease, running=running)
        jobs, due = taken()
        for job in jobs:
            task = asyncio.create_task(self._run(job), name=f"job {job.job_id}")
            self._running[task] = job
            task.add_done_callback(self._free)
        return len(jobs), due

    async def _renew(self) -> None:
        """Keep what runs here from being taken over; give up what was taken over all the same."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            holding = dict(self._running)
            if not holding:
                continue
            jobs = list(holding.values())
            try:
                kept = await self._db.write(Actor.system(), outbox.renew, jobs, lease=self._lease)
            except Exception as error:
                self._unreachable.begins(error=_words(error))
                continue
            for task, job in holding.items():
                if job.job_id not in kept and not task.done():
                    log.warning("job.taken_over", job_id=str(job.job_id), kind=job.kind)
                    task.cancel()

    async def _rest(self, seconds: float | None) -> None:
        if seconds == 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _free(self, task: asyncio.Task[Ended]) -> None:
        """Another look is needed only where jobs may wait for this slot, and for this very job."""
        lane = self._running[task].lane
        if lane not in self._free_slots():
            self._told.add(lane)
            self.wake()
        del self._running[task]
        error = None if task.cancelled() else task.exception()
        if error:
            log.error("job.outcome_lost", job=task.get_name(), error=_words(error))
        if self._stopping or task.cancelled() or error or task.result() is Ended.PUT_BACK:
            self.wake()

    async def _run(self, job: Job) -> Ended:
        """Run one job and store how it ended."""
        about = log.bind(job_id=str(job.job_id), kind=job.kind, attempt=job.attempts)
        started = time.monotonic()
        try:
            if job.attempts > ATTEMPTS:
                raise Undeliverable("Every attempt ended without an outcome: the process died or hung.")
            async with asyncio.timeout(TIME_LIMIT.total_seconds()):
                await self._handler(job.kind)(job)
        except Undeliverable as error:
            return await self._bury(job, _first_line(error), about)
        except Exception as error:
            return await self._retry(job, error, about)
        await self._patiently(lambda: self._ends.write(job))
        about.info("job.finished", seconds=round(time.monotonic() - started, 3))
        return Ended.FINISHED

    @property
    def kinds(self) -> Collection[str]:
        """Of jobs that it does."""
        return self._handlers.keys()

    def _handler(self, kind: str) -> Handler:
        try:
            return self._handlers[kind]
        except KeyError:  # a newer node may have stored it, and may take it
            raise Postponed(f"This process knows no jobs of the kind {kind!r}.") from None

    async def _retry(self, job: Job, error: Exception, about: Any) -> Ended:
        expected = isinstance(error, Postponed | Overloaded | OSError)
        waits = isinstance(error, Waiting)
        if job.attempts >= ATTEMPTS and not waits:
            return await self._bury(job, _words(error), about, exc_info=None if expected else error)
        delay = delay_after(job.attempts)
        words = _words(error)
        # Halfway, for a process that is killed meanwhile uses up attempts, too.
        afresh = waits and job.attempts >= ATTEMPTS // 2
        put_back = partial(outbox.retry, after=delay, error=words, afresh=afresh)
        await self._store(job, Ended.PUT_BACK, words, put_back)
        about.warning(
            "job.retried",
            error=words,
            again_in=round(delay.total_seconds(), 1),
            exc_info=None if expected else error,
        )
        return Ended.PUT_BACK

    async def _bury(self, job: Job, words: str, about: Any, exc_info: Exception | None = None) -> Ended:
        await self._store(job, Ended.GIVEN_UP, words, partial(outbox.bury, error=words))
        about.error("job.dead", error=words[: outbox.ERROR_LIMIT], exc_info=exc_info)
        return Ended.GIVEN_UP

    def _store_ends(self, tx: Tx, jobs: Sequence[Job]) -> Sequence[None]:
        """What is one statement for all jobs of a workspace, is one."""
        for workspace_id, those in _apart(jobs, lambda job: job.workspace_id):
            there = tx.acting_as(Actor.system(workspace_id))
            outbox.finish(there, *those)
            for follower, theirs in _apart(those, lambda job: self._followers.get(job.kind)):
                if follower:
                    follower(there, theirs, Ended.FINISHED, "")
        return [None] * len(jobs)

    async def _store(self, job: Job, ended: Ended, words: str, outcome: Callable[[Tx, Job], bool]) -> None:
        def store(tx: Tx) -> None:
            if outcome(tx, job) and (follower := self._followers.get(job.kind)):
                follower(tx, [job], ended, words)

        await self._patiently(lambda: self._db.write(Actor.system(job.workspace_id), store))

    async def _patiently(self, write: Callable[[], Awaitable[None]]) -> None:
        """An outcome that is not stored means a second run, a second mail: worth some patience."""
        for pause in (0.1, 1.0, 5.0):
            try:
                return await write()
            except Exception as error:
                log.warning("job.outcome_unstored", error=_words(error))
                await asyncio.sleep(pause)
        return await write()

    async def _sweep(self) -> None:
        """All chores once an hour; meanwhile, a moment later, those that left something to be done."""
        if not self._looked_back:
            await self._look_back()
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep, self._unfinished = now + SWEEP_EVERY.total_seconds(), self._chores
        elif not self._unfinished or now < self._sweep_on_at:
            return
        if abs(by := self._clock.changed()) > CLOCK_SET:
            log.warning("chores.put_off", clock_was_set_by=str(by), for_seconds=self._next_sweep - now)
            self._unfinished = ()
        self._sweep_on_at = now + LONGEST_REST
        self._unfinished = [chore for chore in self._unfinished if await self._leaves_some(chore)]

    async def _look_back(self) -> None:
        """At the newest job, but for those of the last hour: the same wrong clock may have stored them before
        this process was started.
        """
        now = clock.now()
        newest = await self._db.read(Actor.system(), outbox.newest, before=now - SWEEP_EVERY)
        self._looked_back = True
        if newest and (quiet := now - newest) > QUIET:
            rest = SWEEP_EVERY.total_seconds()
            self._next_sweep = time.monotonic() + rest
            log.warning("chores.put_off", nothing_was_stored_for=str(quiet), for_seconds=rest)

    async def _leaves_some(self, chore: Chore) -> bool:
        try:
            return bool(await self._db.write(Actor.system(), chore))
        except Unreachable:
            raise  # nor would the others reach it: all of them again, when it is back
        except Exception as error:  # the others have their turn, and this one again in an hour
            log.warning("chore.failed", chore=getattr(chore, "__name__", ""), error=_words(error))
            return False


def _forget_finished(tx: Tx) -> int:
    return outbox.sweep(tx, older_than=KEEP_FINISHED, limit=SWEEP_BATCH)


def _apart(jobs: Sequence[Job], by: Callable[[Job], K]) -> Iterable[tuple[K, Sequence[Job]]]:
    groups: dict[K, list[Job]] = {}
    for job in jobs:
        groups.setdefault(by(job), []).append(job)
    return groups.items()


def _words(error: BaseException) -> str:
    """What went wrong, for a person. The first line only: a template's error goes on to list its context."""
    first = _first_line(error)
    return first if isinstance(error, Postponed) else f"{type(error).__name__}: {first}".rstrip(": ")


def _first_line(error: BaseException) -> str:
    """It may be a stranger's, with what no database takes."""
    return one_line(str(error).partition("\n")[0])[: outbox.ERROR_LIMIT]
