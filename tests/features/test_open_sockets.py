"""What an open page hears of the house, through its real socket: never a note, and nothing once it is out."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status, Ticket
from parlour.kernel import clock
from parlour.kernel.access import Role
from tests.features.authenticator import half_minute, turn_on
from tests.house import ORIGIN, Browser, House
from tests.realtime.house import Page
from tests.tickets import place, words

SOON = 2.0
"""Seconds within which a page is out."""


@pytest.fixture
async def port(house: House) -> AsyncIterator[int]:
    """The house behind a real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(house.app, ws="websockets-sansio", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def open_page(port: int, browser: Browser, query: str) -> Page:
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    page = Page(
        await connect(
            f"ws://127.0.0.1:{port}/realtime?{query}",
            origin=Origin(ORIGIN),
            additional_headers=[("Cookie", cookies)],
            compression=None,
        )
    )
    await page.next("hello")
    return page


async def at_the_desk(port: int, house: House, browser: Browser) -> Page:
    return await open_page(port, browser, f"workspace={house.workspace.workspace_id}")


async def at_the_portal(port: int, browser: Browser, ticket: Ticket) -> Page:
    return await open_page(port, browser, f"portal=acme&ticket={ticket.ticket_id}")


async def test_a_customers_page_does_not_flinch_when_agents_talk_among_themselves(
    house: House, visitor: Browser, desk: Browser, port: int
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("We look into it."), page=here)
    notes = await house.as_system(chat.notes_room, ticket.ticket_id)
    maria, ada = await at_the_portal(port, visitor, ticket), await at_the_desk(port, house, desk)
    before = await maria.enter(ticket.chat_room_id)
    await ada.enter(notes)
    await maria.until_quiet()
    await ada.send("typing", room=notes)
    sent = await desk.submit(f"{here}/notes", words("He is a partner of ours."), page=f"{here}/notes")
    await ada.next("message", content="He is a partner of ours.")
    await ada.send("read", room=notes, seq=1)

    assert sent.status_code == 303
    assert [frame for frame in await maria.until_quiet(0.5) if frame["t"] != "heads"] == []

    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)
    assert (await maria.next("message"))["seq"] == before["head"] + 1


async def test_a_customers_page_does_not_flinch_when_a_ticket_is_given_to_somebody(
    house: House, visitor: Browser, port: int
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    ticket = await house.open_ticket(visitor)
    opened = await house.as_system(
        tickets.update_ticket_status, ticket.ticket_id, Status.OPEN, seen_version=ticket.version
    )
    maria = await at_the_portal(port, visitor, ticket)
    await maria.enter(ticket.chat_room_id)
    await maria.until_quiet()
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=opened.version)

    assert [frame for frame in await maria.until_quiet(0.5) if frame["t"] != "heads"] == []


async def test_a_customer_who_knows_the_room_of_the_notes_is_not_let_in(
    house: House, visitor: Browser, desk: Browser, port: int
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/notes", words("He is a partner of ours."), page=f"{here}/notes")
    notes = await house.as_system(chat.notes_room, ticket.ticket_id)
    maria = await at_the_portal(port, visitor, ticket)
    await maria.send("subscribe", room=notes, after=0)
    await maria.send("typing", room=notes)
    await maria.send("read", room=notes, seq=1)
    refused = await maria.next("error")
    frames = await maria.until_quiet(0.5)

    assert refused == {"t": "error", "code": "not_found", "room": str(notes)}
    assert {frame["t"] for frame in frames} <= {"error", "heads"}
    assert str(notes) not in json.dumps([frame for frame in frames if frame["t"] == "heads"])
    assert "partner" not in json.dumps(frames)


async def test_the_sockets_of_a_removed_member_close_within_two_seconds(
    house: House, visitor: Browser, desk: Browser, port: int
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    people = f"/workspace/{house.workspace.workspace_id}/people"
    async with aclosing(await house.sign_in("ben@acme.example")) as browser:
        in_the_room, in_the_list = [await at_the_desk(port, house, browser) for _ in range(2)]
        await in_the_room.enter(ticket.chat_room_id)
        await in_the_list.send("watch")
        stays = await at_the_desk(port, house, desk)
        removed = await desk.submit(f"{people}/{ben}/remove", {}, page=people)
        started = time.monotonic()
        codes = [await page.close_code() for page in (in_the_room, in_the_list)]
        took = time.monotonic() - started

    assert removed.status_code == 303
    assert codes == [4403, 4403]
    assert took < SOON
    await stays.enter(ticket.chat_room_id)


async def test_a_forgotten_browsers_pages_close_in_every_workspace_and_nobody_elses(
    house: House, visitor: Browser, port: int
) -> None:
    form = "/support/other/ticket/new"
    said = {"subject": "S", "description": "D", "email": "m@x.example"}
    async with house.browser() as neighbour:
        queries = []
        for browser in (visitor, neighbour):
            sent = {**said, "client_id": str(uuid4())}
            answer = await browser.submit(form, sent, page=form)
            queries.append(f"portal=other&ticket={answer.headers['location'].rpartition('/')[2]}")
        here = await at_the_portal(port, visitor, await house.open_ticket(visitor))
        there = await open_page(port, visitor, queries[0])
        stays = await open_page(port, neighbour, queries[1])
        await visitor.submit("/support/acme/forget", {}, page="/support/acme/forget")

        async with asyncio.timeout(SOON):
            assert [await page.close_code() for page in (here, there)] == [4403, 4403]
        await stays.until_quiet()
        assert stays.socket.close_code is None


async def test_who_has_no_second_factor_is_out_once_the_workspace_asks_for_one(
    house: House, desk: Browser, port: int
) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    now, here = half_minute(), f"/workspace/{house.workspace.workspace_id}"
    with clock.at(now):
        await turn_on(desk, now)
    async with aclosing(await house.sign_in("ben@acme.example")) as ben:
        his, hers = await at_the_desk(port, house, ben), await at_the_desk(port, house, desk)
        await desk.submit(f"{here}/settings/security", {"required": "yes"}, page=f"{here}/people")

        async with asyncio.timeout(SOON):
            assert await his.close_code() == 4403
        with pytest.raises(ConnectionClosed) as refused:
            await at_the_desk(port, house, ben)

    assert refused.value.rcvd
    assert refused.value.rcvd.code == 4403
    await hers.until_quiet()
    assert hers.socket.close_code is None
