"""Mails about tickets on their way out."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class Outcome(StrEnum):
    """What became of a mail. The worst comes last: of several it is what a message shows."""

    REPLACED = "replaced"
    """It failed, and somebody sent another one in its place."""
    SENT = "sent"
    """A mail server has taken it."""
    WAITING = "waiting"
    DEFERRED = "deferred"
    """A mail server could not take it, or said that it has not arrived yet; it is tried again."""
    REFUSED = "refused"
    """A mail server does not take it, or none could be asked for a day."""
    BOUNCED = "bounced"
    """It was taken, and came back."""


FAILED = (Outcome.REFUSED, Outcome.BOUNCED)
"""What somebody may send again."""
QUIET = (Outcome.SENT, Outcome.WAITING)
"""What goes well."""
_ORDER = tuple(Outcome)


class Delivery(NamedTuple):
    """How the mail stands that a message went out with; `said` is what the mail server said."""

    outcome: Outcome
    recipient: str
    said: str

    @property
    def badness(self) -> int:
        return _ORDER.index(self.outcome)


class Extent(NamedTuple):
    """The messages of which a mail tells: behind `after_seq` and up to `upto_seq`, none where both are 0."""

    room_id: UUID
    after_seq: int
    upto_seq: int


class Mail(Struct, frozen=True):
    """A mail, and of which messages of its ticket's public room it tells: those behind `after_seq` and up to
    `upto_seq`.
    """

    mail_id: UUID
    ticket_id: UUID
    number: int
    subject: str
    room_id: UUID
    kind: str
    recipient: str
    after_seq: int
    upto_seq: int
    outcome: Outcome
    said: str
    queued_at: datetime
    changed_at: datetime


class Page(Struct, frozen=True):
    """The newest first; `before` is where the next page begins."""

    mails: Sequence[Mail]
    before: UUID | None
