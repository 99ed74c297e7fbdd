"""Rooms and messages as the rest of the house sees them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field

from parlour.kernel.messages import Message

CONTENT_LIMIT = 20_000
"""Characters in one message: as many as a ticket's description, which is its room's first message."""


class Audience(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class SenderType(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


class Room(Struct, frozen=True):
    room_id: UUID
    ticket_id: UUID
    audience: Audience
    last_seq: int

    @property
    def internal(self) -> bool:
        return self.audience is Audience.INTERNAL


class Marked(NamedTuple):
    """A room, how far its reader has read, and how far each side ("customer", "agent") that has read it."""

    room: Room
    read_upto: int
    seen: dict[str, int]


class Posted(Struct, frozen=True):
    """`repeat`: this very message had been stored before; nothing was written."""

    message: Message
    repeat: bool


class Answers(Struct, frozen=True):
    """The newest messages of agents, oldest first, and how many came before them."""

    newest: Sequence[Message]
    earlier: int


class History(Struct, frozen=True):
    """A page of a room, oldest first, and what its reader should know about it.

    `upto` is the number that the page ends with, also when it holds no message.
    """

    room: Room
    epoch: str
    messages: Sequence[Message]
    has_older: bool
    upto: int
    read_upto: int
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def has_newer(self) -> bool:
        return self.upto < self.room.last_seq
