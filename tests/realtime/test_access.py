"""Who may open a socket, and how soon it ends when they no longer may."""

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from parlour.kernel import clock
from parlour.kernel.events import AccessChanged
from tests.realtime.house import House, open_house


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", None])
async def test_a_foreign_or_missing_origin_is_refused_before_the_handshake(
    house: House, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await house.open("ada", origin=Origin(origin) if origin else None)

    assert refused.value.response.status_code == 403


async def test_the_origin_of_the_links_in_mails_is_welcome(tmp_path: Path) -> None:
    async with open_house(tmp_path, base_origin="https://desk.example") as house:
        page = await house.open("ada", origin=Origin("https://desk.example"))

        assert await page.next("hello")


async def test_nobody_signed_in_reads_4401(house: House) -> None:
    page = await house.open("")

    assert await page.close_code() == 4401


async def test_an_agent_of_another_workspace_reads_4403(house: House) -> None:
    page = await house.open("ada", query=f"workspace={clock.new_id()}")

    assert await page.close_code() == 4403


async def test_a_customer_of_another_ticket_reads_4403(house: House) -> None:
    page = await house.open("grace", query=f"ticket={clock.new_id()}&portal=acme")

    assert await page.close_code() == 4403


async def test_an_identity_that_cannot_be_checked_reads_1011(house: House) -> None:
    house.records.db.execute("DROP TABLE people")

    page = await house.open("ada")

    assert await page.close_code() == 1011


async def test_signing_out_closes_every_socket_of_that_agent_at_once(house: House) -> None:
    first, second = await house.enter("ada"), await house.open("ada")

    house.records.db.execute("DELETE FROM people WHERE secret = 'ada'")
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])

    assert (await first.close_code(), await second.close_code()) == (4401, 4401)


async def test_nothing_is_delivered_once_access_is_known_to_be_gone(house: House) -> None:
    ada = await house.enter("ada")

    house.records.db.execute("DELETE FROM people WHERE secret = 'ada'")
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])
    await asyncio.sleep(0.05)
    house.records.say(house.room, "secret")

    with pytest.raises(Exception, match="4401"):
        await ada.next("message")


async def test_a_customer_whose_access_is_revoked_reads_4403(house: House) -> None:
    grace = await house.enter("grace")

    house.records.db.execute("UPDATE people SET id = ? WHERE secret = 'grace'", [str(clock.new_id())])
    house.records.bus.publish([AccessChanged(house.workspace, ticket_id=house.ticket)])

    assert await grace.close_code() == 4403


async def test_whoever_loses_the_last_room_reads_4403(house: House) -> None:
    ada = await house.enter("ada")

    house.records.db.execute("UPDATE rooms SET workspace = ?", [str(clock.new_id())])
    house.records.bus.publish([AccessChanged(house.workspace)])

    assert await ada.close_code() == 4403


async def test_whoever_loses_one_room_of_two_stays_in_the_other(house: House) -> None:
    other = house.records.room(house.workspace, clock.new_id())
    ada = await house.enter("ada")
    await ada.enter(other)

    house.records.db.execute(
        "UPDATE rooms SET workspace = ? WHERE room = ?", [str(clock.new_id()), str(other)]
    )
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])

    assert await ada.next("error") == {"t": "error", "code": "not_found", "room": str(other)}
    house.records.say(house.room)
    assert await ada.messages(1) == [1]


async def test_nobody_else_is_disturbed_by_a_change_of_access(house: House) -> None:
    alan = await house.enter("alan")

    house.records.db.execute("DELETE FROM people")
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])
    house.records.say(house.room)

    assert await alan.messages(1) == [1]


async def test_an_agent_who_becomes_a_viewer_types_no_more(house: House) -> None:
    ada, grace = await house.enter("ada"), await house.enter("grace")
    await grace.until_quiet()

    house.records.db.execute("UPDATE people SET role = 'viewer' WHERE secret = 'ada'")
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])
    await ada.until_quiet()
    await ada.send("typing", room=house.room)

    assert await grace.until_quiet() == []


async def test_a_new_name_is_shown_at_once(house: House) -> None:
    await house.enter("ada")
    grace = await house.enter("grace")

    house.records.db.execute("UPDATE people SET name = 'Ada L.' WHERE secret = 'ada'")
    house.records.bus.publish([AccessChanged(house.workspace, user_id=house.ada)])

    assert (await grace.next("presence"))["agents"] == [{"id": str(house.ada), "name": "Ada L."}]


async def test_without_a_word_from_the_bus_access_is_checked_again_in_time(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.4, recheck=0.3) as house:
        ada = await house.enter("ada")

        house.records.db.execute("DELETE FROM people")

        assert await ada.close_code() == 4401


async def test_a_database_that_does_not_answer_throws_nobody_out(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.4, recheck=0.2) as house:
        ada = await house.enter("ada")

        house.records.db.execute("ALTER TABLE people RENAME TO away")
        await asyncio.sleep(0.5)
        house.records.say(house.room)

        assert await ada.messages(1) == [1]
