"""The words on the wire: typed frames, close codes, limits.

Frames are JSON texts with a key `t`. ASCII only, so that a frame's length is its size in bytes and
no character can break a socket.
"""

import json
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from parlour.kernel.events import BellRang, FileScanned, MailChanged, RoomRead, SpokeUnheard, TicketChanged
from parlour.kernel.messages import Attachment, Message, Place, Stretch

FRAME_LIMIT = 64 * 1024
"""Bytes in one frame of a client's. The server below must take more, or it says 1009 before we say 4400."""
SEQ_LIMIT = 2**53 - 1
REPLAY_LIMIT = 500
QUEUE_FRAMES = 256
QUEUE_BYTES = 1024 * 1024
REPLAY_FRAMES = 64
REPLAY_BYTES = 64 * 1024
"""How much of a replay is queued; the rest is read from the database when that has been taken."""
ROOMS_PER_CONNECTION = 100
CONNECTIONS_PER_ACTOR = 10
CUSTOMERS_PER_NETWORK = 100
"""Open sockets of customers from one network address: an office that shares one, with a ticket at each desk.

Agents do not count: they have signed in, and their own number is enough.
"""
EPOCH_LIMIT = 64
FRAMES_PER_SECOND = 20
FRAMES_AT_ONCE = 150
"""A page that comes back subscribes to all its rooms in one breath."""


class Close(IntEnum):
    GOING_AWAY = 1001
    INTERNAL_ERROR = 1011
    PROTOCOL = 4400
    SIGNED_OUT = 4401
    REVOKED = 4403
    TOO_SLOW = 4408
    TOO_MANY = 4429


class Timings(Struct, frozen=True):
    """Seconds, all of them."""

    heartbeat: float = 20.0
    dead_after: float = 45.0
    recheck: float = 60.0
    write_timeout: float = 10.0
    typing_every: float = 2.5
    read_every: float = 1.0
    presence_every: float = 10.0
    presence_lasts: float = 30.0
    catch_up_every: float = 1.0


class Frame(NamedTuple):
    """An encoded frame, shared by everyone who gets it. `seq` is 0 for whatever is not a message."""

    text: str
    durable: bool = True
    seq: int = 0
    message_id: UUID | None = None


class Subscribe(NamedTuple):
    """`aside`: the page shows another room and only listens to this one."""

    room: UUID
    after: Place
    aside: bool = False


class Unsubscribe(NamedTuple):
    room: UUID


class Typing(NamedTuple):
    room: UUID


class Read(NamedTuple):
    room: UUID
    seq: int


class Alive(NamedTuple):
    """The answer to `heads`: it only has to arrive."""


class Watch(NamedTuple):
    """From now on also the ticket changes of the whole workspace, and the own bell."""


Request = Subscribe | Unsubscribe | Typing | Read | Alive | Watch


class NotAFrame(ValueError):
    """Not JSON, not an object or too long: whoever is there does not speak this protocol."""


class BadFrame(ValueError):
    """An object that says nothing we know. A newer page may talk to an older server, so it may stay."""


def parse(text: str | None) -> Request:
    """Raises NotAFrame (also for None, which is a binary frame) and BadFrame."""
    if text is None or len(text) > FRAME_LIMIT or len(text.encode("utf-8", "replace")) > FRAME_LIMIT:
        raise NotAFrame
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAFrame from error
    if not isinstance(fields, dict):
        raise NotAFrame
    word = fields.get("t")
    reader = _READERS.get(word) if isinstance(word, str) else None
    if reader is None:
        raise BadFrame
    return reader(fields)


def _room(fields: Mapping[str, Any]) -> UUID:
    return _id(fields.get("room"))


