"""The life of a ticket: which status follows from what happened."""

from datetime import datetime

from msgspec.structs import replace

from parlour.features.tickets.models import Status, Ticket
from parlour.kernel import clock

FINISHED = (Status.RESOLVED, Status.CLOSED)


def word_for(before: Status, after: Status) -> str:
    """What the room says of a change: back from the end is more than open."""
    return "reopened" if after is Status.OPEN and before in FINISHED else after.value


def after_customer_message(status: Status, *, quiet: bool = False) -> Status:
    """A customer's word brings a waiting or finished ticket back to the agents; `closed` is final, unless it
    landed there quietly, of which its customer knows nothing.
    """
    return Status.OPEN if quiet or status in (Status.PENDING, Status.RESOLVED) else status


def after_agent_action(status: Status) -> Status:
    """`new` means that no agent has touched it yet: it comes back only when a change of many is undone."""
    return Status.OPEN if status is Status.NEW else status


def after_word(ticket: Ticket, moment: datetime, *, by_customer: bool, status: Status) -> Ticket:
    """The ticket once somebody has spoken, and its status then; with another one it is a new version.

    A customer waits from the first word that nobody answered.
    """
    waiting = ticket.waiting_since or moment if by_customer else None
    answered = ticket.first_answer_at if by_customer else ticket.first_answer_at or moment
    now = replace(ticket, last_message_at=moment, waiting_since=waiting, first_answer_at=answered)
    if status is ticket.status:
        return now
    changed = replace(now, status=status, status_change=clock.new_id(), snoozed_until=None, quiet=False)
    return replace(changed, version=ticket.version + 1, updated_at=moment)
