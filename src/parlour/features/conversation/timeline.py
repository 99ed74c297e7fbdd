"""The rooms of a ticket, and of those that are merged into it, as the one list by time that agents read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from parlour.features.chat import service as chat
from parlour.features.chat.models import History
from parlour.features.tickets.outgoing.models import Delivery
from parlour.kernel.kept import KeptTogether
from parlour.kernel.messages import Message

TIMELINES = 300
LONGEST = 20_000
"""Characters of the messages of one of so many that are kept as they were put together."""


class Before(NamedTuple):
    """Where an older page ends: below these numbers, one for each room, because each has its own.

    `merged`: those of merged tickets, two for each in the order of their ids; none where all is wanted.
    """

    public: int
    notes: int
    merged: Sequence[int] = ()


class Origin(NamedTuple):
    """Where a message was said that stands in another ticket's list."""

    ticket_id: UUID
    number: int
    internal: bool


class Timeline(Struct, frozen=True):
    """`public`, `notes` and `merged` hold those of `messages` that are theirs."""

    public: History
    notes: History
    messages: Sequence[Message]
    deliveries: Mapping[int, Delivery] = field(default_factory=dict)
    """How the mails stand with which messages of the public room went out, by their numbers."""
    merged: Sequence[History] = ()
    origins: Mapping[UUID, Origin] = field(default_factory=dict)
    """Of the rooms that are merged tickets'."""

    @property
    def before(self) -> Before | None:
        """Where the next older page ends, if there is one."""
        rooms = self.public, self.notes, *self.merged
        if not any(room.has_older for room in rooms):
            return None
        public, notes, *merged = (room.messages[0].seq if room.messages else room.upto + 1 for room in rooms)
        return Before(public, notes, merged)

    @property
    def has_newer(self) -> bool:
        return self.public.has_newer or self.notes.has_newer


def by_time(public: History, notes: History, *merged: History) -> Timeline:
    """The last messages of these pages by time, each room in its own order whatever its clocks said.

    It goes back no further than all pages reach: what is before the one may lie between those of another.
    """
    rooms = public, notes, *merged
    every = [message for room in rooms for message in room.messages]
    along = tuple([(len(room.messages), room.has_older) for room in rooms])
    starts, found = _put_in_order.made(every, along, lambda: _in_order(rooms))
    public, notes, *others = (_from(room, start) for room, start in zip(rooms, starts, strict=True))
    return Timeline(public, notes, found, merged=others)


_InOrder = tuple[Sequence[int], Sequence[Message]]
_put_in_order: KeptTogether[_InOrder] = KeptTogether(
    most=TIMELINES, length=lambda made: sum(len(each.content) for each in made[1]), longest=LONGEST
)


def _in_order(rooms: Sequence[History]) -> _InOrder:
    """How many messages at the beginning of each page are left out, and the others."""
    left = [len(room.messages) for room in rooms]
    found: list[Message] = []
    characters = chat.PAGE_CHARACTERS
    while len(found) < chat.TIMELINE and characters > 0:
        if any(room.has_older for room, many in zip(rooms, left, strict=True) if not many):
            break
        last = [
            (room.messages[many - 1].created_at, at)
            for at, (room, many) in enumerate(zip(rooms, left, strict=True))
            if many
        ]
        if not last:
            break
        _, at = max(last)
        left[at] -= 1
        found.append(rooms[at].messages[left[at]])
        characters -= len(found[-1].content)
    return left, found[::-1]


def _from(room: History, start: int) -> History:
    """The page without its first `start` messages."""
    return replace(room, messages=room.messages[start:], has_older=True) if start else room
