"""The database goes back in time: nobody keeps words that are gone, or misses what came instead."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from parlour.kernel import clock
from parlour.kernel.events import MessageSent
from parlour.kernel.messages import Message
from parlour.realtime.bus import Head, OnLine
from tests.realtime.house import House, Page, open_house

RENEWED = pytest.mark.parametrize("renewed", [True, False], ids=["restored", "put-back-by-hand"])


async def say(house: House, count: int) -> list[MessageSent]:
    return [house.records.say(house.room, f"word {number}") for number in range(count)]


async def enter_after(house: House, event: MessageSent, **more: Any) -> Page:
    """A page that has everything up to this message."""
    page = await house.open("grace")
    place = {"after": event.seq, "message_id": event.message.message_id, **more}
    await page.send("subscribe", room=house.room, **place)
    await page.next("presence")
    return page


@pytest.mark.parametrize("then", [0, 3, 9], ids=["below", "level", "beyond"])
@RENEWED
async def test_a_page_that_comes_back_later_is_told_to_load_what_is_there(
    house: House, then: int, renewed: bool
) -> None:
    said = await say(house, 5)
    before = house.records.epoch
    house.records.go_back(house.room, 2, renewed=renewed)
    await say(house, then)
    page = await house.open("grace")

    place = {"after": 5, "message_id": said[-1].message.message_id, "epoch": before}
    await page.send("subscribe", room=house.room, **place)

    reset = await page.next("reset")
    assert (reset["head"], reset["why"]) == (2 + then, "history")
    assert reset["epoch"] == house.records.epoch


async def test_another_epoch_is_a_reset_even_without_the_last_messages_id(house: House) -> None:
    await say(house, 3)
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=3, epoch="another")

    assert (await page.next("reset"))["why"] == "history"


async def test_the_same_epoch_and_the_same_message_go_on(house: House) -> None:
    said = await say(house, 3)
    page = await enter_after(house, said[1], epoch=house.records.epoch)

    assert [frame["t"] for frame in await page.until_quiet()] == []
    house.records.say(house.room)
    assert await page.messages(1) == [4]


@RENEWED
async def test_a_listener_is_reset_by_the_first_word_on_the_new_past(house: House, renewed: bool) -> None:
    await say(house, 5)
    page = await house.enter("grace", after=5)
    house.records.go_back(house.room, 2, renewed=renewed)

    house.records.say(house.room, "instead")

    assert (await page.next("reset"))["head"] == 3


@RENEWED
async def test_a_listener_is_reset_by_a_head_that_another_node_tells_of(house: House, renewed: bool) -> None:
    await say(house, 5)
    page = await house.enter("grace", after=5)
    house.records.go_back(house.room, 2, renewed=renewed)
    house.records.store(house.room)

    house.records.bus.publish([Head(house.workspace, house.room, 3)])

    assert (await page.next("reset"))["head"] == 3


@RENEWED
async def test_a_listener_is_reset_by_the_heartbeat_when_nobody_says_anything(
    tmp_path: Path, renewed: bool
) -> None:
    async with open_house(tmp_path, heartbeat=0.2) as house:
        await say(house, 5)
        page = await house.enter("grace", after=5)

        house.records.go_back(house.room, 2, renewed=renewed)

        assert (await page.next("reset"))["head"] == 2


@RENEWED
async def test_new_words_are_never_put_onto_the_old_past(house: House, renewed: bool) -> None:
    """The database fell back and has come just as far again: the next number would fit."""
    said = await say(house, 5)
    page = await enter_after(house, said[-1])
    house.records.go_back(house.room, 2, renewed=renewed)
    for _ in range(3):
        house.records.store(house.room)

    house.records.store(house.room)
    house.records.bus.publish([Head(house.workspace, house.room, 6)])

    frames = await page.until_quiet(0.5)
    assert next(frame["t"] for frame in frames if frame["t"] in ("message", "reset")) == "reset"
    assert {frame["epoch"] for frame in frames if frame["t"] == "hello"} == {house.records.epoch}


async def test_another_message_under_the_newest_number_is_noticed(house: House) -> None:
    said = await say(house, 3)
    page = await enter_after(house, said[-1])
    house.records.go_back(house.room, 2, renewed=False)

    house.records.say(house.room, "instead")

    assert (await page.next("reset"))["head"] == 3


async def test_words_that_come_late_in_one_room_keep_nobody_from_looking_at_another(house: House) -> None:
    others = house.records.room(house.workspace, house.ticket)
    said = await say(house, 3)
    busy = await enter_after(house, said[-1])
    for _ in range(3):
        last = house.records.say(others)
    page = await house.open("grace")
    await page.send("subscribe", room=others, after=3, message_id=last.message.message_id)
    await page.next("subscribed")

    house.records.bus.publish([said[0]])
    house.records.go_back(others, 2, renewed=False)
    house.records.say(others, "instead")

    assert (await page.next("reset"))["head"] == 3
    assert (await busy.next("hello"))["epoch"] == house.records.epoch


@RENEWED
async def test_every_page_is_greeted_with_the_new_epoch(tmp_path: Path, renewed: bool) -> None:
    """Also those without a room, whose lists went back too."""
    async with open_house(tmp_path, heartbeat=0.2) as house:
        await say(house, 5)
        await house.enter("grace", after=5)
        desk = await house.open("ada")
        before = (await desk.next("hello"))["epoch"]

        house.records.go_back(house.room, 2, renewed=renewed)

        assert (await desk.next("hello"))["epoch"] == house.records.epoch != before


async def test_an_epoch_that_another_node_tells_of_is_looked_up(house: House) -> None:
    """The word itself is not believed: that node may be the one that is behind."""
    await say(house, 5)
    page = await house.enter("grace", after=5)
    house.records.bus.publish([OnLine(UUID(int=0), "hearsay")])
    assert await page.until_quiet() == []


async def test_after_an_epoch_that_another_node_tells_of_everyone_is_reset(house: House) -> None:
    await say(house, 5)
    page = await house.enter("grace", after=5)
    house.records.go_back(house.room, 2, renewed=True)

    house.records.bus.publish([OnLine(UUID(int=0), house.records.epoch)])

    assert (await page.next("reset"))["head"] == 2


async def test_a_listener_whose_room_is_gone_is_told_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.2) as house:
        await say(house, 2)
        page = await house.enter("grace", after=2)

        house.records.db.execute("DELETE FROM rooms")

        assert (await page.next("error"))["code"] == "not_found"


async def test_words_heard_late_or_twice_are_no_reason_to_doubt(house: House) -> None:
    said = await say(house, 3)
    page = await house.enter("grace", after=3)

    house.records.bus.publish([*said, Head(house.workspace, house.room, 1)])
    house.records.say(house.room)

    assert [frame["t"] for frame in await page.until_quiet(0.3)] == ["message"]


async def test_a_read_mark_counts_again_after_a_reset(house: House) -> None:
    """It had been higher, on the past that is gone."""
    await say(house, 5)
    page = await house.enter("grace", after=5)
    await page.send("read", room=house.room, seq=5)
    house.records.go_back(house.room, 2, renewed=True)
    house.records.say(house.room)
    await page.next("reset")
    await page.next("presence")

    await page.send("read", room=house.room, seq=3)

    assert (await page.next("read", side="customer"))["seq"] == 3


@pytest.mark.parametrize("place", [{"epoch": 7}, {"epoch": "x" * 65}, {"message_id": "seven"}])
async def test_a_place_that_makes_no_sense_is_a_bad_frame(house: House, place: dict[str, Any]) -> None:
    page = await house.open("grace")

    await page.send("subscribe", room=house.room, after=0, **place)

    assert (await page.next("error"))["code"] == "bad_frame"


async def test_a_replay_that_was_on_its_way_does_not_go_on_with_the_old_past(house: House) -> None:
    """What a socket has not taken yet of the old past is followed by the reset, not by more of it."""
    await say(house, 400)
    page = await house.open("grace")
    await page.send("subscribe", room=house.room, after=0)
    house.records.go_back(house.room, 100, renewed=True)
    house.records.say(house.room)

    frames = await page.until_quiet(0.5)
    kinds = [frame["t"] for frame in frames if frame["t"] in ("message", "reset")]
    if "reset" in kinds:
        assert kinds.index("reset") == len(kinds) - 1
    else:
        assert len(kinds) == 101


def unheard(house: House, content: str) -> MessageSent:
    """A word of the new past that the database does not hold (any more)."""
    said = Message(uuid4(), house.room, 9, content, "customer", "g@x.example", "g", None, clock.now())
    return MessageSent(house.workspace, said)


async def test_a_word_that_is_not_in_the_database_moves_nobody(house: House) -> None:
    await say(house, 3)
    page = await house.enter("grace", after=3)

    house.records.bus.publish([unheard(house, "lost with the transaction")])

    assert await page.until_quiet() == []
