"""The numbers for Prometheus: of this process, of those that serve the same address, and of the database.

What each means, and when to be woken by it, stands in docs/metrics.md.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from parlour.db import inspection
from parlour.db.backlog import Backlog
from parlour.db.database import Database
from parlour.kernel.access import Actor
from parlour.kernel.networks import plain_address

DATABASE_SECONDS = 1.5
"""The database's own numbers are left out when it takes longer."""
SHARE_SECONDS = 1.0
_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TOGETHER: dict[str, Callable[[float, float], float]] = {
    "parlour_bus_connected": min,
    "parlour_mail_refusing": max,
    "parlour_wal_bytes": max,
    "parlour_disk_free_bytes": min,
}
"""How one number is made of those of several processes. All others are added up."""


class Metrics:
    def __init__(self, db: Database, shared: Path | None = None) -> None:
        """In `shared` the processes that serve one address leave their numbers for each other."""
        self._db = db
        self._shared = shared
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "parlour_requests_total", "Answered requests", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "parlour_request_seconds", "Time to answer", ["route"], registry=self.registry
        )
        self._answered = cache(self._of_answers)
        commits = Histogram(
            "parlour_commit_seconds",
            "Time until a commit is on disk",
            registry=self.registry,
            buckets=_COMMIT_BUCKETS,
        )
        db.time_commits(commits.observe)
        self.watch("parlour_writer_queue", "Units that wait for the database", lambda: db.waiting)
        for name, size in db.sizes.items():
            self.watch(f"parlour_{name}_bytes", "Bytes, of the file or the disk under SQLite", size)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A number that is read whenever somebody asks."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def answered(self, endpoint: Callable[..., Any] | None, status: int, seconds: float) -> None:
        """Count an answer of this endpoint, if the request found one."""
        requests, took = self._answered(endpoint, status)
        requests.inc()
        took.observe(seconds)

    def _of_answers(self, endpoint: Callable[..., Any] | None, status: int) -> tuple[Counter, Histogram]:
        """Looked up once: the library finds a number by its labels, each time, as slowly as it counts."""
        name = getattr(endpoint, "__name__", "")  # what serves all that begins alike has none
        route = f"{endpoint.__module__}.{name}".removeprefix("parlour.") if name else "none"
        return self.requests.labels(route, status), self.seconds.labels(route)

    async def serve(self, request: Request) -> Response:
        """Only for this machine and its own network: the numbers say how a business is going."""
        address = plain_address(request.client.host if request.client else "")
        if address is None or not address.is_private:
            return Response(status_code=404)
        return Response(await self.text(), media_type=CONTENT_TYPE_LATEST)

    async def text(self) -> bytes:
        of_processes = self.registry.collect()
        if self._shared is not None:
            self._share(self._shared)
            of_processes = _together(self._shared)
        return generate_latest(_Collected([*of_processes, *await self._of_the_database()]))

    async def share(self) -> None:
        """For as long as the process lives."""
        while self._shared is not None:
            self._share(self._shared)
            await asyncio.sleep(SHARE_SECONDS)

    def _share(self, folder: Path) -> None:
        """On a full disk the numbers of before stay: it must not take the others' away as well."""
        draft = folder / f".{os.getpid()}"
        families = [
            [each.name, each.type, each.documentation, [[s.name, s.labels, s.value] for s in each.samples]]
            for each in self.registry.collect()
        ]
        with suppress(OSError):
            draft.write_text(json.dumps(families))
            draft.replace(folder / str(os.getpid()))

    async def _of_the_database(self) -> list[Metric]:
        up = GaugeMetricFamily("parlour_database_up", "1 while the database answers")
        found: list[Metric] = [up]
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                jobs, mails, line, silent = await self._db.scan(Actor.system(), inspection.numbers)
        except Exception:
            up.add_metric([], 0)
            return found
        up.add_metric([], 1)
        history = GaugeMetricFamily("parlour_history_info", "The epoch", labels=["epoch"])
        history.add_metric([line], 1)
        mailboxes = GaugeMetricFamily(
            "parlour_mailboxes_silent", "Mailboxes from which nothing can be fetched"
        )
        mailboxes.add_metric([], silent)
        return [*found, history, mailboxes, *_of_jobs(jobs), _of_mails(mails)]


def _of_jobs(jobs: Iterable[Backlog]) -> list[Metric]:
    labels = ["lane", "kind"]
    waiting = GaugeMetricFamily("parlour_jobs_waiting", "Jobs that should run by now", labels=labels)
    oldest = GaugeMetricFamily("parlour_jobs_oldest_seconds", "How long the oldest waits", labels=labels)
    dead = GaugeMetricFamily("parlour_jobs_dead", "Jobs that were given up", labels=labels)
    for each in jobs:
        waiting.add_metric([each.lane, each.kind], each.waiting)
        oldest.add_metric([each.lane, each.kind], each.oldest)
        dead.add_metric([each.lane, each.kind], each.dead)
    return [waiting, oldest, dead]


def _of_mails(mails: Mapping[str, int]) -> Metric:
    what = "Mails about tickets whose state changed in the last day, by that state"
    found = GaugeMetricFamily("parlour_mails_lately", what, labels=["outcome"])
    for outcome, count in mails.items():
        found.add_metric([outcome], count)
    return found


class _Collected(CollectorRegistry):
    """What was collected already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _lives(process: int) -> bool:
    """As one of ours: nobody may signal what another user runs under the number of one that ended."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _together(folder: Path) -> list[Metric]:
    """One of each number. What a process that has ended has counted stays counted; how it stood does not."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for file in sorted(folder.glob("[0-9]*")):
        alive = _lives(int(file.name))
        for name, kind, what, samples in json.loads(file.read_text()):
            if kind == "gauge" and not alive:
                continue
            families.setdefault(name, Metric(name, what, kind))
            known = values.setdefault(name, {})
            for sample, labels, value in samples:
                key = (sample, tuple(sorted(labels.items())))
                put_together = _TOGETHER.get(name, float.__add__)
                known[key] = put_together(known[key], float(value)) if key in known else float(value)
    for name, family in families.items():
        for (sample, pairs), value in values[name].items():
            family.add_sample(sample, dict(pairs), value)
    return list(families.values())
