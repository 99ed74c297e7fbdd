"""Following what happens: each thing once, in order, at once for who waits; and where it cannot go on."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from parlour.db import epoch
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.api import followers
from parlour.features.events import service as events
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.features.api.test_tickets import NEW
from tests.house import Browser, House
from tests.programs import Program, program
from tests.tickets import customer_says


async def everything(api: Program, after: str = "", **query: Any) -> tuple[list[dict[str, Any]], str]:
    found: list[dict[str, Any]] = []
    while True:
        page = await api.read("/changes", after=after, **query)
        found += page["items"]
        after = page["next"]
        if not page["more"]:
            return found, after


async def test_what_happened_is_told_with_what_it_is_about_and_who_did_it(
    house: House, visitor: Browser, api: Program
) -> None:
    me = await api.read("/me")
    ticket = await house.open_ticket(visitor)
    whose = f"/tickets/{ticket.ticket_id}"
    note = await api.made(f"{whose}/messages", {"content": "A regular.", "note": True})
    changed = await api.patch(whose, json={"priority": "urgent"}, headers={"If-Match": "*"})
    contact = await api.made("/contacts", {"email": "zoe@example.com", "name": "Zoe"})
    found, _ = await everything(api, limit=3)

    told = [(each["type"], each["by"], each["changed"]) for each in found]
    assert told == [
        ("ticket.created", "customer", []),
        ("message.created", "customer", []),
        ("note.created", "program", []),
        ("ticket.updated", "program", ["status"]),
        ("ticket.updated", "program", ["priority"]),
        ("contact.updated", "program", ["email"]),
        ("contact.updated", "program", ["name"]),
    ]
    assert found[0]["ticket"] == changed.json()
    assert found[1]["message"]["content"] == ticket.description
    assert found[2]["message"] == note
    assert {each["key_id"] for each in found[2:]} == {me["key_id"]}
    assert found[-1]["contact"] == contact
    assert {each["ticket_id"] for each in found[:5]} == {str(ticket.ticket_id)}


async def test_each_place_goes_on_where_it_is_and_now_begins_with_what_comes(
    house: House, visitor: Browser, api: Program
) -> None:
    ticket = await house.open_ticket(visitor)
    before, place = await everything(api)
    nothing = await api.read("/changes", after="now")
    await customer_says(house, ticket, "Hello?")
    for after in (place, nothing["next"]):
        [one], end = await everything(api, after)
        assert one["message"]["content"] == "Hello?"
        assert await everything(api, end) == ([], (await everything(api, end))[1])

    assert nothing["items"] == []
    assert len(before) == 2


async def test_who_waits_hears_at_once_and_who_waits_in_vain_can_go_on(
    house: House, visitor: Browser, api: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the news alone: a look now and then would come too late for this test."""
    monkeypatch.setattr(followers, "LOOK_SECONDS", 60.0)
    ticket = await house.open_ticket(visitor)
    start = (await api.read("/changes", after="now"))["next"]
    in_vain = await api.read("/changes", after=start, wait=1)
    assert (in_vain["items"], in_vain["more"]) == ([], False)

    asking = asyncio.create_task(api.read("/changes", after=in_vain["next"], wait=30))
    while not house.app.parlour.followers.waiting:
        await asyncio.sleep(0.01)
    await customer_says(house, ticket, "Hello?")
    async with asyncio.timeout(30):
        [one] = (await asking)["items"]

    assert one["message"]["content"] == "Hello?"
    assert house.app.parlour.followers.waiting == 0


async def test_a_key_has_few_places_and_loses_them_with_its_end_or_that_of_the_process(house: House) -> None:
    made = await house.db.write(Actor.system(), api_keys.make_at, "acme", "Follower", Role.VIEWER)
    waiting_here = house.app.parlour.followers
    async with aclosing(Program(house, made.token)) as api:
        start = (await api.read("/changes", after="now"))["next"]
        me = await api.read("/me")
        asked = [
            asyncio.create_task(api.get("/changes", params={"after": start, "wait": 30}))
            for _ in range(followers.PLACES_OF_ONE)
        ]
        while waiting_here.waiting < len(asked):
            await asyncio.sleep(0.01)
        one_more = await api.get("/changes", params={"after": start, "wait": 30})
        await house.db.write(Actor.system(), api_keys.revoke_at, "acme", UUID(me["key_id"]))
        waiting_here.let_go()
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*asked)

    assert one_more.status_code == 429
    assert "Retry-After" in one_more.headers
    assert {answer.status_code for answer in answers} == {401}


async def test_a_place_that_is_gone_is_told_and_another_workspaces_is_none(
    house: House, visitor: Browser, api: Program
) -> None:
    with clock.at(clock.now() - events.KEPT - timedelta(minutes=1)):
        await house.open_ticket(visitor)
        old = (await api.read("/changes", limit=1))["next"]
    await api.made("/tickets", NEW)
    while await house.db.write(Actor.system(), events.sweep):
        pass
    gone = await api.get("/changes", params={"after": old})
    found, place = await everything(api)
    async with program(house, slug="other") as other:
        foreign = await other.get("/changes", params={"after": place})
        assert (await everything(other))[0] == []
    await house.db.write(Actor.system(), epoch.renew)
    restored = await api.get("/changes", params={"after": place})

    assert (gone.status_code, gone.json()["code"]) == (410, "events_forgotten")
    assert [each["type"] for each in found] == ["ticket.created", "message.created"]
    assert (foreign.status_code, foreign.json()["code"]) == (400, "bad_query")
    assert (restored.status_code, restored.json()["code"]) == (410, "events_forgotten")
