"""What an operation answers, and what it takes to give the same answer again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON. `replayed`: it is one that was given before."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Once:
    """What is to be done once, however often it is asked for: under which key, and by what words."""

    key: str
    fingerprint: str


def answer(shape: msgspec.Struct, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(_ENCODER.encode(shape), status, named)
