"""Small units of the house in one transaction: those that come while others are being stored.

A commit costs as much as several of them, and so does the way to the thread that does it. They share a fate:
if one of them fails, or nobody knows whether they are stored, each is stored again, alone. So they are units
that may be stored twice, and that want no row which another one of them may hold.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from parlour.db.database import Database, Tx
from parlour.kernel.access import Actor
from parlour.kernel.gathering import Gathering

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Stores what the system does, in no workspace. One goes at once; whatever comes meanwhile goes next."""

    def __init__(self, db: Database, unit: Callable[[Tx, Sequence[T]], Sequence[R]]) -> None:
        """`unit` stores all that it is given, and answers to each in their order."""
        self._db = db
        self._unit = unit
        self._gathering: Gathering[T, R] = Gathering(self._store)

    async def write(self, one: T) -> R:
        """What the unit answers to it, when the commit is on disk; raises what the unit raised."""
        return await self._gathering.do(one)

    async def _store(self, those: Sequence[T]) -> Sequence[R | Exception]:
        if len(those) > 1:
            with suppress(Exception):  # the one that is to blame says so below
                return await self._db.write(Actor.system(), self._unit, those)
        return await asyncio.gather(*map(self._alone, those))

    async def _alone(self, one: T) -> R | Exception:
        try:
            return (await self._db.write(Actor.system(), self._unit, [one]))[0]
        except Exception as error:
            return error
