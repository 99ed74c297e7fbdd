"""Facts that a committed transaction emits. They carry ids and facts, never HTML.

An event may be missed: whoever needs certainty reads the database. What must happen is a job.
"""

from uuid import UUID

from msgspec import Struct

from parlour.kernel.messages import Message


class Event(Struct, frozen=True):
    workspace_id: UUID


class MessageSent(Event, frozen=True):
    """A message took the next sequence number of its room."""

    message: Message

    @property
    def room_id(self) -> UUID:
        return self.message.room_id

    @property
    def seq(self) -> int:
        return self.message.seq


class RoomRead(Event, frozen=True):
    """Everyone on `side` ("customer" or "agent") has now seen the room up to `seq`."""

    room_id: UUID
    side: str
    seq: int


class FileScanned(Event, frozen=True):
    """What is known of a file that a message has brought is another now: `scan` says what."""

    room_id: UUID
    file_id: UUID
    scan: str


class MailChanged(Event, frozen=True):
    """What became of a mail that tells of the messages of a public room behind `after` and up to `upto`.
    Agents alone can see it.
    """

    room_id: UUID
    after: int
    upto: int


class TicketChanged(Event, frozen=True):
    """Status, priority, assignee or the last message of a ticket changed; `room_id` is its public room.

    `spoke`: the side ("customer" or "agent") whose new message in that room this tells of. `inward`: only
    agents can see what changed.
    """

    ticket_id: UUID
    room_id: UUID
    number: int
    status: str
    priority: str
    assignee_id: UUID | None
    version: int
    spoke: str | None = None
    inward: bool = False


class BellRang(Event, frozen=True):
    """What a member was told of has changed: of a new line it says which `kind` on which ticket."""

    user_id: UUID
    kind: str = ""
    ticket_id: UUID | None = None
    number: int = 0


class ContactChanged(Event, frozen=True):
    """What is known of somebody who writes is another now."""


class SpokeUnheard(Event, frozen=True):
    """A customer whom no agent is told of has spoken: their own pages hear what they always would."""

    ticket_id: UUID
    room_id: UUID
    number: int
    status: str


class AccessChanged(Event, frozen=True):
    """Somebody's right to be here changed. Open sockets must prove themselves again.

    `user_id` names the agent concerned, `ticket_id` the ticket whose customers are concerned.
    """

    user_id: UUID | None = None
    ticket_id: UUID | None = None


class JobQueued(Struct, frozen=True):
    """A durable job was stored; a worker may look now instead of at its next round."""

    kind: str
