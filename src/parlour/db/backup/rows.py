"""What a row is between two databases: a JSON array in a line, the same bytes from either engine."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from parlour.kernel.text import storable

_CHECKSUM_BITS = 64
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode

Tell = Callable[[str, int, int], None]
"""Told a table's name, and how many of how many of its rows are done."""
STEP = 2_000
"""Rows between two words about how far it is, and rows that are stored at once, if they are no longer than"""
STEP_BYTES = 2**20


Lines = Generator[bytes, None, None]
"""Of a table that is being read. Whoever stops early closes them, while what they are read from is open."""


class BackupUnusable(Exception):
    """The file cannot be written, or is no whole backup: a sentence for the person at the keyboard."""


class Kind(StrEnum):
    """What a column holds, and how a line says it."""

    UUID = "uuid"  # 32 small hexadecimal digits
    MOMENT = "moment"  # 2026-05-01T00:00:00.000000Z
    JSON = "json"  # its text, as it was stored
    BOOLEAN = "boolean"
    INTEGER = "integer"
    TEXT = "text"


class Column(Struct, frozen=True):
    name: str
    kind: Kind


class Shape(Struct, frozen=True):
    """A table, by the columns that its lines are made of."""

    name: str
    columns: tuple[Column, ...]


class Tally(Struct):
    """How many rows a table has, and a checksum of them that does not depend on their order."""

    rows: int = 0
    checksum: int = 0

    def add(self, line: bytes) -> None:
        digest = blake2b(line, digest_size=_CHECKSUM_BITS // 8).digest()
        self.rows += 1
        self.checksum = (self.checksum + int.from_bytes(digest)) % 2**_CHECKSUM_BITS


def counted(lines: Lines, tally: Tally, label: str, total: int, tell: Tell) -> Lines:
    """The same lines, added up as they pass."""
    with closing(lines):
        for line in lines:
            tally.add(line)
            if tally.rows % STEP == 0 and tally.rows != total:
                tell(label, tally.rows, total)
            yield line
    tell(label, tally.rows, tally.rows)


def batches(lines: Iterator[bytes]) -> Iterator[list[list[Any]]]:
    """The rows of these lines, as many at a time as are stored at once; one at least."""
    batch, size = [], 0
    for line in lines:
        batch.append(decode(line))
        size += len(line)
        if len(batch) == STEP or size >= STEP_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def encode(values: list[Any]) -> bytes:
    """Without the NUL that only SQLite stores: a name could hold one before words were cleaned."""
    line = _ENCODE(values)
    if "\\u0000" in line:
        line = _ENCODE([storable(value) if isinstance(value, str) else value for value in values])
    return line.encode()


def decode(line: bytes) -> list[Any]:
    values: list[Any] = json.loads(line)
    return values
