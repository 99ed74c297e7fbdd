"""What is shown beside the words: who types, who is here, who has read, what became of the ticket."""

import asyncio
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from parlour.kernel import clock
from parlour.kernel.events import SpokeUnheard, TicketChanged
from tests.realtime.house import House, open_house


async def test_typing_is_shown_to_the_other_side(house: House) -> None:
    ada, grace = await house.enter("ada"), await house.enter("grace")

    await ada.send("typing", room=house.room)

    assert await grace.next("typing") == {
        "t": "typing",
        "room": str(house.room),
        "side": "agent",
        "name": "Ada",
    }


async def test_typing_never_comes_back_to_whoever_types(house: House) -> None:
    first, second = await house.enter("ada"), await house.enter("ada")
    await house.enter("grace")
    for page in (first, second):
        await page.until_quiet()

    await first.send("typing", room=house.room)

    assert await first.until_quiet() + await second.until_quiet() == []


async def test_typing_is_shown_once_in_two_and_a_half_seconds_however_often_it_is_sent(house: House) -> None:
    first, second, grace = await house.enter("ada"), await house.enter("ada"), await house.enter("grace")
    await grace.until_quiet()

    for page in (first, second, first):
        await page.send("typing", room=house.room)

    assert [frame["t"] for frame in await grace.until_quiet(0.5)] == ["typing"]


async def test_two_agents_may_type_at_once(house: House) -> None:
    ada, alan, grace = await house.enter("ada"), await house.enter("alan"), await house.enter("grace")

    await ada.send("typing", room=house.room)
    await grace.next("typing", name="Ada")
    await alan.send("typing", room=house.room)

    assert await grace.next("typing", name="Alan")


async def test_whoever_still_types_is_shown_again(tmp_path: Path) -> None:
    async with open_house(tmp_path, typing_every=0.2) as house:
        ada, grace = await house.enter("ada"), await house.enter("grace")
        await ada.send("typing", room=house.room)
        await grace.next("typing")

        await asyncio.sleep(0.25)
        await ada.send("typing", room=house.room)

        assert await grace.next("typing")


async def test_typing_is_not_kept_for_those_who_come_later(house: House) -> None:
    ada = await house.enter("ada")
    await ada.send("typing", room=house.room)
    grace = await house.enter("grace")

    assert [frame["t"] for frame in await grace.until_quiet()] == []


async def test_a_viewer_cannot_pretend_to_type(house: House) -> None:
    vera, grace = await house.enter("vera"), await house.enter("grace")
    await grace.until_quiet()

    await vera.send("typing", room=house.room)

    assert await grace.until_quiet() == []


async def test_nobody_types_in_a_room_that_they_are_not_in(house: House) -> None:
    ada, grace = await house.open("ada"), await house.enter("grace")

    await ada.send("typing", room=house.room)

    assert await ada.next("error") == {"t": "error", "code": "not_found", "room": str(house.room)}
    assert await grace.until_quiet() == []


async def test_a_newcomer_is_told_who_is_here(house: House) -> None:
    await house.enter("ada")
    await house.enter("grace")
    alan = await house.open("alan")

    await alan.send("subscribe", room=house.room, after=0)

    assert await alan.next("presence") == {
        "t": "presence",
        "room": str(house.room),
        "agents": sorted(
            [{"id": str(house.ada), "name": "Ada"}, {"id": str(house.alan), "name": "Alan"}],
            key=lambda agent: agent["id"],
        ),
        "customer": True,
    }


async def test_everyone_is_told_when_somebody_comes(house: House) -> None:
    grace = await house.enter("grace")

    await house.enter("ada")

    assert (await grace.next("presence"))["agents"] == [{"id": str(house.ada), "name": "Ada"}]


async def test_everyone_is_told_when_somebody_leaves(house: House) -> None:
    ada, grace = await house.enter("ada"), await house.enter("grace")

    await grace.socket.close()

    assert await ada.next("presence", customer=False)


async def test_an_agent_who_only_listens_from_aside_is_there_for_colleagues_and_not_for_customers(
    house: House,
) -> None:
    grace, alan, ada = await house.enter("grace"), await house.enter("alan"), await house.open("ada")
    await grace.until_quiet()

    await ada.send("subscribe", room=house.room, after=0, aside=True)
    told = await alan.next("presence")

    assert {agent["name"] for agent in told["agents"]} == {"Ada", "Alan"}
    assert await grace.until_quiet() == []


