"""Facts that a committed transaction emits. They carry ids and facts, never HTML.

An event may be missed: whoever needs certainty reads the database. What must happen is a job.
"""

from dataclasses import dataclass
from uuid import UUID

from parlour.kernel.messages import Message


@dataclass(frozen=True, slots=True)
class Event:
    workspace_id: UUID


@dataclass(frozen=True, slots=True)
class MessageSent(Event):
    """A message took the next sequence number of its room."""

    message: Message

    @property
    def room_id(self) -> UUID:
        return self.message.room_id

    @property
    def seq(self) -> int:
        return self.message.seq


@dataclass(frozen=True, slots=True)
class RoomRead(Event):
    """Everyone on `side` ("customer" or "agent") has now seen the room up to `seq`."""

    room_id: UUID
    side: str
    seq: int


@dataclass(frozen=True, slots=True)
class FileScanned(Event):
    """What is known of a file that a message has brought is another now: `scan` says what."""

    room_id: UUID
    file_id: UUID
    scan: str


@dataclass(frozen=True, slots=True)
class MailChanged(Event):
    """What became of a mail that tells of the messages of a public room behind `after` and up to `upto`.
    Agents alone can see it.
    """

    room_id: UUID
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class TicketChanged(Event):
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


@dataclass(frozen=True, slots=True)
class BellRang(Event):
    """What a member was told of has changed: of a new line it says which `kind` on which ticket."""

    user_id: UUID
    kind: str = ""
    ticket_id: UUID | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class ContactChanged(Event):
    """What is known of somebody who writes is another now."""


@dataclass(frozen=True, slots=True)
class SpokeUnheard(Event):
    """A customer whom no agent is told of has spoken: their own pages hear what they always would."""

    ticket_id: UUID
    room_id: UUID
    number: int
    status: str


@dataclass(frozen=True, slots=True)
class AccessChanged(Event):
    """Somebody's right to be here changed. Open sockets must prove themselves again.

    `user_id` names the agent concerned, `ticket_id` the ticket whose customers are concerned.
    """

    user_id: UUID | None = None
    ticket_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class JobQueued:
    """A durable job was stored; a worker may look now instead of at its next round."""

    kind: str
