"""Who gets a copy of each answer by mail, beside the customer: whoever their mails were also meant for."""

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.outbox import Job
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.tickets import store as tickets_store
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import store
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Permission, requires
from parlour.kernel.addresses import clean_email, required_email
from parlour.kernel.errors import Invalid, NotFound
from parlour.kernel.messages import Message

COPY = "mail.copy"
MOST = 10
"""Of a ticket: whoever writes names whom they like."""


class Copy(Struct, frozen=True):
    ticket: Ticket
    email: str
    messages: Sequence[Message]


@requires(Permission.TICKET_LIST)
def of_ticket(tx: Tx, ticket_id: UUID) -> Sequence[str]:
    """Their addresses, by address."""
    return store.emails(tx, ticket_id, limit=MOST)


@requires(Permission.TICKET_LIST)
def asking_of_ticket(tx: Tx, ticket_id: UUID) -> Callable[[], Sequence[str]]:
    """`of_ticket`, asked with what is asked next."""
    return store.asking_emails(tx, ticket_id, limit=MOST)


@requires(Permission.SYSTEM)
def join(tx: Tx, ticket: Ticket, addresses: Sequence[str]) -> None:
    """A mail in the ticket was theirs, or meant for them, too. As many as there is room for; addresses of
    ours, the customer's and those of blocked people are left out.
    """
    named = {clean for each in addresses if (clean := clean_email(each))} - {ticket.email}
    named -= mailboxes.own_among(tx, sorted(named))
    known = set(store.emails(tx, ticket.ticket_id, limit=MOST))
    for email in sorted(named - known)[: MOST - len(known)]:
        if not contacts.is_blocked(tx, email):
            store.insert_participant(tx, ticket.ticket_id, email)


@requires(Permission.TICKET_MERGE)
def take_over(tx: Tx, kept: Ticket, merged: Ticket) -> None:
    """Whoever took part in the merged ticket takes part in the kept one, its customer first.

    Raises Invalid (`into`: copies) when that would be more than MOST.
    """
    named = [merged.email, *store.emails(tx, merged.ticket_id, limit=MOST)]
    known = store.emails(tx, kept.ticket_id, limit=MOST)
    joining = [each for each in named if each != kept.email and each not in known]
    joining = [each for each in joining if not contacts.is_blocked(tx.as_system(), each)]
    if len(joining) + len(known) > MOST:
        raise Invalid({"into": "copies"})
    for email in joining:
        store.insert_participant(tx, kept.ticket_id, email, merged_from=merged.ticket_id)


@requires(Permission.TICKET_MERGE)
def give_back(tx: Tx, kept_id: UUID, merged_id: UUID) -> None:
    """Whom `take_over` brought is out again."""
    store.delete_merged(tx, kept_id, merged_id)


@requires(Permission.TICKET_UPDATE)
def add(tx: Tx, ticket_id: UUID, email: str) -> None:
    """Whoever is in copy already stays so.

    Raises Invalid (`participant`: required, invalid, customer, ours, too_many), NotFound.
    """
    ticket = _locked(tx, ticket_id)
    try:
        address = required_email(email)
    except Invalid as error:
        raise Invalid({"participant": error.problems["email"]}) from None
    known = store.emails(tx, ticket_id, limit=MOST)
    if address in known:
        return
    if problem := _problem(tx, ticket, address, known):
        raise Invalid({"participant": problem})
    store.insert_participant(tx, ticket_id, address)
    audit.record(tx, "participant", ticket_id=ticket_id, after=address)


def _problem(tx: Tx, ticket: Ticket, address: str, known: Sequence[str]) -> str:
    if address == ticket.email:
        return "customer"
    if mailboxes.own_among(tx.as_system(), [address]):
        return "ours"
    return "too_many" if len(known) == MOST else ""


@requires(Permission.TICKET_UPDATE)
def remove(tx: Tx, ticket_id: UUID, email: str) -> None:
    """Of whoever gets none, nothing. Raises NotFound."""
    _locked(tx, ticket_id)
    if email in store.emails(tx, ticket_id, limit=MOST):
        store.delete_participant(tx, ticket_id, email)
        audit.record(tx, "participant", ticket_id=ticket_id, before=email)


def _locked(tx: Tx, ticket_id: UUID) -> Ticket:
    ticket = tickets_store.lock_ticket(tx, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket


@requires(Permission.SYSTEM)
def copy(tx: Tx, job: Job) -> Copy | None:
    """What the job is to mail; None when its recipient takes part no more. Raises Overtaken."""
    outbox.hold(tx, job)
    email, ticket_id = job.payload["email"], UUID(job.payload["ticket_id"])
    ticket = tickets_store.ticket(tx, ticket_id)
    if ticket and email in store.emails(tx, ticket_id, limit=MOST) and not contacts.is_blocked(tx, email):
        told = {"after": job.payload["after"], "upto": job.payload["upto"]}
        return Copy(ticket, email, chat.answers(tx, ticket.chat_room_id, **told, limit=1).newest)
    outgoing.drop(tx, job.job_id)
    return None
