"""How events travel between nodes: ids, numbers and kinds in JSON, never anybody's words or address.

A payload is `[version, node, number, events]`. Each node counts its payloads, so that whoever misses one
knows it. A node that does not know a kind, or knows it with other fields, lets it pass: while nodes of two
versions run side by side, that event is missed.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints
from uuid import UUID

from parlour.kernel.events import Event, JobQueued, MessageSent
from parlour.realtime.bus import Head, SomeoneTypes

VERSION = 1
GOODBYE = -1
"""In place of the number: this node ends, and has said everything."""

Kind = type[Event] | type[JobQueued]
Convert = Callable[[Any], Any]


class CannotTravel(TypeError):
    """An event class has a field that no other node could read."""


class Payload(NamedTuple):
    node: str
    number: int
    events: list[Event | JobQueued]


def kinds() -> dict[str, Kind]:
    """Every event there is, whoever declared it."""
    found: dict[str, Kind] = {"JobQueued": JobQueued}
    waiting: deque[type[Event]] = deque(Event.__subclasses__())
    while waiting:
        kind = waiting.popleft()
        found[kind.__name__] = kind  # the newest of a name: slots=True makes a class a second time
        waiting += kind.__subclasses__()
    return found


def encode(event: Event | JobQueued) -> str:
    """One event. A message becomes how far its room is: its words are in the database."""
    if isinstance(event, MessageSent):
        event = Head(event.workspace_id, event.room_id, event.seq)
    elif isinstance(event, SomeoneTypes) and event.side == "customer":
        event = SomeoneTypes(event.workspace_id, event.room_id, event.side, "", event.who)
    writers = (write for write, _ in codec(type(event)))
    values = (getattr(event, name) for name in event.__struct_fields__)
    return _dumps([type(event).__name__, *(write(each) for write, each in zip(writers, values, strict=True))])


def pack(node: str, number: int, events: Sequence[str], limit: int) -> tuple[list[str], int]:
    """Encoded events in few payloads of at most `limit` bytes, numbered from `number`; and the next number.

    No events make one empty payload: a sign of life. What is too long even alone is left out, and a
    number with it, so that the others notice.
    """
    room = limit - len(_envelope(node, number + len(events), []))
    payloads: list[str] = []
    batch: list[str] = []
    size = 0
    for event in events:
        length = len(event.encode()) + 1
        if batch and size + length > room:
            payloads.append(_envelope(node, number, batch))
            number, batch, size = number + 1, [], 0
        if length > room:
            number += 1
        else:
            batch.append(event)
            size += length
    if batch or not payloads:
        payloads.append(_envelope(node, number, batch))
        number += 1
    return payloads, number


def goodbye(node: str) -> str:
    return _envelope(node, GOODBYE, [])


def decode(payload: str) -> Payload | None:
    """None for what was not written by a node of this version."""
    try:
        version, node, number, events = json.loads(payload)
    except (ValueError, TypeError, RecursionError):
        return None
    if version != VERSION or type(node) is not str or type(number) is not int or type(events) is not list:
        return None
    return Payload(node, number, [event for each in events if (event := _event(each)) is not None])


def _event(values: Any) -> Event | JobQueued | None:
    """None for what this node does not know, or knows otherwise."""
    try:
        kind = _known()[values[0]]
        readers = (read for _, read in codec(kind))
        return kind(*(read(value) for read, value in zip(readers, values[1:], strict=True)))
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _envelope(node: str, number: int, events: Sequence[str]) -> str:
    return f'[{VERSION},"{node}",{number},[{",".join(events)}]]'


_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@cache
def _known() -> dict[str, Kind]:
    return kinds()


_codecs: dict[Kind, list[tuple[Convert, Convert]]] = {}


def codec(kind: Kind) -> list[tuple[Convert, Convert]]:
    """How to write and read each field. Raises CannotTravel."""
    if kind not in _codecs:
        hints = get_type_hints(kind)
        _codecs[kind] = [_field(kind, hints[name]) for name in kind.__struct_fields__]
    return _codecs[kind]


def _field(kind: Kind, hint: Any) -> tuple[Convert, Convert]:
    if hint in (int, str, bool):
        return _same, _same
    if hint is UUID:
        return (lambda value: value.hex), UUID
    if hint is datetime:
        return datetime.isoformat, datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda value: value.value), hint
    parts = get_args(hint)
    if isinstance(hint, UnionType) and len(parts) == 2 and NoneType in parts:
        return _perhaps(*_field(kind, next(part for part in parts if part is not NoneType)))
    if get_origin(hint) is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return _each(*_field(kind, parts[0]))
    raise CannotTravel(f"{kind.__name__} has a field of the type {hint!r}, which no other node could read.")


def _same(value: Any) -> Any:
    return value


def _perhaps(write: Convert, read: Convert) -> tuple[Convert, Convert]:
    return (
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _each(write: Convert, read: Convert) -> tuple[Convert, Convert]:
    return (lambda values: [write(each) for each in values]), (lambda values: tuple(map(read, values)))
