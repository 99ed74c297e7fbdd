"""Mail as the rest of the house sees it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Outcome(StrEnum):
    """What became of a mail that came; every one has exactly one of these."""

    WAITING = "waiting"
    """It is stored and not yet read, or is tried again."""
    OPENED = "opened"
    ADDED = "added"
    BOUNCE = "bounce"
    AUTOMATIC = "automatic"
    DUPLICATE = "duplicate"
    LOOP = "loop"
    QUARANTINED = "quarantined"


HELD = (Outcome.QUARANTINED, Outcome.AUTOMATIC)
"""What somebody may let through after all."""


class Arrival(Struct, frozen=True):
    """A mail whose bytes are stored. `whole_size` says how long it is where only its beginning was fetched;
    `unread_because`, why nothing of it is to be read; `late`, that it has lain for days before it was ours.
    """

    mail_id: UUID
    mailbox_id: UUID
    storage_key: str
    size: int
    whole_size: int | None = None
    unread_because: str = ""
    late: bool = False


class Mail(Struct, frozen=True):
    """A line of the ledger."""

    mail_id: UUID
    mailbox_id: UUID
    address: str
    storage_key: str
    size: int
    whole_size: int | None
    """Of a mail of which only the beginning was fetched."""
    sender: str
    subject: str
    outcome: Outcome
    reason: str
    verified: bool
    ticket_id: UUID | None
    number: int | None
    tries: int
    received_at: datetime


class LedgerPage(Struct, frozen=True):
    """The newest first; `before` is where the next page begins; `address`, the workspace's first, if any."""

    mails: Sequence[Mail]
    before: UUID | None
    address: str
