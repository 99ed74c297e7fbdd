"""What pages and messages take: functions called and memory held, which a slow machine does not change.

Beside `test_weight`, which counts what is asked of the database and what is sent. Here a page counts that was
seen before, and nothing is between it and the application. The least of some visits counts: now and then a
visit meets a timer of the house.
"""

import gc
import os
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import structlog

from bench.pages import Headers, exchange, furnish, headers_of
from parlour import logs
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, House, open_house
from tests.meter import asking_anew

pytestmark = pytest.mark.sqlite

CALLS = {
    "list": 840,
    "dashboard": 740,
    "ticket": 1_150,
    "conversation": 945,
    "portal": 945,
    "new ticket": 515,
    "a message": 1_380,
}
"""Of functions, on the loop's thread, with 25 tickets or 50 messages, and by what watches the tests."""
CALLS_ANEW = {"list": 1_950, "dashboard": 1_450, "ticket": 2_800, "conversation": 1_520, "portal": 1_100}
"""Where something was stored before each visit."""
SEARCH_CALLS = 2_750
"""Of what is read for 25 tickets, of which each has the words in its subject and its first message."""
BYTES = {
    "list": 248_000,
    "dashboard": 133_000,
    "ticket": 282_000,
    "conversation": 200_000,
    "portal": 41_500,
    "new ticket": 57_000,
    "a message": 42_000,
}
"""Held at the moment at which the most are."""
PAGES = CALLS.keys() - {"a message"}
VISITS, MANY = 3, 10
STAYS = 2_000
"""Bytes of a visit that are still there after it. A message stays, and is no page."""

Visit = Callable[[], Awaitable[None]]


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """As in earnest, and to nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        logs.configure("json", stream=nowhere)
        yield
    structlog.reset_defaults()


@pytest.fixture
async def visits(tmp_path: Path) -> AsyncIterator[dict[str, Visit]]:
    async with open_house(tmp_path) as house:
        house.leave_chores()
        ada, maria, ticket = await furnish(house)
        await house.app.parlour.worker.stop()
        async with aclosing(ada), aclosing(maria):
            desk = f"/workspace/{house.workspace.workspace_id}"
            addresses = {
                "list": (ada, f"{desk}/tickets"),
                "dashboard": (ada, desk),
                "ticket": (ada, f"{desk}/tickets/{ticket}"),
                "conversation": (maria, f"/support/acme/ticket/{ticket}/chat"),
                "portal": (maria, "/support/acme"),
                "new ticket": (maria, "/support/acme/ticket/new"),
            }
            found = {
                name: seen(house, address, await headers_of(browser, address))
                for name, (browser, address) in addresses.items()
            }
            room = addresses["conversation"][1]
            found["a message"] = said(house, room, await headers_of(maria, room), await maria.csrf(room))
            yield found


def seen(house: House, address: str, headers: Headers) -> Visit:
    async def visit() -> None:
        assert (await exchange(house.app, address, headers))[0] == 200

    return visit


def said(house: House, room: str, headers: Headers, token: str) -> Visit:
    """A customer's, as the page's script sends it."""
    form = (b"content-type", b"application/x-www-form-urlencoded")
    told = [*headers, form, (b"accept", b"application/json"), (b"origin", ORIGIN.encode())]

    async def visit() -> None:
        fields = {"csrf": token, "client_id": str(uuid4()), "content": "Hello, how is it going?"}
        assert (await exchange(house.app, room, told, urlencode(fields).encode()))[0] == 201

    return visit


async def calls(visit: Visit) -> int:
    """Of functions, Python's and those in C, on the loop's thread."""
    count = 0

    def note(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        await visit()
    finally:
        sys.setprofile(None)
    return count


async def taken(visit: Visit) -> int:
    """Bytes at the moment at which the most were held, in all threads."""
    gc.collect()
    tracemalloc.start()
    try:
        await visit()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def stayed(visit: Visit) -> int:
    """Bytes of each visit that are still there, once what went in circles is collected."""
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(MANY):
            await visit()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] // MANY
    finally:
        tracemalloc.stop()


async def test_pages_and_messages_call_and_take_no_more_than_they_did(visits: dict[str, Visit]) -> None:
    called, anew, most, kept = {}, {}, {}, {}
    for name, visit in visits.items():
        for _ in range(VISITS):
            await visit()
        called[name] = min([await calls(visit) for _ in range(VISITS)])
        most[name] = min([await taken(visit) for _ in range(VISITS)])
        with asking_anew():
            anew[name] = min([await calls(visit) for _ in range(VISITS)])
        if name in PAGES:
            kept[name] = await stayed(visit)

    assert {name: found for name, found in called.items() if found > CALLS[name]} == {}
    assert {name: anew[name] for name in CALLS_ANEW if anew[name] > CALLS_ANEW[name]} == {}
    assert {name: found for name, found in most.items() if found > BYTES[name]} == {}
    assert {name: found for name, found in kept.items() if found > STAYS} == {}


async def test_a_search_for_words_that_nobody_asked_for_yet_calls_no_more_than_it_did(tmp_path: Path) -> None:
    """On the loop's thread, where functions are counted, and not on that of a scan."""
    async with open_house(tmp_path) as house:
        ada, maria, _ = await furnish(house)
        agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")
        async with aclosing(ada), aclosing(maria):
            page = await house.db.read(agent, listing.workspace_tickets, Filters(q="parcel"))

            async def visit() -> None:
                await house.db.read(agent, listing.workspace_tickets, Filters(q="parcel"))

            with asking_anew():
                called = min([await calls(visit) for _ in range(VISITS)])

    assert len(page.rows) == len(page.excerpts) == 25
    assert called <= SEARCH_CALLS
