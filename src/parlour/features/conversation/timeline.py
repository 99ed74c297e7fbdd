"""Both rooms of a ticket as the one list by time that agents read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from parlour.features.chat import service as chat
from parlour.features.chat.models import History
from parlour.features.tickets.outgoing.models import Delivery
from parlour.kernel.messages import Message


class Before(NamedTuple):
    """Where an older page ends: below these numbers, one for each room, because each has its own."""

    public: int
    notes: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """`public` and `notes` hold those of `messages` that are theirs."""

    public: History
    notes: History
    messages: Sequence[Message]
    deliveries: Mapping[int, Delivery] = field(default_factory=dict)
    """How the mails stand with which messages of the public room went out, by their numbers."""

    @property
    def before(self) -> Before | None:
        """Where the next older page ends, if there is one."""
        rooms = self.public, self.notes
        if not any(room.has_older for room in rooms):
            return None
        public, notes = (room.messages[0].seq if room.messages else room.upto + 1 for room in rooms)
        return Before(public, notes)

    @property
    def has_newer(self) -> bool:
        return self.public.has_newer or self.notes.has_newer


def merged(public: History, notes: History) -> Timeline:
    """The last messages of two pages by time, each room in its own order whatever its clocks said.

    It goes back no further than both pages reach: what is before the one may lie between those of the other.
    """
    rooms = public, notes
    left = [len(room.messages) for room in rooms]
    found: list[Message] = []
    characters = chat.PAGE_CHARACTERS
    while len(found) < chat.TIMELINE and characters > 0:
        if all(left):
            spoken, noted = (rooms[at].messages[left[at] - 1].created_at for at in (0, 1))
            at = int(noted >= spoken)
        elif not any(left) or rooms[left.index(0)].has_older:
            break
        else:
            at = int(not left[0])
        left[at] -= 1
        found.append(rooms[at].messages[left[at]])
        characters -= len(found[-1].content)
    return Timeline(_from(public, left[0]), _from(notes, left[1]), found[::-1])


def _from(room: History, start: int) -> History:
    """The page without its first `start` messages."""
    return replace(room, messages=room.messages[start:], has_older=room.has_older or start > 0)