async def test_two_tabs_of_one_agent_are_one_agent(house: House) -> None:
    grace, first, second = await house.enter("grace"), await house.enter("ada"), await house.enter("ada")
    await grace.until_quiet()

    await first.socket.close()

    assert await grace.until_quiet() == []
    await second.socket.close()
    assert (await grace.next("presence"))["agents"] == []


async def test_a_read_mark_is_stored_and_shown_to_both_sides(house: House) -> None:
    house.records.say(house.room)
    ada, grace = await house.enter("ada"), await house.enter("grace")

    await ada.send("read", room=house.room, seq=1)

    assert await grace.next("read") == {"t": "read", "room": str(house.room), "side": "agent", "seq": 1}
    assert await ada.next("read")


async def test_a_read_mark_never_goes_back(house: House) -> None:
    for _ in range(5):
        house.records.say(house.room)
    ada = await house.enter("ada")

    await ada.send("read", room=house.room, seq=5)
    await ada.send("read", room=house.room, seq=3)
    await ada.until_quiet()

    assert house.records.marked == [5]


async def test_of_many_quick_read_marks_the_first_and_the_last_are_stored(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=1.0, read_every=0.2) as house:
        for _ in range(9):
            house.records.say(house.room)
        ada = await house.enter("ada")

        for seq in range(1, 10):
            await ada.send("read", room=house.room, seq=seq)
        await ada.next("read", seq=9)

        assert house.records.marked == [1, 9]


async def test_a_read_mark_that_waited_is_stored_when_the_page_closes(house: House) -> None:
    for _ in range(2):
        house.records.say(house.room)
    ada, grace = await house.enter("ada"), await house.enter("grace")
    await ada.send("read", room=house.room, seq=1)
    await ada.send("read", room=house.room, seq=2)

    await ada.socket.close()

    assert await grace.next("read", seq=2)


async def test_a_change_of_the_ticket_reaches_everyone_in_its_room(house: House) -> None:
    """A customer's page learns nothing that it does not show."""
    grace = await house.enter("grace")

    house.records.bus.publish([change(house, house.room)])

    assert await grace.next("ticket") == {
        "t": "ticket",
        "ticket_id": str(house.ticket),
        "room": str(house.room),
        "number": 7,
        "status": "pending",
        "spoke": None,
    }


async def test_customers_hear_nothing_of_what_only_agents_can_see(house: House) -> None:
    grace, ada = await house.enter("grace"), await house.enter("ada")
    await grace.until_quiet()

    house.records.bus.publish([replace(change(house, house.room), inward=True)])

    assert (await ada.next("ticket"))["version"] == 3
    assert await grace.until_quiet() == []


async def test_of_a_word_that_no_agent_is_told_of_customers_hear_as_of_any(house: House) -> None:
    grace, ada = await house.enter("grace"), await house.enter("ada")
    await ada.send("watch")
    await ada.until_quiet()
    await grace.until_quiet()
    words = [
        SpokeUnheard(house.workspace, house.ticket, house.room, number=7, status="pending"),
        replace(change(house, house.room), spoke="customer"),
    ]

    house.records.bus.publish(words[:1])
    told, unheard = await ada.until_quiet(), await grace.until_quiet()
    house.records.bus.publish(words[1:])

    assert told == []
    assert unheard == await grace.until_quiet()


async def test_an_agent_who_watches_hears_of_every_ticket_once(house: House) -> None:
    ada = await house.enter("ada")
    await ada.send("watch")
    await ada.send("watch")
    other = clock.new_id()
    await ada.until_quiet()

    house.records.bus.publish([change(house, house.room), change(house, other)])

    assert [frame["room"] for frame in await ada.until_quiet()] == [str(house.room), str(other)]


async def test_who_does_not_watch_hears_nothing_of_other_tickets(house: House) -> None:
    ada = await house.enter("ada")

    house.records.bus.publish([change(house, clock.new_id())])

    assert await ada.until_quiet() == []


async def test_a_watcher_hears_nothing_of_another_workspace(house: House) -> None:
    ada = await house.open("ada")
    await ada.send("watch")
    await ada.until_quiet()

    house.records.bus.publish([change(house, clock.new_id(), workspace=clock.new_id())])

    assert await ada.until_quiet() == []


async def test_a_customer_cannot_watch_the_workspace(house: House) -> None:
    grace = await house.open("grace")

    await grace.send("watch")

    assert await grace.next("error") == {"t": "error", "code": "not_found"}


def change(house: House, room: UUID, workspace: UUID | None = None) -> TicketChanged:
    return TicketChanged(
        workspace or house.workspace,
        ticket_id=house.ticket,
        room_id=room,
        number=7,
        status="pending",
        priority="high",
        assignee_id=None,
        version=3,
    )
