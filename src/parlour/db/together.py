"""Small units of the house in one transaction: those that come while others are being stored.

A commit costs as much as several of them, and so does the way to the thread that does it. They share a fate:
if one of them fails, or nobody knows whether they are stored, each is stored again, alone. So they are units
that may be stored twice, and that want no row which another one of them may hold.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from parlour.db.database import Database, Tx
from parlour.kernel.access import Actor
from parlour.kernel.gathering import Gathering

R = TypeVar("R")
Asking = Callable[[Tx], Callable[[], R]]
"""A unit that asks, and gives back what says its answer: all of them ask before the first one answers, so
that they are waited for together."""


class Together:
    """Stores what the system does, in no workspace. One goes at once; whatever comes meanwhile goes next."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gathering: Gathering[Asking[Any], Any] = Gathering(self._store)

    async def write(self, unit: Asking[R]) -> R:
        """What it answers, when the commit is on disk; raises what the unit raised."""
        return cast(R, await self._gathering.do(unit))

    async def _store(self, units: Sequence[Asking[Any]]) -> Sequence[Any]:
        if len(units) > 1:
            with suppress(Exception):  # the one that is to blame says so below
                return await self._db.write(Actor.system(), _each, units)
        return await asyncio.gather(*map(self._alone, units))

    async def _alone(self, unit: Asking[Any]) -> Any:
        try:
            return (await self._db.write(Actor.system(), _each, [unit]))[0]
        except Exception as error:
            return error


def _each(tx: Tx, units: Sequence[Asking[Any]]) -> Sequence[Any]:
    answers = [unit(tx) for unit in units]
    return [answer() for answer in answers]
