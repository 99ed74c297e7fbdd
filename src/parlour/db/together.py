"""Small units of the house in one transaction: those that come while others are being stored.

A commit costs as much as several of them, and so does the way to the thread that does it. They share a fate:
if one of them fails, or nobody knows whether they are stored, each is stored again, alone. So they are units
that may be stored twice, and that want no row which another one of them may hold.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from parlour.db.database import Database, Tx
from parlour.kernel.access import Actor

_Waiting = tuple[Callable[[Tx], None], "asyncio.Future[None]"]


class Together:
    """Stores what the system does, in no workspace. One goes at once; whatever comes meanwhile goes next."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[_Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def write(self, unit: Callable[[Tx], None]) -> None:
        """Returns when the commit is on disk; raises what the unit raised."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, stored))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all(), name="stored together")
        await stored

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                those, self._waiting = self._waiting, []
                await self._store(those)
        finally:
            self._storing = None

    async def _store(self, those: Sequence[_Waiting]) -> None:
        units = [unit for unit, _ in those]
        if len(those) > 1:
            with suppress(Exception):  # the one that is to blame says so below
                await self._db.write(Actor.system(), _each, units)
                units = []
        failures = await asyncio.gather(*map(self._alone, units)) if units else [None] * len(those)
        for (_, stored), failure in zip(those, failures, strict=True):
            if stored.done():
                continue
            if failure is None:
                stored.set_result(None)
            else:
                stored.set_exception(failure)

    async def _alone(self, unit: Callable[[Tx], None]) -> Exception | None:
        try:
            await self._db.write(Actor.system(), unit)
        except Exception as error:
            return error
        return None


def _each(tx: Tx, units: Sequence[Callable[[Tx], None]]) -> None:
    for unit in units:
        unit(tx)
