"""What a word costs that goes to many, and the order of what a socket takes at once and what it does not."""

import sys

import pytest

from parlour.kernel.events import MessageSent
from tests.realtime.house import House, Page

CALLS = 14
"""Of functions, Python's and those in C, for each listener more: 10 were counted. A task, the layers of a
server, and a frame made anew for each took 136.
"""
FEW, MANY = 2, 10


def calls(house: House, event: MessageSent) -> int:
    """Until everybody who takes it at once has been given it: nothing else has its turn meanwhile."""
    count = 0

    def note(_: object, what: str, __: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(note)
    try:
        house.records.bus.publish([event])
    finally:
        sys.setprofile(None)
    return count


async def test_one_more_listener_costs_a_few_calls(house: House) -> None:
    counted = {}
    pages: list[Page] = []
    for listeners in (FEW, MANY):
        pages += [await house.enter("ada") for _ in range(listeners - len(pages))]
        house.records.say(house.room)
        counted[listeners] = calls(house, house.records.store(house.room))
    for page in pages[:FEW]:
        assert await page.messages(4) == [1, 2, 3, 4]

    assert (counted[MANY] - counted[FEW]) / (MANY - FEW) <= CALLS, counted


@pytest.mark.parametrize("lengths", [[1, 1], [1, 9_000], [9_000, 1]], ids=["short", "growing", "shrinking"])
async def test_what_a_socket_takes_later_stays_before_what_it_would_take_at_once(
    house: House, lengths: list[int]
) -> None:
    page = await house.enter("grace")
    for number in range(40):
        house.records.say(house.room, "x" * lengths[number % 2])

    assert await page.messages(40) == list(range(1, 41))


async def test_whoever_left_is_given_nothing_more(house: House) -> None:
    page, other = await house.enter("ada"), await house.enter("grace")
    page.socket.transport.abort()
    for _ in range(3):
        house.records.say(house.room)

    assert await other.messages(3) == [1, 2, 3]
