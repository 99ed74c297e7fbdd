"""What a node reads for its listeners when another one has stored something: all of it, in one trip."""

from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import pytest

from parlour.db.postgres.answering import Answering
from parlour.features.chat import service as chat
from parlour.features.chat.service import PAGE_CHARACTERS
from parlour.features.chat.store import FEW
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor
from parlour.kernel.messages import Place, Stretch
from tests.house import Browser, House

MANY = 3 * FEW
VISITS = 8


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


async def say(house: House, ticket: Ticket, *contents: str) -> None:
    maria = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    for content in contents:
        await house.db.write(maria, chat.post, ticket.chat_room_id, content, uuid4())


async def read_on(house: House, ticket: Ticket, place: Place, **limits: int) -> Stretch:
    system = Actor.system(ticket.workspace_id)
    return await house.db.read(system, chat.following, ticket.chat_room_id, place, **limits)


async def test_from_wherever_one_reads_on_nothing_is_left_out(house: House, ticket: Ticket) -> None:
    await say(house, ticket, *map(str, range(2, MANY + 1)))

    for after in range(MANY + 1):
        for limit in (1, FEW, FEW + 1, MANY):
            stretch = await read_on(house, ticket, Place(after), limit=limit)
            read = [message.seq for message in stretch.messages]
            assert read == list(range(after + 1, MANY + 1))[:limit], (after, limit)


@pytest.mark.parametrize("before", range(FEW + 1))
async def test_a_page_ends_with_the_long_message_that_fills_it(
    house: House, ticket: Ticket, before: int
) -> None:
    length = PAGE_CHARACTERS // (FEW + 1) + 1
    words = ["x"] * before + [f"{number}" + "x" * length for number in range(FEW + 3)]
    await say(house, ticket, *words)
    stretch = await read_on(house, ticket, Place(1))

    assert len(stretch.messages) == before + FEW + 1
    assert [message.content for message in stretch.messages] == words[: before + FEW + 1]


@pytest.mark.postgresql
async def test_what_follows_a_place_is_one_trip_to_postgresql(
    house: House, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least of some visits: in any of them another thread may connect."""
    await say(house, ticket, "And another thing")
    first = (await read_on(house, ticket, Place(0))).messages[0]
    asked: ContextVar[list[object] | None] = ContextVar("asked", default=None)
    wait = Answering.wait

    def note(line: Answering, *args: Any, **kwargs: Any) -> Any:
        if (those := asked.get()) is not None:
            those.append(line)
        return wait(line, *args, **kwargs)

    monkeypatch.setattr(Answering, "wait", note)
    trips: list[list[object]] = [[] for _ in range(VISITS)]
    for those in trips:
        asked.set(those)
        stretch = await read_on(house, ticket, Place(1, first.message_id, ""))
        assert [message.seq for message in stretch.messages] == [2]

    assert min(map(len, trips)) == 1
