"""What happens is posted: signed, again when it must be, and for each receiver by itself."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from parlour.db.schema import webhook_deliveries, webhooks
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Ticket
from parlour.features.webhooks import delivering, jobs
from parlour.kernel import clock
from parlour.kernel.access import Role
from tests.house import Browser, House, behind_its_back
from tests.jobs import time_passes
from tests.mailbox import mails, text_of
from tests.programs import Program, program
from tests.receiver import Post, Receiver, http
from tests.tickets import ada, customer_says
from tests.until import until

OWNER = "odile@acme.example"
ALL = ["ticket.created", "ticket.updated", "message.created", "note.created", "contact.updated"]


async def hooked(admin: Program, receiver: Receiver, **more: Any) -> dict[str, Any]:
    """A webhook that leads to this receiver, with its secret."""
    made: dict[str, Any] = await admin.made("/webhooks", {"url": receiver.url, "events": ALL, **more})
    return made


async def opened(house: House, visitor: Browser) -> Ticket:
    """A ticket with words of its own, as the same words again would make none."""
    return await house.open_ticket(visitor, subject=f"Parcel {uuid4()}")


def types(receiver: Receiver) -> list[str]:
    return sorted(json.loads(post.body)["type"] for post in receiver.posts)


def is_signed(post: Post, secret: str) -> bool:
    """As a receiver checks it (Standard Webhooks 1.0.0)."""
    signed = f"{post.id}.{post.headers['webhook-timestamp']}.".encode() + post.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return f"v1,{right}" in post.headers["webhook-signature"].split()


def later(house: House, by: timedelta) -> None:
    """As if all that is to be posted had been tried so much earlier."""
    settings = house.app.parlour.settings
    if settings.is_postgresql:
        moved = f"next_try_at - interval '{by.total_seconds()} seconds'"
    else:
        moved = f"strftime('%Y-%m-%dT%H:%M:%f000Z', next_try_at, '-{by.total_seconds()} seconds')"
    behind_its_back(settings, f"UPDATE webhook_deliveries SET next_try_at = {moved}")  # noqa: S608


async def states(admin: Program, hook: dict[str, Any]) -> list[tuple[str, int]]:
    found = await admin.read(f"/webhooks/{hook['webhook_id']}/deliveries", limit=100)
    return [(each["state"], each["tries"]) for each in found["items"]]


async def test_each_kind_of_change_is_posted_as_the_api_tells_of_it(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    hook = await hooked(admin, receiver)
    ticket = await opened(house, visitor)
    await customer_says(house, ticket, "Is anybody there?")
    now = await house.as_system(tickets.ticket, ticket.ticket_id)
    await house.db.write(
        ada(house),
        tickets.update_ticket_priority,
        ticket.ticket_id,
        Priority.URGENT,
        seen_version=now.version,
    )
    await admin.made(f"/tickets/{ticket.ticket_id}/messages", {"content": "Call them.", "note": True})
    [contact] = (await admin.read("/contacts"))["items"]
    await admin.patch(f"/contacts/{contact['contact_id']}", json={"note": "Kind."})
    told = (await admin.read("/changes"))["items"]
    await until(lambda: len(receiver.posts) == len(told))

    assert {*types(receiver)} == {*ALL}
    bodies = {post.id: json.loads(post.body) for post in receiver.posts}
    for each in told:
        body = bodies[each["event_id"]]
        assert (body["type"], body["timestamp"]) == (each["type"], each["created_at"])
        assert body["data"].keys() == each.keys()
        for name in ("event_id", "by", "changed", "ticket_id", "message", "contact"):
            assert body["data"][name] == each[name], name
    assert all(is_signed(post, hook["secret"]) for post in receiver.posts)


async def test_only_the_chosen_kinds_are_posted_and_not_what_the_own_key_did(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    me = (await admin.read("/me"))["key_id"]
    await hooked(admin, receiver, events=["message.created"], except_key_id=me)
    ticket = await opened(house, visitor)
    await admin.made(f"/tickets/{ticket.ticket_id}/messages", {"content": "From the program."})
    await customer_says(house, ticket, "From the customer.")

    def said() -> list[str]:
        return sorted(json.loads(post.body)["data"]["message"]["content"] for post in receiver.posts)

    await until(lambda: "From the customer." in said())
    assert "From the program." not in said()
    assert {*types(receiver)} == {"message.created"}


async def test_a_workspace_hears_nothing_of_another(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    async with program(house, Role.ADMIN, slug="other") as stranger:
        await hooked(stranger, receiver)
        hook = await hooked(admin, receiver)
        await opened(house, visitor)
        await until(lambda: len(receiver.posts) == 2)
        for path in ("", "/deliveries"):
            assert (await stranger.get(f"/webhooks/{hook['webhook_id']}{path}")).status_code == 404

    assert all(is_signed(post, hook["secret"]) for post in receiver.posts)


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (http(500), True),
        (http(503), True),
        (http(429), True),
        (b"nonsense\r\n\r\n", True),
        (http(400), False),
        (http(404), False),
        (http(301, Location="http://127.0.0.1/"), False),
    ],
)
async def test_what_may_go_better_is_tried_again_with_the_same_id_and_body(
    house: House, admin: Program, visitor: Browser, answer: bytes, again: bool
) -> None:
    async with Receiver(lambda _: answer) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await until(lambda: len(server.posts) == 1)
        await settled(admin, hook)
        assert await states(admin, hook) == [("pending" if again else "failed", 1)]
        if not again:
            return
        server.answer = lambda _: http(200)
        await turn_the_clock(house)
        await until(lambda: len(server.posts) == 2)
        await settled(admin, hook, tries=2)

    first, second = server.posts
    assert (first.id, first.body) == (second.id, second.body)
    assert is_signed(second, hook["secret"])
    assert await states(admin, hook) == [("delivered", 2)]


async def settled(admin: Program, hook: dict[str, Any], tries: int = 1) -> None:
    """Once the outcome of so many tries is kept."""
    async with asyncio.timeout(30):
        while not all(done >= tries for _, done in await states(admin, hook)):
            await asyncio.sleep(0.02)


async def turn_the_clock(house: House) -> None:
    """To the moment of the next tries."""
    later(house, timedelta(days=2))
    await time_passes(house.db, timedelta(days=2))
    house.app.parlour.worker.wake()


async def test_a_receiver_that_asks_for_patience_gets_it(
    house: House, admin: Program, visitor: Browser
) -> None:
    async with Receiver(lambda _: http(429, Retry_After="7200")) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await until(lambda: len(server.posts) == 1)
        await settled(admin, hook)
        [delivery] = (await admin.read(f"/webhooks/{hook['webhook_id']}/deliveries"))["items"]

    assert delivery["status"] == 429
    assert delivery["next_try_at"] > (clock.now() + timedelta(minutes=110)).isoformat()


@pytest.mark.parametrize(
    ("said", "within"),
    [
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", timedelta(minutes=1)),
        ("Fri, 31 Dec 1999 23:59:59 +99999999999999999", timedelta(minutes=1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        ("9" * 60, timedelta(days=1)),
    ],
)
async def test_whatever_patience_is_asked_for_a_try_is_kept_and_the_next_comes_within_a_day(
    house: House, admin: Program, visitor: Browser, said: str, within: timedelta
) -> None:
    async with Receiver(lambda _: http(429, Retry_After=said)) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await until(lambda: len(server.posts) == 1)
        await settled(admin, hook)
        [delivery] = (await admin.read(f"/webhooks/{hook['webhook_id']}/deliveries"))["items"]

    assert (delivery["status"], delivery["tries"]) == (429, 1)
    assert delivery["next_try_at"] < (clock.now() + within).isoformat()


async def test_after_the_last_try_it_is_given_up_and_a_person_can_begin_anew(
    house: House, admin: Program, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "PAUSES", (timedelta(), timedelta()))
    async with Receiver(lambda _: http(500, "out of order")) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await settled_at(admin, hook, [("failed", 3)])
        [delivery] = (await admin.read(f"/webhooks/{hook['webhook_id']}/deliveries"))["items"]
        server.answer = lambda _: http(200)
        await admin.post(f"/webhooks/{hook['webhook_id']}/deliveries/{delivery['delivery_id']}/retry")
        await settled_at(admin, hook, [("delivered", 1)])

    assert (delivery["status"], delivery["answer"]) == (500, "out of order")
    assert {post.id for post in server.posts} == {delivery["delivery_id"]}
    assert len({post.body for post in server.posts}) == 1


async def settled_at(admin: Program, hook: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    async with asyncio.timeout(30):
        while await states(admin, hook) != expected:
            await asyncio.sleep(0.02)


async def test_receivers_that_say_nothing_delay_no_other(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    ticket = await opened(house, visitor)
    async with Receiver(lambda _: None) as silent:
        for _ in range(3):
            await hooked(admin, silent, events=["message.created"])
        await hooked(admin, receiver, events=["message.created"])
        for number in range(20):
            await customer_says(house, ticket, f"Line {number}")
        await until(lambda: len(receiver.posts) == 20, within=10)

        assert len(silent.posts) <= 3 * jobs.AT_ONCE


async def test_a_receiver_that_takes_its_time_moves_to_the_slow_lane_and_back(
    house: House, admin: Program, receiver: Receiver, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "SLOW_MILLISECONDS", -1)
    await hooked(admin, receiver, events=["ticket.created"])
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 1)
    await until(lambda: slow(house) == [True])
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 2)
    monkeypatch.setattr(delivering, "SLOW_MILLISECONDS", 3_000)
    await opened(house, visitor)
    await until(lambda: slow(house) == [False])

    kinds = behind_its_back(house.app.parlour.settings, "SELECT DISTINCT kind FROM outbox")
    assert {("webhooks.post",), ("slow.post",)} <= {*kinds}


def slow(house: House) -> list[bool]:
    return [bool(row[0]) for row in behind_its_back(house.app.parlour.settings, "SELECT slow FROM webhooks")]


async def test_after_days_of_failure_it_is_turned_off_and_its_owners_are_told(
    house: House, admin: Program, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "PAUSES", (timedelta(),) * 3)
    monkeypatch.setattr(delivering, "FAILING_LIMIT", timedelta())
    async with Receiver(lambda _: http(500)) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await until(lambda: off(house) == ["failing"])
        told = behind_its_back(house.app.parlour.settings, "SELECT kind FROM outbox")
        await opened(house, visitor)
        count = len(server.posts)
        server.answer = lambda _: http(200)
        await admin.patch(f"/webhooks/{hook['webhook_id']}", json={"active": True})
        await until(lambda: len(server.posts) > count)

    shown = await admin.read(f"/webhooks/{hook['webhook_id']}")
    assert ("mail.webhook_disabled",) in told
    assert (shown["active"], shown["off"]) == (True, "")
    assert {post.id for post in server.posts} == {server.posts[0].id}


async def test_a_receiver_that_is_gone_gets_nothing_more_and_its_owners_are_told(
    house: House, admin: Program, visitor: Browser
) -> None:
    await house.add_agent(OWNER, Role.OWNER)
    async with Receiver(lambda _: http(410)) as server:
        hook = await hooked(admin, server, events=["ticket.created"])
        await opened(house, visitor)
        await until(lambda: off(house) == ["failing"])
        await opened(house, visitor)
        [mail] = await mails(house, OWNER)
        count = len(server.posts)
        server.answer = lambda _: http(200)
        await admin.patch(f"/webhooks/{hook['webhook_id']}", json={"active": True})
        await opened(house, visitor)
        await until(lambda: len(server.posts) > count)

    shown = await admin.read(f"/webhooks/{hook['webhook_id']}")
    assert count == 1
    assert "410" in text_of(mail)
    assert server.url in text_of(mail)
    assert shown["off"] == ""


def off(house: House) -> list[str]:
    return [str(row[0]) for row in behind_its_back(house.app.parlour.settings, 'SELECT "off" FROM webhooks')]


async def test_a_span_is_replayed_also_what_happened_while_it_was_off(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    hook = await hooked(admin, receiver, events=["ticket.created"])
    one = f"/webhooks/{hook['webhook_id']}"
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 1)
    await admin.patch(one, json={"active": False})
    await opened(house, visitor)
    span = {
        "after": (clock.now() - timedelta(hours=1)).isoformat(),
        "before": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    refused = await admin.post(f"{one}/replay", json=span)
    await admin.patch(one, json={"active": True})
    assert (await admin.post(f"{one}/replay", json=span)).status_code == 202
    await until(lambda: len(receiver.posts) == 2)
    assert (await admin.post(f"{one}/replay", json={**span, "all": True})).status_code == 202
    await until(lambda: len(receiver.posts) == 4)

    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_off")
    assert len({post.id for post in receiver.posts}) == 2
    assert all(is_signed(post, hook["secret"]) for post in receiver.posts)


async def test_for_a_day_both_secrets_sign(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    hook = await hooked(admin, receiver, events=["ticket.created"])
    renewed = (await admin.post(f"/webhooks/{hook['webhook_id']}/secret")).json()
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 1)
    behind_its_back(house.app.parlour.settings, "UPDATE webhooks SET previous_until = created_at")
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 2)

    both, one = receiver.posts
    assert hook["secret"] != renewed["secret"]
    assert [is_signed(both, each["secret"]) for each in (hook, renewed)] == [True, True]
    assert [is_signed(one, each["secret"]) for each in (hook, renewed)] == [False, True]


async def test_a_webhook_that_is_deleted_takes_what_was_posted_along(
    house: House, admin: Program, receiver: Receiver, visitor: Browser
) -> None:
    hook = await hooked(admin, receiver)
    await opened(house, visitor)
    await until(lambda: len(receiver.posts) == 2)
    assert (await admin.delete(f"/webhooks/{hook['webhook_id']}")).status_code == 200

    def left() -> int:
        return sum(
            len(behind_its_back(house.app.parlour.settings, f"SELECT 1 FROM {table}"))  # noqa: S608
            for table in (webhooks.name, webhook_deliveries.name)
        )

    await until(lambda: left() == 0)
