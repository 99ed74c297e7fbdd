"""Two tickets that are one: the merged one stays closed with its rooms as they are, the kept one goes on.

No message moves. The desk shows the rooms of both by time; mails and visits of the merged one lead to the
kept one; undoing gives the merged one its status back (one that was put aside is open), and what was said
meanwhile stays where it was said.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from parlour.db.database import Tx
from parlour.db.outbox import Job
from parlour.features.chat import service as chat
from parlour.features.chat.models import Audience
from parlour.features.contacts import service as contacts
from parlour.features.events import service as events
from parlour.features.tickets import changes, finding, life, store
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Link, Status, Ticket, TicketRow
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.service import UnknownTicket
from parlour.features.tickets.threads import service as threads
from parlour.features.workspaces import audit
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Invalid
from parlour.kernel.messages import Message

MERGED = "mail.merged"
PREVIEWED = 3
MOST = 10
"""So many tickets are merged into one at most: each page of it reads the rooms of all."""


@requires(Permission.TICKET_LIST)
def gathered(tx: Tx, ticket: Ticket) -> Sequence[Ticket]:
    """What goes on in this ticket, directly or through another, in the order of their ids."""
    found: list[Ticket] = []
    level = [ticket] if ticket.gathers else []
    while level := store.merged_into(tx, [each.ticket_id for each in level], limit=MOST) if level else []:
        found += level
    return sorted(found, key=lambda each: each.ticket_id)


@requires(Permission.TICKET_MERGE)
def why_not(tx: Tx, ticket: Ticket, kept: Ticket) -> str:
    """What keeps the one from being merged into the other, as a code; empty when nothing does."""
    if ticket.ticket_id == kept.ticket_id:
        return "same"
    if ticket.merged_into:
        return "merged_already"
    if kept.merged_into:
        return "merged"
    if kept.is_closed:
        return "closed"
    if ticket.quiet or kept.quiet:
        return "quiet"
    together = len(gathered(tx, ticket)) + 1 + len(gathered(tx, kept))
    return "too_many" if together > MOST else ""


class Proposal(Struct, frozen=True):
    """A ticket and what it could be merged into: what was `found`; of one that was chosen, the newest words,
    and what keeps them apart, if anything.
    """

    ticket: Ticket
    found: Sequence[TicketRow]
    kept: Ticket | None = None
    newest: Sequence[Message] = ()
    problem: str = ""


@requires(Permission.TICKET_MERGE)
def propose(tx: Tx, ticket_id: UUID, q: str, into: UUID | None) -> Proposal:
    """Found by number or words; for want of any, the customer's other tickets. Raises UnknownTicket."""
    ticket = store.ticket(tx, ticket_id)
    kept = store.ticket(tx, into) if into else None
    if ticket is None or (into and kept is None):
        raise UnknownTicket
    if kept is None:
        rows = listing.workspace_tickets(tx, Filters(q=q)).rows if q else _others(tx, ticket)
        return Proposal(ticket, [row for row in rows if row.ticket_id != ticket_id])
    newest = chat.history(tx, kept.chat_room_id, limit=PREVIEWED).messages
    return Proposal(ticket, (), kept, newest, why_not(tx, ticket, kept))


def _others(tx: Tx, ticket: Ticket) -> Sequence[TicketRow]:
    others = [each.ticket_id for each in listing.others_of_customer(tx, ticket)]
    return list(listing.these(tx, others).values())


@requires(Permission.TICKET_MERGE)
def merge(tx: Tx, ticket_id: UUID, into: UUID, *, two_people: bool = False) -> Ticket:
    """The kept ticket. Once more into the same one does nothing.

    `two_people`: whoever asks knows that the tickets are not of one person, and that each gets by mail what
    is answered from now on. Raises Invalid (`into`: unknown, copies and what `why_not` says; `people`:
    required), UnknownTicket.
    """
    locked = {each.ticket_id: each for each in store.lock_all(tx, sorted({ticket_id, into}))}
    if ticket_id not in locked:
        raise UnknownTicket
    if into not in locked:
        raise Invalid({"into": "unknown"})
    ticket, kept = locked[ticket_id], locked[into]
    if ticket.merged_into == into:
        return kept
    if problem := why_not(tx, ticket, kept):
        raise Invalid({"into": problem})
    if ticket.email != kept.email and not two_people:
        raise Invalid({"people": "required"})
    participants.take_over(tx, kept, ticket)
    merged, kept = _closed(tx, ticket, kept), _gathering(tx, ticket, kept)
    _say(tx, merged, kept, "merged_into", "merged")
    audit.record_all(tx, "merge", {ticket_id: (None, f"#{kept.number}")})
    audit.record_all(tx, "gather", {into: (None, f"#{ticket.number}")})
    events.ticket_updated(tx, [ticket_id], "merged_into")
    _mail(tx, merged, kept)
    return kept