def _id(text: Any) -> UUID:
    try:
        found = UUID(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadFrame from error
    if str(found) != text:
        raise BadFrame
    return found


def _place(fields: Mapping[str, Any]) -> Place:
    """Who leaves out the last message's id and the epoch is taken at its number's word."""
    message_id, epoch = fields.get("message_id"), fields.get("epoch", "")
    if not isinstance(epoch, str) or len(epoch) > EPOCH_LIMIT:
        raise BadFrame
    return Place(_count(fields, "after"), None if message_id is None else _id(message_id), epoch)


def _count(fields: Mapping[str, Any], key: str) -> int:
    number = fields.get(key)
    if type(number) is not int or not 0 <= number <= SEQ_LIMIT:
        raise BadFrame
    return number


_READERS: dict[str, Callable[[Mapping[str, Any]], Request]] = {
    "subscribe": lambda fields: Subscribe(_room(fields), _place(fields), fields.get("aside") is True),
    "unsubscribe": lambda fields: Unsubscribe(_room(fields)),
    "typing": lambda fields: Typing(_room(fields)),
    "read": lambda fields: Read(_room(fields), _count(fields, "seq")),
    "alive": lambda _: Alive(),
    "watch": lambda _: Watch(),
}


_encode = json.JSONEncoder(separators=(",", ":")).encode


def message_fields(message: Message) -> dict[str, Any]:
    """A message as pages get it, over the socket and over HTTP alike."""
    return {
        "room": str(message.room_id),
        "message_id": str(message.message_id),
        "seq": message.seq,
        "content": message.content,
        "sender_type": message.sender_type,
        "sender_id": message.sender_seen_as,
        "sender_name": message.sender_name,
        "client_id": str(message.client_id) if message.client_id else None,
        "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
        "files": [file_fields(file) for file in message.files],
    }


def file_fields(file: Attachment) -> dict[str, Any]:
    """What pages get of a file; it lies at `files/{file_id}/{name}` below the ticket."""
    return {**file._asdict(), "file_id": str(file.file_id)}


def message(message: Message) -> Frame:
    text = _encode({"t": "message", **message_fields(message)})
    return Frame(text, seq=message.seq, message_id=message.message_id)


def hello(heartbeat: float, epoch: str) -> Frame:
    return Frame(_encode({"t": "hello", "heartbeat": heartbeat, "epoch": epoch}))


def subscribed(stretch: Stretch) -> Frame:
    both = {side: stretch.seen.get(side, 0) for side in ("customer", "agent")}
    return Frame(_encode({"t": "subscribed", **_end(stretch), "seen": both}))


def reset(stretch: Stretch) -> Frame:
    """`why`: the page is too far "behind", or what it has is not in this "history"."""
    why = "behind" if stretch.goes_on else "history"
    return Frame(_encode({"t": "reset", **_end(stretch), "why": why}))


def _end(stretch: Stretch) -> dict[str, Any]:
    return {"room": str(stretch.room_id), "epoch": stretch.epoch, "head": stretch.head}


def heads(rooms: Mapping[UUID, int]) -> Frame:
    by_name = {str(room): head for room, head in rooms.items()}
    return Frame(_encode({"t": "heads", "rooms": by_name}), durable=False)


def typing(room: UUID, side: str, name: str) -> Frame:
    return Frame(_encode({"t": "typing", "room": str(room), "side": side, "name": name}), durable=False)


def presence(room: UUID, agents: Mapping[str, str], *, customer: bool) -> Frame:
    """`agents` maps ids to names."""
    people = [{"id": agent, "name": name} for agent, name in agents.items()]
    fields = {"t": "presence", "room": str(room), "agents": people, "customer": customer}
    return Frame(_encode(fields), durable=False)


def read(event: RoomRead) -> Frame:
    return Frame(_encode({"t": "read", "room": str(event.room_id), "side": event.side, "seq": event.seq}))


def file(event: FileScanned) -> Frame:
    told = {"room": str(event.room_id), "file_id": str(event.file_id), "scan": event.scan}
    return Frame(_encode({"t": "file"} | told))


def mail(event: MailChanged) -> Frame:
    """Where to look again: what a mail server says travels by no bus."""
    return Frame(_encode({"t": "mail", "room": str(event.room_id), "after": event.after, "upto": event.upto}))


def ticket(event: TicketChanged) -> Frame:
    return Frame(
        _encode(
            _of_ticket(event, event.spoke)
            | {
                "priority": event.priority,
                "assignee_id": str(event.assignee_id) if event.assignee_id else None,
                "version": event.version,
            }
        )
    )


def ticket_for_customers(event: TicketChanged) -> Frame | None:
    """Only what a customer can see anyway; nothing, when nothing of that changed."""
    return None if event.inward else Frame(_encode(_of_ticket(event, event.spoke)))


def ticket_for_unheard(event: SpokeUnheard) -> Frame:
    """As `ticket_for_customers` would be of anybody's word."""
    return Frame(_encode(_of_ticket(event, "customer")))


def _of_ticket(event: TicketChanged | SpokeUnheard, spoke: str | None) -> dict[str, Any]:
    return {
        "t": "ticket",
        "ticket_id": str(event.ticket_id),
        "room": str(event.room_id),
        "number": event.number,
        "status": event.status,
        "spoke": spoke,
    }


def bell(event: BellRang) -> Frame:
    """To the one member. Without a kind nothing is new: something was read, or is over."""
    told = {"kind": event.kind, "ticket_id": str(event.ticket_id), "number": event.number}
    return Frame(_encode({"t": "bell"} | (told if event.kind else {})))


def error(code: str, room: UUID | None = None) -> Frame:
    return Frame(_encode({"t": "error", "code": code} | ({"room": str(room)} if room else {})))
