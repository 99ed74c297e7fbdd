"""The words on the wire: typed frames, close codes, limits.

Frames are JSON texts with a key `t`. ASCII only, so that a frame's length is its size in bytes and
no character can break a socket.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from parlour.kernel.access import Actor, Kind
from parlour.kernel.events import MessageSent, RoomRead, TicketChanged

FRAME_LIMIT = 64 * 1024
"""Bytes in one frame of a client's. The server below must take more, or it says 1009 before we say 4400."""
SEQ_LIMIT = 2**53 - 1
REPLAY_LIMIT = 500
QUEUE_FRAMES = 256
QUEUE_BYTES = 1024 * 1024
ROOMS_PER_CONNECTION = 100
CONNECTIONS_PER_ACTOR = 10
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


@dataclass(frozen=True, slots=True)
class Timings:
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


class Subscribe(NamedTuple):
    """`aside`: the page shows another room and only listens to this one."""

    room: UUID
    after: int
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
    """From now on also the ticket changes of the whole workspace."""


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
    text = fields.get("room")
    try:
        room = UUID(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadFrame from error
    if str(room) != text:
        raise BadFrame
    return room


def _count(fields: Mapping[str, Any], key: str) -> int:
    number = fields.get(key)
    if type(number) is not int or not 0 <= number <= SEQ_LIMIT:
        raise BadFrame
    return number


_READERS: dict[str, Callable[[Mapping[str, Any]], Request]] = {
    "subscribe": lambda fields: Subscribe(
        _room(fields), _count(fields, "after"), fields.get("aside") is True
    ),
    "unsubscribe": lambda fields: Unsubscribe(_room(fields)),
    "typing": lambda fields: Typing(_room(fields)),
    "read": lambda fields: Read(_room(fields), _count(fields, "seq")),
    "alive": lambda _: Alive(),
    "watch": lambda _: Watch(),
}


_encode = json.JSONEncoder(separators=(",", ":")).encode


def message_fields(event: MessageSent) -> dict[str, Any]:
    """A message as pages get it, over the socket and over HTTP alike. Nobody's address is an id."""
    return {
        "room": str(event.room_id),
        "message_id": str(event.message_id),
        "seq": event.seq,
        "content": event.content,
        "sender_type": event.sender_type,
        "sender_id": event.sender_id if event.sender_type == "agent" else event.sender_type,
        "sender_name": event.sender_name,
        "client_id": str(event.client_id) if event.client_id else None,
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
    }


def message(event: MessageSent) -> Frame:
    return Frame(_encode({"t": "message", **message_fields(event)}), seq=event.seq)


def hello(heartbeat: float) -> Frame:
    return Frame(_encode({"t": "hello", "heartbeat": heartbeat}))


def subscribed(room: UUID, head: int, seen: Mapping[str, int]) -> Frame:
    both = {"customer": seen.get("customer", 0), "agent": seen.get("agent", 0)}
    return Frame(_encode({"t": "subscribed", "room": str(room), "head": head, "seen": both}))


def reset(room: UUID, head: int) -> Frame:
    return Frame(_encode({"t": "reset", "room": str(room), "head": head}))


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


def ticket(event: TicketChanged) -> Frame:
    fields = {
        "t": "ticket",
        "ticket_id": str(event.ticket_id),
        "room": str(event.room_id),
        "number": event.number,
        "status": event.status,
        "priority": event.priority,
        "assignee_id": str(event.assignee_id) if event.assignee_id else None,
        "version": event.version,
        "spoke": event.spoke,
    }
    return Frame(_encode(fields))


def error(code: str, room: UUID | None = None) -> Frame:
    return Frame(_encode({"t": "error", "code": code} | ({"room": str(room)} if room else {})))


def side_of(actor: Actor) -> str:
    return "customer" if actor.kind is Kind.CUSTOMER else "agent"
