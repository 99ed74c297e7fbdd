"""What was written arrives once, whatever the network does in between."""

from collections.abc import Iterator
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from parlour.db.sqlite import SqliteDatabase
from parlour.features.tickets.models import Status
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Person, Room, chat_of, status_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WAITING = "Not sent yet. It goes out by itself when the connection is back."


@pytest_asyncio.fixture(loop_scope="session")
async def maria(people: People) -> Person:
    return await people.stranger()


async def enter(live: Live, past: Past, people: People) -> tuple[Person, Room, "TicketOf"]:
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    maria.expects(NETWORK_LOST)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    return maria, room, ticket
