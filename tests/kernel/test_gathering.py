import asyncio
from collections.abc import Sequence
from traceback import format_tb

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


async def test_too_few_answers_are_a_fault_that_each_hears_of() -> None:
    async def forget_the_last(numbers: Sequence[int]) -> Sequence[int]:
        return [number // 2 for number in numbers[:-1]]

    gathering = Gathering(forget_the_last)
    answers = await asyncio.gather(*map(gathering.do, (2, 4)), return_exceptions=True)

    assert [type(each) for each in answers] == [ValueError, ValueError]


async def test_nobody_waits_for_what_was_cancelled_and_the_next_ones_are_done() -> None:
    begun = asyncio.Event()

    async def halve(numbers: Sequence[int]) -> Sequence[int | Exception]:
        if 2 in numbers:
            begun.set()
            raise asyncio.CancelledError
        return list(map(halved, numbers))

    gathering = Gathering(halve)
    waiting = [asyncio.create_task(gathering.do(number)) for number in (2, 4)]
    await begun.wait()
    done, _ = await asyncio.wait(waiting, timeout=30)

    assert [each.cancelled() for each in done] == [True, True]
    assert await gathering.do(6) == 3


async def test_each_raises_with_a_traceback_of_its_own() -> None:
    async def fail(_: Sequence[int]) -> Sequence[int]:
        raise OSError(28, "No space left") from ValueError("full")

    async def first() -> None:
        await gathering.do(2)

    async def second() -> None:
        await gathering.do(4)

    gathering = Gathering(fail)
    told = await asyncio.gather(gathering.do(0), first(), second(), return_exceptions=True)
    one, other = told[1:]

    assert isinstance(one, OSError)
    assert isinstance(other, OSError)
    assert (one.errno, str(one.__cause__)) == (28, "full")
    assert ["first" in str(format_tb(each.__traceback__)) for each in (one, other)] == [True, False]
    assert ["fail" in str(format_tb(each.__traceback__)) for each in (one, other)] == [True, True]


class TakesTwo(Exception):
    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code} {said}")


async def test_what_cannot_be_copied_is_raised_all_the_same() -> None:
    async def fail(_: Sequence[int]) -> Sequence[int]:
        raise TakesTwo(421, "closing")

    gathering = Gathering(fail)

    told = await asyncio.gather(*map(gathering.do, (2, 4)), return_exceptions=True)

    assert list(map(str, told)) == ["421 closing"] * 2


class Composes(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(f"refused with {said}")


async def test_what_would_say_something_else_as_a_copy_is_raised_as_it_is() -> None:
    async def fail(_: Sequence[int]) -> Sequence[int]:
        raise Composes("421")

    gathering = Gathering(fail)

    told = await asyncio.gather(*map(gathering.do, (2, 4)), return_exceptions=True)

    assert list(map(str, told)) == ["refused with 421"] * 2
