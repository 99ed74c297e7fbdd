"""The windows that the nodes share, in PostgreSQL: for nodes that have no Redis in common."""

from parlour.db import windows
from parlour.db.postgres import PostgresDatabase
from parlour.web.windows import Rate


class PostgresWindows:
    """One statement a use, which counts and decides under the row's own lock."""

    def __init__(self, db: PostgresDatabase) -> None:
        self._db = db

    async def take(self, key: str, rate: Rate) -> float:
        return await self._db.alone(windows.take, key, rate.amount, rate.seconds)

    async def look(self, key: str, rate: Rate) -> float:
        return await self._db.alone(windows.look, key, rate.amount, rate.seconds)

    async def forget(self, key: str, _: Rate) -> float:
        return await self._db.alone(windows.forget, key)

    async def give_back(self, key: str, _: Rate) -> float:
        return await self._db.alone(windows.give_back, key)

    async def close(self) -> None:
        """The database is somebody else's to close."""
