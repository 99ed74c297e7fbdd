"""What happened in a workspace."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

FAN_OUT = "webhooks.fan_out"
"""The job that begins to post what happened to the webhooks that follow it."""


class Kind(StrEnum):
    TICKET_CREATED = "ticket.created"
    TICKET_UPDATED = "ticket.updated"
    MESSAGE_CREATED = "message.created"
    NOTE_CREATED = "note.created"
    CONTACT_UPDATED = "contact.updated"


class Happened(Struct, frozen=True):
    """What the actor of a transaction has just done. `changed` names fields as programs know them."""

    kind: Kind
    ticket_id: UUID | None = None
    contact_id: UUID | None = None
    message_id: UUID | None = None
    changed: tuple[str, ...] = ()


class Event(Struct, frozen=True):
    """It stands at `position` for good: what is committed later stands behind it.

    `actor`: the id of an agent or of a program, or the word `customer` or `system`.
    """

    position: int
    event_id: UUID
    kind: Kind
    ticket_id: UUID | None
    contact_id: UUID | None
    message_id: UUID | None
    changed: tuple[str, ...]
    actor: str
    created_at: datetime
