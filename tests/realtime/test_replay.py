from pathlib import Path
from uuid import UUID

from parlour.kernel import clock
from parlour.realtime.bus import Head
from tests.realtime.house import House, Page, open_house


async def test_a_newcomer_is_told_the_heartbeat_and_the_epoch(house: House) -> None:
    page = await house.open("grace")

    assert await page.receive() == {"t": "hello", "heartbeat": 20.0, "epoch": house.records.epoch}


async def test_a_subscription_begins_with_the_head_and_how_far_each_side_has_read(house: House) -> None:
    for _ in range(3):
        house.records.say(house.room)
    await house.records.mark_read(house.actor("ada"), house.room, 2)
    page = await house.open("grace")

    subscribed = await page.enter(house.room, after=3)

    assert subscribed == {
        "t": "subscribed",
        "room": str(house.room),
        "epoch": house.records.epoch,
        "head": 3,
        "seen": {"customer": 0, "agent": 2},
    }


async def test_everything_after_what_the_page_has_is_replayed_in_order(house: House) -> None:
    for _ in range(10):
        house.records.say(house.room)
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=4)

    assert await page.messages(6) == [5, 6, 7, 8, 9, 10]


async def test_what_is_said_after_the_replay_arrives_live(house: House) -> None:
    house.records.say(house.room)
    page = await house.enter("grace", after=1)

    house.records.say(house.room, "How can I help?", house.actor("ada"))

    assert (await page.next("message"))["content"] == "How can I help?"


async def test_exactly_500_missing_messages_are_replayed(house: House) -> None:
    for _ in range(500):
        house.records.store(house.room)
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=0)

    assert await page.messages(500) == list(range(1, 501))


async def test_a_page_more_than_500_behind_is_told_to_reload(house: House) -> None:
    for _ in range(501):
        house.records.store(house.room)
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=0)
    await page.next("subscribed")

    reset = await page.next("reset")
    assert (reset["head"], reset["why"]) == (501, "behind")


async def test_a_page_ahead_of_the_database_is_told_to_reload(house: House) -> None:
    house.records.say(house.room)
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=7)

    reset = await page.next("reset")
    assert (reset["head"], reset["why"]) == (1, "history")


async def test_after_a_reset_the_room_is_live(house: House) -> None:
    page = await house.enter("grace", after=7)

    house.records.say(house.room)

    assert await page.messages(1) == [1]


async def test_a_page_that_asks_again_gets_the_difference_again(house: House) -> None:
    for _ in range(3):
        house.records.say(house.room)
    page = await house.enter("grace", after=3)

    await page.send("subscribe", room=house.room, after=1)

    assert await page.messages(2) == [2, 3]


async def test_a_hint_that_was_lost_is_made_good_by_the_next(house: House) -> None:
    page = await house.enter("grace")

    house.records.store(house.room)
    house.records.store(house.room)
    house.records.say(house.room)

    assert await page.messages(3) == [1, 2, 3]


async def test_a_hint_that_comes_twice_is_delivered_once(house: House) -> None:
    page = await house.enter("grace")

    event = house.records.say(house.room)
    house.records.bus.publish([event])
    house.records.say(house.room)

    assert [frame["seq"] for frame in await page.until_quiet()] == [1, 2]


async def test_a_hint_without_words_brings_the_words_from_the_database(house: House) -> None:
    page = await house.enter("grace")

    house.records.store(house.room, "Still there?")
    house.records.bus.publish([Head(house.workspace, house.room, 1)])

    assert (await page.next("message"))["content"] == "Still there?"


async def test_a_hint_of_something_that_is_not_there_does_no_harm(house: House) -> None:
    page = await house.enter("grace")

    house.records.bus.publish([Head(house.workspace, house.room, 9)])
    house.records.say(house.room)

    assert await page.messages(1) == [1]


async def test_a_lost_last_hint_costs_at_most_one_heartbeat(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.2) as house:
        page = await house.enter("grace")

        house.records.store(house.room)

        assert await page.messages(1) == [1]


async def test_the_heads_of_its_rooms_reach_every_page(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.2) as house:
        other = house.records.room(house.workspace, clock.new_id())
        house.records.say(house.room)
        page = await house.enter("ada", after=1)
        await page.enter(other)

        frame = await page.next("heads")

        assert frame["rooms"] == {str(house.room): 1, str(other): 0}


async def test_missed_messages_are_read_as_soon_as_the_database_is_back(house: House) -> None:
    page = await house.enter("grace")
    house.records.store(house.room)

    house.records.db.execute("ALTER TABLE messages RENAME TO away")
    house.records.bus.publish([Head(house.workspace, house.room, 1)])
    assert await page.until_quiet() == []
    house.records.db.execute("ALTER TABLE away RENAME TO messages")

    assert await page.messages(1) == [1]


async def test_after_unsubscribing_a_room_is_silent(house: House) -> None:
    page = await house.enter("grace")

    await page.send("unsubscribe", room=house.room)
    await page.send("typing", room=house.room)
    await page.next("error", code="not_found")
    house.records.say(house.room)

    assert await page.until_quiet() == []


async def test_a_page_hears_only_the_rooms_that_it_asked_for(house: House) -> None:
    other = house.records.room(house.workspace, clock.new_id())
    page = await house.enter("ada")

    house.records.say(other)
    house.records.say(house.room, "for us")

    assert [frame["content"] for frame in await page.until_quiet()] == ["for us"]


async def test_listeners_counts_subscriptions(house: House) -> None:
    first = await house.enter("ada")
    await house.enter("grace")
    await first.enter(house.room)

    assert (house.realtime.connections, house.realtime.listeners) == (2, 2)


async def test_a_message_says_which_agent_wrote_it(house: House) -> None:
    page = await house.enter("grace")

    event = house.records.say(house.room, "Grüße, 世界", house.actor("ada"))

    frame = await page.next("message")
    assert frame["created_at"].endswith("Z")
    del frame["created_at"]
    assert frame == {
        "t": "message",
        "room": str(house.room),
        "message_id": str(event.message.message_id),
        "seq": 1,
        "content": "Grüße, 世界",
        "sender_type": "agent",
        "sender_id": str(house.ada),
        "sender_name": "Ada",
        "client_id": str(event.message.client_id),
        "files": [],
    }


async def test_a_customers_address_is_not_used_as_an_id(house: House) -> None:
    page = await house.enter("ada")

    house.records.say(house.room, "Hello?", house.actor("grace"))

    assert (await page.next("message"))["sender_id"] == "customer"


async def test_a_missing_room_and_one_of_another_workspace_look_the_same(house: House) -> None:
    foreign = house.records.room(clock.new_id(), clock.new_id())
    page = await house.open("ada")

    assert await refusal(page, foreign) == await refusal(page, clock.new_id()) == "not_found"


async def test_a_customer_cannot_enter_another_tickets_room(house: House) -> None:
    other = house.records.room(house.workspace, clock.new_id())
    page = await house.open("grace")

    assert await refusal(page, other) == "not_found"


async def refusal(page: Page, room: UUID) -> str:
    await page.send("subscribe", room=room, after=0)
    code: str = (await page.next("error", room=str(room)))["code"]
    return code
