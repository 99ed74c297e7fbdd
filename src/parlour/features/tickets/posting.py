"""The jobs that mail what was said, each with its line in the ticket."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from parlour.db.database import Tx
from parlour.db.moments import AT_ONCE
from parlour.features.contacts import service as contacts
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.threads import service as threads
from parlour.kernel.access import Kind, Permission, requires


@requires(Permission.PORTAL_SEE)
def queue(
    tx: Tx, kind: str, ticket: Ticket, *, seq: int = 0, to: str = "", after: timedelta = AT_ONCE
) -> None:
    """The job that mails the customer, at `to` if elsewhere, about the message `seq` if any, and its line."""
    system = tx.as_system()
    job_id = system.enqueue(kind, {"ticket_id": str(ticket.ticket_id), "email": ticket.email}, after=after)
    outgoing.queue(system, kind, ticket, job_id, seq=seq, to=to)


@requires(Permission.PORTAL_SEE)
def asking_what_follows(
    tx: Tx, ticket: Ticket, kind: str, *, away_after: timedelta
) -> tuple[Callable[[int], None], Callable[[], bool]]:
    """For what the actor is about to say: what follows by its number once it is said, and whether they are a
    customer who is blocked. Asked with what is asked next.

    An agent's answer goes by mail when it was not seen in the room; at once to who writes by mail. After a
    customer's word in the room they no longer do.
    """
    system = tx.as_system()
    if tx.actor.kind is Kind.CUSTOMER:
        return partial(_in_the_room, system, ticket), contacts.asking_blocked(system, ticket.email)
    thread = threads.asking_of_ticket(system, ticket.ticket_id)
    copied = participants.asking_of_ticket(system, ticket.ticket_id)

    def mail(seq: int) -> None:
        known = thread()
        after = AT_ONCE if known and known.by_mail else away_after
        queue(tx, kind, ticket, seq=seq, to=known.reply_to if known else "", after=after)
        for email in copied():
            told = {"ticket_id": str(ticket.ticket_id), "email": email, "after": seq - 1, "upto": seq}
            job_id = system.enqueue(participants.COPY, told)
            outgoing.queue(system, participants.COPY, ticket, job_id, seq=seq, to=email)

    return mail, _is_no_customer


def _in_the_room(tx: Tx, ticket: Ticket, _: int) -> None:
    """A customer's words are mailed to nobody."""
    threads.came_by_room(tx, ticket.ticket_id)


def _is_no_customer() -> bool:
    return False
