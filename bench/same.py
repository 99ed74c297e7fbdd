"""The statements that PostgreSQL ran for a message, run again through psycopg and nothing else.

PostgreSQL itself says which they were: its log is read while every sender writes two messages. What differs
between the two is new with each message: ids of what is stored, its time, and the number that its room gives.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import psycopg

ENTRY = re.compile(
    r"^(\d+)\|LOG:  (?:execute [^:]*|statement): (.*?)\n(?=\d+\||\Z)", re.DOTALL | re.MULTILINE
)
DETAIL = re.compile(r"\d+\|DETAIL:  [Pp]arameters: (.*?)\n(?=\d+\||\Z)", re.DOTALL)
VALUE = re.compile(r"\$\d+ = (?:NULL|'((?:[^']|'')*)')")
STORES = b"INSERT INTO messages "
LINE_PREFIX = "%p|"
"""What the log's lines have to begin with."""


class Statement(NamedTuple):
    words: bytes
    values: tuple[str | None, ...]


Message = Sequence[Statement]
"""From BEGIN to COMMIT."""


def messages_in(log: str) -> Iterator[Message]:
    """Each transaction that stored a message."""
    running: dict[str, list[Statement]] = {}
    for entry in ENTRY.finditer(log):
        process, words = entry.group(1), entry.group(2)
        detail = DETAIL.match(log, entry.end())
        values = [value.group(1) for value in VALUE.finditer(detail.group(1))] if detail else []
        statement = Statement(words.encode(), tuple(value and value.replace("''", "'") for value in values))
        if words.startswith("BEGIN"):
            running[process] = []
        running.setdefault(process, []).append(statement)
        if words == "COMMIT" and any(each.words.startswith(STORES) for each in running[process]):
            yield running.pop(process)


class Sender:
    """Sends more messages of the kind, on a connection of its own."""

    def __init__(self, first: Message, second: Message, url: str) -> None:
        self._statements = second
        self._new = {
            value
            for before, after in zip(first, second, strict=True)
            for once, value in zip(before.values, after.values, strict=True)
            if value is not None and value != once
        }
        self._line = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)

    def send(self) -> None:
        """Commit one message: statement by statement, each prepared."""
        fresh: dict[str, str] = {}
        number = None
        for words, values in self._statements:
            given = [self._anew(value, fresh, number) for value in values]
            cursor = self._line.execute(words, given, prepare=True)
            if words.startswith(b"UPDATE chat_rooms ") and (row := cursor.fetchone()):
                number = str(row[-1])
            elif cursor.description:
                cursor.fetchall()

    def _anew(self, value: str | None, fresh: dict[str, str], number: str | None) -> str | None:
        if value not in self._new or value is None:
            return value
        if value.isdecimal():
            return number
        with suppress(ValueError):
            return fresh.setdefault(str(uuid.UUID(value)), str(uuid.uuid4()))
        return value

    def close(self) -> None:
        self._line.close()
