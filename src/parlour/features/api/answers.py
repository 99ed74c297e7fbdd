"""What an operation answers, and what it takes to give the same answer again."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

_ENCODER = msgspec.json.Encoder()


class Answer(Struct, frozen=True):
    """`body` is JSON. `replayed`: it is one that was given before."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


class Once(Struct, frozen=True):
    """What is to be done once, however often it is asked for: under which key, and by what words."""

    key: str
    fingerprint: str


class _List(msgspec.Struct):
    """As the lists in shapes.py, of items that are JSON already."""

    items: list[msgspec.Raw]
    next: str | None


def encoded(shape: msgspec.Struct) -> bytes:
    return _ENCODER.encode(shape)


def listed(items: Sequence[bytes], goes_on: str | None) -> Answer:
    """A list of what was `encoded`."""
    return answer(_List([msgspec.Raw(item) for item in items], goes_on))


def answer(shape: msgspec.Struct, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(encoded(shape), status, named)
