import asyncio
from collections.abc import Sequence

import pytest

from parlour.kernel.gathering import Gathering


def halved(number: int) -> int | Exception:
    return number // 2 if number % 2 == 0 else ValueError(number)


async def test_what_comes_while_one_is_done_is_done_together_next() -> None:
    gone: list[Sequence[int]] = []

    async def halve(numbers: Sequence[int]) -> Sequence[int | Exception]:
        gone.append(numbers)
        await asyncio.sleep(0.01)
        return list(map(halved, numbers))

    gathering = Gathering(halve)
    first = asyncio.create_task(gathering.do(2))
    await asyncio.sleep(0.001)
    answers = await asyncio.gather(*map(gathering.do, (4, 5, 6)), return_exceptions=True)

    assert gone == [[2], [4, 5, 6]]
    assert [await first, answers[0], answers[2]] == [1, 2, 3]
    assert isinstance(answers[1], ValueError)


async def test_what_befalls_all_of_them_is_told_to_each_and_the_next_ones_are_done() -> None:
    broken = True

    async def halve(numbers: Sequence[int]) -> Sequence[int | Exception]:
        if broken:
            raise OSError("gone")
        return list(map(halved, numbers))

    gathering = Gathering(halve)
    answers = await asyncio.gather(*map(gathering.do, (2, 4)), return_exceptions=True)
    broken = False

    assert [type(each) for each in answers] == [OSError, OSError]
    assert await gathering.do(6) == 3


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    async def halve(numbers: Sequence[int]) -> Sequence[int | Exception]:
        await asyncio.sleep(0.01)
        return list(map(halved, numbers))

    gathering = Gathering(halve)
    tasks = [asyncio.create_task(gathering.do(number)) for number in (2, 4, 6)]
    await asyncio.sleep(0)
    tasks[1].cancel()

    assert [await tasks[0], await tasks[2]] == [1, 3]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
