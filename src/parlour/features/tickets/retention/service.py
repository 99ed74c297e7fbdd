"""For how long a workspace keeps tickets, if it has chosen so: idle ones are closed, then closed ones erased.

Nothing is closed in which a customer waits for an answer. Of an erased ticket the words, files and mails go;
that it was, when, whose and of which status and priority stays, and so does the trail.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from parlour.db import forgetting, outbox
from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.events import service as events
from parlour.features.tickets import changes, store
from parlour.features.tickets.models import Status, Ticket
from parlour.features.tickets.retention import store as retention_store
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires

JOB = "tickets.retention"
COUNTED = 10_000
"""Nobody needs to know more exactly how many there are."""
AT_ONCE = 50
"""Tickets that are closed in one transaction."""
ERASED_AT_ONCE = 2_000
"""Tickets for which what one searches by is looked through once."""
ERASED = "[erased]"
"""As `parlour erase` leaves it."""


class Due(Struct, frozen=True):
    """How many are closed and erased next, up to COUNTED + 1 of each."""

    to_close: int
    to_erase: int


def _before(days: int, now: datetime) -> datetime | None:
    """None for never."""
    return now - timedelta(days=days) if days else None


@requires(Permission.WORKSPACE_MANAGE)
def due(tx: Tx, close_after: int, delete_after: int) -> Due:
    """With these numbers of days; 0 is never."""
    now = clock.now()
    idle, gone = _before(close_after, now), _before(delete_after, now)
    return Due(
        retention_store.how_many_idle(tx, idle, limit=COUNTED + 1) if idle else 0,
        retention_store.how_many_expired(tx, gone, limit=COUNTED + 1) if gone else 0,
    )


@requires(Permission.SYSTEM)
def wake(tx: Tx) -> int:
    """Store the job of each workspace in which something is due, unless it waits or runs already.

    It goes by this very moment, whenever it runs: chores heed a clock that was set, jobs do not.
    """
    now = clock.now()
    for workspace_id, settings in choices.that_keep_for_a_time(tx):
        here = tx.acting_as(Actor.system(workspace_id))
        idle, gone = _before(settings.close_after, now), _before(settings.delete_after, now)
        found = (idle and retention_store.idle(here, idle, limit=1)) or (
            gone and retention_store.expired(here, gone, limit=1)
        )
        if found and not outbox.is_open(here, JOB):
            here.enqueue(JOB, {"now": now.isoformat()})
    return 0


@requires(Permission.SYSTEM)
def close_some(tx: Tx, now: datetime) -> bool:
    """The next idle tickets. Says whether there may be more."""
    before = _before(choices.settings(tx).close_after, now)
    found = retention_store.idle(tx, before, limit=AT_ONCE) if before else []
    still = [each for each in store.lock_all(tx, found) if before and _is_idle(each, before)]
    changes.set_status(tx, still, Status.CLOSED)
    return bool(still)


def _is_idle(ticket: Ticket, before: datetime) -> bool:
    return ticket.waiting_since is None and ticket.last_message_at < before


@requires(Permission.SYSTEM)
def expired(tx: Tx, now: datetime) -> Sequence[UUID]:
    """The next that are to be erased; none when the workspace keeps them."""
    before = _before(choices.settings(tx).delete_after, now)
    return retention_store.expired(tx, before, limit=ERASED_AT_ONCE) if before else []


@requires(Permission.SYSTEM)
def erase(tx: Tx, ticket_id: UUID, now: datetime) -> bool:
    """What was said in it. False when it is to be kept after all: somebody has opened it again, or that into
    which it was merged.
    """
    before = _before(choices.settings(tx).delete_after, now)
    ticket = store.lock_ticket(tx, ticket_id)
    if ticket is None or before is None:
        return False
    kept = store.ticket(tx, ticket.merged_into) if ticket.merged_into else None
    if not all(each.is_closed and each.last_message_at < before for each in (ticket, kept or ticket)):
        return False
    retention_store.erase(tx, ticket_id)
    return True


@requires(Permission.SYSTEM)
def forget(tx: Tx, ticket_ids: Sequence[UUID], beyond: int) -> tuple[int, bool]:
    """In what one searches by, as `forget_closed` says."""
    return forgetting.forget_closed(tx, set(ticket_ids), beyond=beyond)


@requires(Permission.SYSTEM)
def settle(tx: Tx, ticket_ids: Sequence[UUID], at: datetime) -> None:
    """They were erased after that moment, which is told to whoever follows."""
    retention_store.settle(tx, ticket_ids, ERASED, at)
    events.ticket_updated(tx, ticket_ids, "subject", "description")


def _moment_of(job: Job) -> datetime:
    """A job that the release before has stored tells none."""
    told, now = job.payload.get("now"), clock.now()
    return min(now, datetime.fromisoformat(str(told))) if told else now


class RetentionJobs:
    """A run that broke off is taken up where it was: a ticket is settled when all of it is gone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {JOB: self.keep}

    async def keep(self, job: Job) -> None:
        system, now = Actor.system(job.workspace_id), _moment_of(job)
        while await self._db.write(system, close_some, now):
            pass
        while found := await self._db.read(system, expired, now):
            started = clock.now()
            gone = [each for each in found if await self._db.write(system, erase, each, now)]
            if not gone:
                return
            beyond, more = -1, True
            while more:
                beyond, more = await self._db.write(system, forget, gone, beyond)
            for start in range(0, len(gone), AT_ONCE):
                await self._db.write(system, settle, gone[start : start + AT_ONCE], started)
