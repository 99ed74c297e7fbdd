"""The life of a ticket: which status follows from what happened."""

from parlour.features.tickets.models import Status

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
