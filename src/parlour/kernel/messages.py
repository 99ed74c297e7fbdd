"""A message, where somebody stands in a room's log, and the part of the log that follows from there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field


class Attachment(NamedTuple):
    """A file that came with a message. `width` and `height` are 0 for what is no picture.

    `scan` is what the virus scanner says: "clean", "unscanned" (it is asked again), "unscannable" (it is
    not), "infected" (and the bytes are gone), or "off" where there is none.
    """

    file_id: UUID
    name: str
    media_type: str
    size: int
    width: int
    height: int
    scan: str


class Message(NamedTuple):
    """A tuple: pages make them by the dozen."""

    message_id: UUID
    room_id: UUID
    seq: int
    content: str
    sender_type: str
    sender_id: str
    sender_name: str
    client_id: UUID | None
    created_at: datetime
    files: tuple[Attachment, ...] = ()

    @property
    def sender_seen_as(self) -> str:
        """Whom pages know as the sender: an agent by id. A customer's is an address, which is nobody's id."""
        return self.sender_id if self.sender_type == "agent" else self.sender_type


class Place(NamedTuple):
    """How far somebody has a room's log: the last message, and the epoch of the database it came from.

    A number alone is no proof, because history may have gone back and on again under it. Whoever does not
    know the rest leaves it out.
    """

    seq: int
    message_id: UUID | None = None
    epoch: str = ""


class Stretch(Struct, frozen=True):
    """What follows a place in a room's log, oldest first, as of one moment.

    `goes_on` is False when the place is not on this line of history; then there are no messages. Else they
    are as many as one page holds, and more follow while the last of them is before `head`. Who comes in
    also learns which message is at the head, and how far each side ("customer", "agent") has read (`seen`).
    """

    workspace_id: UUID
    room_id: UUID
    epoch: str
    head: int
    goes_on: bool = True
    messages: Sequence[Message] = ()
    head_id: UUID | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
