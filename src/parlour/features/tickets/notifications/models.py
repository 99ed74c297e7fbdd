"""What members are told of, and how each of them wants to hear it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class Kind(StrEnum):
    """A ticket became theirs; a note names them; a customer wrote on a ticket of theirs; a customer opened
    one that is nobody's yet; a mail about a ticket of theirs came to nothing.
    """

    ASSIGNED = "assigned"
    MENTIONED = "mentioned"
    ANSWERED = "answered"
    UNASSIGNED = "unassigned"
    RETURNED = "returned"


class Way(StrEnum):
    BROWSER = "browser"
    MAIL = "mail"


CHOICES = [(kind, way) for kind in Kind for way in Way]
"""In the order of the bits of `members.told`: a new kind comes at their end."""


class Chosen(Struct, frozen=True):
    """Of what a member hears, and how."""

    ways: frozenset[tuple[Kind, Way]]

    @staticmethod
    def of(told: int) -> "Chosen":
        return Chosen(frozenset(choice for bit, choice in enumerate(CHOICES) if told >> bit & 1))

    @property
    def told(self) -> int:
        return sum(1 << bit for bit, choice in enumerate(CHOICES) if choice in self.ways)

    def hears(self, kind: Kind) -> bool:
        """What somebody wants to hear in no way does not stand under the bell either."""
        return any((kind, way) in self.ways for way in Way)

    @property
    def in_browser(self) -> Sequence[Kind]:
        return [kind for kind in Kind if (kind, Way.BROWSER) in self.ways]

    def by_mail(self, kind: Kind) -> bool:
        return (kind, Way.MAIL) in self.ways


class Place(NamedTuple):
    """Where a line stands in the list, which goes from the newest to the oldest."""

    at: datetime
    ticket_id: UUID
    kind: str


class Line(Struct, frozen=True):
    """All that happened of one kind on one ticket since it was last read; `by_name` did it last."""

    kind: Kind
    ticket_id: UUID
    times: int
    by_name: str
    at: datetime
    read: bool

    @property
    def place(self) -> Place:
        return Place(self.at, self.ticket_id, self.kind)


class Lines(Struct, frozen=True):
    """A page of the list. `older`: where the next one begins, if there is one."""

    lines: Sequence[Line]
    older: Place | None


class Bell(Struct, frozen=True):
    """What the count beside a bell needs to know of its member."""

    user_id: UUID
    news: bool
    """Whether new tickets of nobody's ring, too."""
    read_at: datetime | None
    """All that came before has been seen."""
