"""A ticket as the rest of the house sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from parlour.features.chat.models import Message

SUBJECT_LIMIT = 200
DESCRIPTION_LIMIT = 20_000


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a visitor typed, as typed."""

    subject: str
    description: str
    email: str
    client_id: UUID


@dataclass(frozen=True, slots=True)
class Ticket:
    ticket_id: UUID
    workspace_id: UUID
    number: int
    subject: str
    description: str
    status: Status
    priority: Priority
    email: str
    chat_room_id: UUID
    assignee_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket in a list."""

    ticket_id: UUID
    number: int
    subject: str
    email: str
    status: Status
    priority: Priority
    created_at: datetime
    last_message_at: datetime
    chat_room_id: UUID
    assignee_name: str | None
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of tickets is narrowed to."""

    status: Status | None = None
    limit: int = 25


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is on disk, and what it made of its ticket."""

    message: Message
    status: Status
    repeat: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A mailed way into one ticket. The token is the secret itself: here and in the mail, nowhere else."""

    ticket_id: UUID
    number: int
    email: str
    token: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class UnseenReplies:
    """What a customer who is away should be mailed."""

    link: Link
    messages: Sequence[Message]