def _closed(tx: Tx, ticket: Ticket, kept: Ticket) -> Ticket:
    changes.set_status(tx, [ticket], Status.CLOSED)
    # Pending without its day, it would never come back by itself.
    before = Status.OPEN if ticket.aside_until else ticket.status
    values = {"merged_into": kept.ticket_id, "before_merge": before.value}
    [merged] = store.change_all(tx, [ticket.ticket_id], clock.now(), **values)
    changes.tell(tx, merged)
    return merged


def _gathering(tx: Tx, ticket: Ticket, kept: Ticket) -> Ticket:
    """Whose customer waits in the merged ticket waits in this one, which is then the agents' to answer."""
    waits = [each for each in (ticket.waiting_since, kept.waiting_since) if each]
    newest = max(ticket.last_message_at, kept.last_message_at)
    moved = {"waiting_since": min(waits, default=None), "last_message_at": newest}
    if others := [name for name, moment in moved.items() if getattr(kept, name) != moment]:
        events.ticket_updated(tx, [kept.ticket_id], *others)
    [kept] = store.change_all(tx, [kept.ticket_id], clock.now(), gathers=True, **moved)
    store.follow_on_tags(tx, [kept], last_message_at=newest)
    if ticket.waiting_since and kept.status in (Status.PENDING, Status.RESOLVED):
        [kept] = changes.set_status(tx, [kept], Status.OPEN)
    changes.tell(tx, kept)
    return kept


def _say(tx: Tx, merged: Ticket, kept: Ticket, of_merged: str, of_kept: str) -> None:
    """Both sides of both. What is another person's ticket only agents read of."""
    chat.announce(tx, merged.chat_room_id, f"{of_merged}:{kept.number}")
    audience = Audience.PUBLIC if merged.email == kept.email else Audience.INTERNAL
    chat.announce_to_all(tx, [kept.ticket_id], audience, f"{of_kept}:{merged.number}")


def _mail(tx: Tx, merged: Ticket, kept: Ticket) -> None:
    if contacts.is_blocked(tx.as_system(), merged.email):
        return
    asked_in = kept if merged.email == kept.email else merged  # a link goes where those of its ticket go
    to = threads.address(tx.as_system(), asked_in)
    told = {"ticket_id": str(kept.ticket_id), "email": merged.email, "to": to}
    outgoing.queue(tx.as_system(), MERGED, kept, tx.enqueue(MERGED, told), to=to)


@requires(Permission.SYSTEM)
def to_mail(tx: Tx, job: Job, secret: str) -> tuple[Ticket, Link | None] | None:
    """The ticket in which that of the job's recipient goes on, and a link if it is theirs; None when it was
    undone before the mail could leave.
    """
    kept, email = store.ticket(tx, UUID(job.payload["ticket_id"])), job.payload["email"]
    if kept is None or all(each.email != email for each in gathered(tx, kept)):
        outgoing.drop(tx, job.job_id)
        return None
    return kept, access.issue_link(tx, kept.ticket_id, secret) if email == kept.email else None


@requires(Permission.TICKET_MERGE)
def undo(tx: Tx, ticket_id: UUID) -> Ticket:
    """The ticket stands alone again, in the status that it had. Of one that does already, nothing changes.

    Raises UnknownTicket.
    """
    found = store.ticket(tx, ticket_id)
    if found is None:
        raise UnknownTicket
    these = sorted({ticket_id, found.merged_into or ticket_id})
    locked = {each.ticket_id: each for each in store.lock_all(tx, these)}
    ticket = locked[ticket_id]
    kept = locked.get(ticket.merged_into) if ticket.merged_into else None
    if kept is None:
        return ticket
    participants.give_back(tx, kept.ticket_id, ticket_id)
    values = {"merged_into": None, "before_merge": None}
    [alone] = store.change_all(tx, [ticket_id], clock.now(), **values)
    before = life.after_agent_action(Status(ticket.before_merge or Status.OPEN))
    _say(tx, alone, kept, "unmerged", "let_go")
    [alone] = changes.set_status(tx, [alone], before)
    audit.record_all(tx, "merge", {ticket_id: (f"#{kept.number}", None)})
    audit.record_all(tx, "gather", {kept.ticket_id: (f"#{ticket.number}", None)})
    events.ticket_updated(tx, [ticket_id], "merged_into")
    changes.tell(tx, alone)
    changes.tell(tx, kept)
    return alone


@requires(Permission.TICKET_READ)
def goes_on_in(tx: Tx, ticket_id: UUID) -> tuple[int, bool] | None:
    """The number of the ticket in which the actor's goes on, and whether that is of the same customer."""
    found = tickets.ticket(tx, ticket_id)
    if not found.merged_into:
        return None
    kept = finding.going_on(tx.as_system(), found)
    return kept.number, kept.email == found.email
