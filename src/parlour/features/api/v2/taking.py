"""What clients of Zendesk's API send, as far as it means something here.

A field that Parlour has no place for is refused when it says something: a client that is told nothing would
believe that it was kept.
"""

from msgspec import UNSET, Struct, UnsetType

from parlour.features.tickets.models import Priority, Status
from parlour.kernel.errors import Invalid

STATUSES = {
    "new": Status.NEW,
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "solved": Status.RESOLVED,
    "closed": Status.CLOSED,
}
PRIORITIES = {
    "low": Priority.LOW,
    "normal": Priority.MEDIUM,
    "high": Priority.HIGH,
    "urgent": Priority.URGENT,
}
STATUS_WORDS = {status: word for word, status in STATUSES.items()}
PRIORITY_WORDS = {priority: word for word, priority in PRIORITIES.items()}
OF_EVERYTHING = {"id", "url", "created_at", "updated_at"}
"""What clients send back as they got it, and nobody can change."""


class Requester(Struct):
    email: str
    name: str | None = None


class Comment(Struct):
    body: str = ""
    public: bool = True
    uploads: str | list[str] = []
    author_id: int | None = None


class NewTicket(Struct):
    requester: Requester | None = None
    requester_id: int | None = None
    submitter_id: int | None = None
    subject: str | None = None
    description: str | None = None
    comment: Comment | None = None
    priority: str | None = None
    status: str | None = None
    assignee_id: int | None = None
    assignee_email: str | None = None
    tags: list[str] | None = None


class TicketChange(Struct):
    comment: Comment | None = None
    priority: str | UnsetType | None = UNSET
    status: str | UnsetType = UNSET
    assignee_id: int | UnsetType | None = UNSET
    assignee_email: str | None = None
    tags: list[str] | UnsetType = UNSET
    additional_tags: list[str] = []
    remove_tags: list[str] = []
    safe_update: bool | None = None
    updated_stamp: str | None = None


class User(Struct):
    """`notes` are the agents' own; who is `suspended` is blocked here."""

    email: str | None = None
    name: str | None = None
    notes: str | UnsetType | None = UNSET
    suspended: bool | UnsetType = UNSET
    role: str | None = None
    verified: bool | None = None


class Tags(Struct):
    tags: list[str] = []


def status_of(word: str) -> Status:
    """Raises Invalid. What Zendesk puts on hold is pending here, and is told so from then on."""
    status = STATUSES.get("pending" if word == "hold" else word)
    if status is None:
        raise Invalid({"status": "unknown"})
    return status


def priority_of(word: str | None) -> Priority:
    """Raises Invalid. Every ticket has one here."""
    priority = PRIORITIES.get(word or "normal")
    if priority is None:
        raise Invalid({"priority": "unknown"})
    return priority
