"""A ticket that is put aside until a moment: pending until then, open again after it, by a job.

Whoever changes its status meanwhile ends that, and so does the customer with a word, which opens it at once.
The job of a moment that no longer counts finds another one on the ticket, or none, and leaves it alone.
"""

from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.tickets import changes, life, store
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Invalid

JOB = "tickets.snooze_over"
LONGEST = timedelta(days=366)


@requires(Permission.TICKET_UPDATE)
def snooze(tx: Tx, ticket_id: UUID, until: datetime, *, seen_version: int) -> Ticket:
    """Put the ticket aside, or move the moment at which it opens again. The customer hears nothing of it.

    Raises Invalid (`until`: past, too_far; finished for a ticket that is), StaleTicket, UnknownTicket.
    """
    ticket = tickets.locked(tx, ticket_id, seen_version=seen_version)
    if ticket.status in life.FINISHED:
        raise Invalid({"until": "finished"})
    now = clock.now()
    if not now < until <= now + LONGEST:
        raise Invalid({"until": "past" if until <= now else "too_far"})
    if ticket.aside_until == until:
        return ticket
    tx.enqueue(JOB, {"ticket_id": str(ticket_id), "until": until.isoformat()}, at=until)
    return changes.put_aside(tx, ticket, until)


@requires(Permission.SYSTEM)
def end(tx: Tx, ticket_id: UUID, until: datetime) -> None:
    """The moment has come; nothing happens to a ticket that is not put aside until just then."""
    ticket = store.lock_ticket(tx, ticket_id)
    if ticket and ticket.aside_until == until:
        changes.bring_back(tx, ticket)


class SnoozeJobs:
    """Each is stored with the moment that it is for, and runs when the database's clock has come to it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {JOB: self.end}

    async def end(self, job: Job) -> None:
        system, facts = Actor.system(job.workspace_id), job.payload
        await self._db.write(system, end, UUID(facts["ticket_id"]), datetime.fromisoformat(facts["until"]))
