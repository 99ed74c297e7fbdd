"""A few rows that are written by one statement."""

from typing import Any

import pytest
from sqlalchemy import select

from parlour.db.database import Tx
from parlour.db.postgres.answering import Answering
from parlour.db.schema import chat_rooms, events
from parlour.db.several import ROWS_AT_ONCE
from parlour.features.events import service as happening
from parlour.features.events.models import Happened, Kind
from parlour.kernel import clock
from tests.house import Browser, House


def _happened(number: int) -> list[Happened]:
    return [Happened(Kind.TICKET_UPDATED, clock.new_id()) for _ in range(number)]


def _in_order(tx: Tx) -> list[object]:
    here = events.c.workspace_id == tx.workspace_id
    return list(tx.execute(select(events.c.ticket_id).where(here).order_by(events.c.number)).scalars())


@pytest.mark.parametrize("number", [1, 2, ROWS_AT_ONCE, ROWS_AT_ONCE + 1])
async def test_rows_are_written_in_their_order_whatever_their_number(house: House, number: int) -> None:
    those = [_happened(number), _happened(number)]
    for some in those:
        await house.as_system(happening.record, *some)

    assert await house.as_system(_in_order) == [each.ticket_id for some in those for each in some]


async def test_what_no_row_names_is_what_the_schema_says_in_each_of_them(
    house: House, visitor: Browser
) -> None:
    """Of the two rooms of a ticket."""

    def rooms(tx: Tx) -> list[Any]:
        here = chat_rooms.c.workspace_id == tx.workspace_id
        return list(tx.execute(select(chat_rooms.c.status, chat_rooms.c.files_size).where(here)))

    await house.open_ticket(visitor)
    one, other = await house.as_system(rooms)

    assert one == other


@pytest.mark.postgresql
async def test_a_few_rows_are_one_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bytes] = []
    put = Answering._put  # noqa: SLF001 what is sent

    def note(line: Answering, words: bytes, *args: Any, **kwargs: Any) -> None:
        said.append(words)
        put(line, words, *args, **kwargs)

    monkeypatch.setattr(Answering, "_put", note)
    await house.as_system(happening.record, *_happened(ROWS_AT_ONCE))

    assert sum(words.startswith(b"INSERT INTO events") for words in said) == 1
