"""A ticket that is put aside until a moment: pending until then, open again after it, by a job.

Whoever changes its status meanwhile ends that, and so does the customer with a word, which opens it at once.
The job of a moment that no longer counts finds another one on the ticket, or none, and leaves it alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.tickets import changes, life, store
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Invalid

JOB = "tickets.snooze_over"
LONGEST = timedelta(days=366)


def check(ticket: Ticket, until: datetime) -> None:
    """Raises Invalid (`until`: past, too_far; finished for a ticket that is)."""
    if ticket.status in life.FINISHED:
        raise Invalid({"until": "finished"})
    if not can_be(until):
        raise Invalid({"until": "past" if until <= clock.now() else "too_far"})


def can_be(until: datetime) -> bool:
    now = clock.now()
    return now < until <= now + LONGEST


@requires(Permission.TICKET_UPDATE)
def put_aside(
    tx: Tx, locked: Sequence[Ticket], until: datetime, *, change_id: UUID | None = None
) -> list[Ticket]:
    """Until then, each with a job that ends it. Those that are put aside until just then stay as they are."""
    others = [ticket for ticket in locked if ticket.aside_until != until]
    for ticket in others:
        tx.enqueue(JOB, {"ticket_id": str(ticket.ticket_id), "until": until.isoformat()}, at=until)
    now = {ticket.ticket_id: ticket for ticket in changes.put_aside(tx, others, until, change_id=change_id)}
    return [now.get(ticket.ticket_id, ticket) for ticket in locked]


@requires(Permission.SYSTEM)
def end(tx: Tx, ticket_id: UUID, until: datetime) -> None:
    """The moment has come; nothing happens to a ticket that is not put aside until just then.

    A clock that stood ahead for a while may have called it due: jobs' own never goes back, people's does.
    """
    ticket = store.lock_ticket(tx, ticket_id)
    if ticket is None or ticket.aside_until != until:
        return
    if (left := until - clock.now()) > timedelta(0):
        tx.enqueue(JOB, {"ticket_id": str(ticket_id), "until": until.isoformat()}, after=left)
    else:
        changes.bring_back(tx, [ticket])


class SnoozeJobs:
    """Each is stored with the moment that it is for, and runs when the database's clock has come to it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {JOB: self.end}

    async def end(self, job: Job) -> None:
        system, facts = Actor.system(job.workspace_id), job.payload
        await self._db.write(system, end, UUID(facts["ticket_id"]), datetime.fromisoformat(facts["until"]))
