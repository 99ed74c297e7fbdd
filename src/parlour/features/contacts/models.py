"""Somebody who writes to a workspace."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Contact(Struct, frozen=True):
    """`name` and `note` are empty when nobody has said them; the note is the agents' own.

    `name_typed`: the name is what somebody typed along with this address, and no agent has saved it yet.
    `blocked_at`: since when what they send lands closed and quiet. `complained_at`: when they last marked a
    mail of ours as spam.
    """

    contact_id: UUID
    email: str
    name: str
    note: str
    created_at: datetime
    name_typed: bool
    blocked_at: datetime | None
    complained_at: datetime | None = None


class ContactPage(Struct, frozen=True):
    """`next`: the address after which the next page begins."""

    contacts: Sequence[Contact]
    next: str | None
