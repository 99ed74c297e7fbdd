"""The store for commands that do one thing after the other."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, Self, TypeVar

from parlour.db.backup.rows import BackupUnusable
from parlour.files.errors import FilesAway, Missing
from parlour.files.store import FileStore
from parlour.kernel.errors import DomainError, StorageFull

T = TypeVar("T")


class BlockingStore:
    """Runs within the block. Its methods raise BackupUnusable in sentences for an operator."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        try:
            self._store = FileStore.at(self._url)
        except ValueError as error:
            raise BackupUnusable(f"PARLOUR_FILES_URL cannot be used: {error}.") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    def size(self, key: str, *, used: bool = False) -> int | None:
        return self._now(self._store.size(key, used=used))

    def pieces(self, key: str) -> Iterator[bytes]:
        found = self._store.get(key)

        async def following() -> bytes | None:
            return await anext(found, None)

        while (piece := self._now(following())) is not None:
            yield piece

    def put(self, key: str, size: int, pieces: Iterator[bytes]) -> None:
        """One that is there already and as long is the same: keys are used once."""

        async def streamed() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        if self.size(key) == size:
            for _ in pieces:
                pass
        else:
            self._now(self._store.put(key, streamed(), limit=size))

    def _now(self, doing: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(doing)
        except Missing:
            raise KeyError from None
        except StorageFull as error:
            raise BackupUnusable(f"{self._url} is full.") from error
        except FilesAway as error:
            raise BackupUnusable(f"{self._url} cannot be used: {error}.") from error
        except DomainError as error:
            raise BackupUnusable(f"{self._url}: {error.message}") from error
