"""Rooms and messages as the rest of the house sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

CONTENT_LIMIT = 20_000
"""Characters in one message: as many as a ticket's description, which is its room's first message."""


class Audience(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class SenderType(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Room:
    room_id: UUID
    ticket_id: UUID
    audience: Audience
    is_open: bool
    last_seq: int


@dataclass(frozen=True, slots=True)
class Message:
    message_id: UUID
    room_id: UUID
    seq: int
    content: str
    sender_type: str
    sender_id: str
    sender_name: str
    client_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """`repeat`: this very message had been stored before; nothing was written."""

    message: Message
    repeat: bool


@dataclass(frozen=True, slots=True)
class History:
    """A page of a room, oldest first, and what its reader should know about it."""

    room: Room
    messages: Sequence[Message]
    has_older: bool
    has_newer: bool
    read_upto: int
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entered:
    """What a socket needs to resume. `reset`: too far behind, or ahead of the database."""

    room: Room
    messages: Sequence[Message]
    reset: bool
    seen: dict[str, int]
