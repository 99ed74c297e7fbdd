"""What several people want at the same moment, done in one go."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Gathering(Generic[T, R]):
    """Does what comes first at once, and then, together, whatever has come meanwhile."""

    def __init__(self, do: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]) -> None:
        """`do` says of each what became of it, in their order, or raises what became of all."""
        self._do = do
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def do(self, one: T) -> R:
        """Returns, or raises, what became of it. Who gives up waiting takes nothing from the others."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, done))
        if self._doing is None:
            self._doing = asyncio.create_task(self._do_all(), name="done together")
        return await done

    async def _do_all(self) -> None:
        those: list[tuple[T, asyncio.Future[R]]] = []
        try:
            while self._waiting:
                those, self._waiting = self._waiting, []
                outcomes = await self._outcomes([one for one, _ in those])
                for (_, done), outcome in zip(those, outcomes, strict=True):
                    _tell(done, outcome)
        finally:
            self._doing = None
            for _, done in [*those, *self._waiting]:  # of what was cancelled, nothing comes any more
                done.cancel()
            self._waiting = []

    async def _outcomes(self, those: Sequence[T]) -> Sequence[R | Exception]:
        try:
            outcomes = await self._do(those)
            if len(outcomes) != len(those):
                raise ValueError(f"{len(those)} were done together, and {len(outcomes)} answers came")
        except Exception as error:
            return [_for_one(error) for _ in those]
        return outcomes


def _tell(done: "asyncio.Future[R]", outcome: R | Exception) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _for_one(error: Exception) -> Exception:
    """As it is told to one of several, who each add where it met them. What cannot be copied is shared."""
    try:
        twin = copy.copy(error).with_traceback(error.__traceback__)
    except Exception:
        return error
    if twin.args != error.args:  # it was put together once more
        return error
    twin.__cause__, twin.__context__ = error.__cause__, error.__context__
    return twin
