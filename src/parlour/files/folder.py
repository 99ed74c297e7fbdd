"""What a store's folder needs of the disk."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from parlour.files.errors import FilesAway, Missing

PIECE = 256 * 1024
"""Bytes that a reader gets at a time, at most twice as many."""


def below(folder: Path, key: str) -> Path:
    """Raises Missing for a key that leads out of the folder."""
    if key.startswith("/") or ".." in key.split("/"):
        raise Missing
    return folder / key


def be_there(folder: Path, used: bool) -> None:
    """Raises FilesAway."""
    try:
        with os.scandir(folder) as names:
            if not used or next(names, None):
                return
    except OSError as error:
        raise FilesAway(str(error)) from error
    raise FilesAway(f"{folder} is empty: is its disk mounted?")


def clear_left(path: Path) -> None:
    """What a writer that was killed had begun lies beside the object under its name and a number."""
    for left in path.parent.glob(f"{path.name}#*"):
        left.unlink(missing_ok=True)


async def pieces_of(path: Path, start: int, end: int | None) -> AsyncIterator[bytes]:
    """A file of the folder, in pieces: obstore's own way costs three times as much a byte."""
    try:
        with await asyncio.to_thread(path.open, "rb", buffering=0) as file:
            left = (await asyncio.to_thread(os.fstat, file.fileno())).st_size if end is None else end
            left -= await asyncio.to_thread(file.seek, start)
            while left > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
                left -= len(piece)
                yield piece
            if left > 0:
                raise Missing
    except FileNotFoundError:
        raise Missing from None
    except OSError as error:
        raise FilesAway from error
