"""What several people want at the same moment, done in one go."""

import asyncio
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
        try:
            while self._waiting:
                those, self._waiting = self._waiting, []
                for (_, done), outcome in zip(those, await self._outcomes(those), strict=True):
                    if done.done():
                        continue
                    if isinstance(outcome, Exception):
                        done.set_exception(outcome)
                    else:
                        done.set_result(outcome)
        finally:
            self._doing = None

    async def _outcomes(self, those: Sequence[tuple[T, "asyncio.Future[R]"]]) -> Sequence[R | Exception]:
        try:
            return await self._do([one for one, _ in those])
        except Exception as error:
            return [error] * len(those)
