"""A ticket of another desk, as every reader of exports tells it."""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from parlour.features.tickets.models import Priority, Status


class OldFile(Struct, frozen=True):
    """`path` is None for one whose bytes are not in the folder."""

    name: str
    path: Path | None


class OldMessage(Struct, frozen=True):
    """`key` names it within its ticket, and is empty where nothing does. `by_customer`: by whoever wrote from
    outside. Text, never HTML.
    """

    key: str
    at: datetime
    by_customer: bool
    internal: bool
    email: str
    name: str
    text: str
    files: tuple[OldFile, ...] = ()


class OldTicket(Struct, frozen=True):
    """`key` is its number over there. Messages in the order in which they were said."""

    key: str
    subject: str
    status: Status
    priority: Priority
    email: str
    name: str
    assignee: str
    """An address; empty for nobody's."""
    created_at: datetime
    messages: tuple[OldMessage, ...]
    tags: tuple[str, ...] = ()


class Problem(Struct, frozen=True):
    """What could not be read or taken, and of what."""

    about: str
    why: str


class Counts(Struct):
    tickets: int = 0
    known: int = 0
    """Tickets that an earlier run has brought, and that have nothing new."""
    messages: int = 0
    notes: int = 0
    files: int = 0
    people: int = 0
    tags: int = 0
    problems: int = 0
