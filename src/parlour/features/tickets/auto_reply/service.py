"""The workspace's own answer to a mail of a customer: once a ticket and sender a day, never to a machine.

Whoever opens a ticket reads it in the mail that confirms it, so that this is one mail and not two.
"""

from datetime import timedelta
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.outbox import Job
from parlour.features.contacts import service as contacts
from parlour.features.tickets import store as tickets_store
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.threads import service as threads
from parlour.features.workspaces.auto_reply import service as auto_reply
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires

AUTO_REPLY = "mail.auto_reply"
ONCE_IN = timedelta(days=1)


@requires(Permission.SYSTEM)
def answer(tx: Tx, ticket: Ticket, sender: str) -> None:
    """A person's mail came into the locked ticket, from this sender."""
    is_customer = sender == ticket.email
    to = threads.address(tx, ticket) if is_customer else sender
    if ticket.quiet or contacts.is_blocked(tx, sender) or not auto_reply.text_now(tx):
        return
    since = clock.now() - ONCE_IN
    confirmed = is_customer and not ticket.begun_by_agent and ticket.created_at > since
    if confirmed and auto_reply.text_then(tx, ticket.created_at):
        return
    if outgoing.was_queued(tx, AUTO_REPLY, ticket.ticket_id, to, since=since):
        return
    job_id = tx.enqueue(AUTO_REPLY, {"ticket_id": str(ticket.ticket_id), "email": to})
    outgoing.queue(tx, AUTO_REPLY, ticket, job_id, to=to)


@requires(Permission.SYSTEM)
def to_mail(tx: Tx, job: Job) -> tuple[Ticket, str] | None:
    """The ticket, and what is said; None when by now there is nothing to say. Raises Overtaken."""
    outbox.hold(tx, job)
    ticket, said = tickets_store.ticket(tx, UUID(job.payload["ticket_id"])), auto_reply.text_now(tx)
    if ticket is None or not said:
        outgoing.drop(tx, job.job_id)
        return None
    return ticket, said
