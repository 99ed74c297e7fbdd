"""From bytes that somebody uploaded to objects that can be shown."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from parlour.files import heic, kinds
from parlour.files.errors import Infected, TooLarge
from parlour.files.pictures import Drawn, Pictures
from parlour.files.scan import Scan, Scanner
from parlour.files.store import PIECE, FileStore


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of a file that is stored. `sha256` is that of the bytes that came, `size` of those kept.

    `width` and `height` are 0 for what is no picture.
    """

    media_type: str
    size: int
    sha256: str
    scan: Scan
    width: int = 0
    height: int = 0
    thumbnail: bool = False


class Intake:
    """Looks at what comes, draws pictures anew, and hands everything to the store."""

    def __init__(self, store: FileStore, scanner: Scanner, limit: int, quota: int) -> None:
        """`limit` is the most bytes of one file, `quota` of all files of a workspace."""
        self.store = store
        self.scanner = scanner
        self.limit = limit
        self.quota = quota
        self.pictures = Pictures()

    async def take(self, file: BinaryIO, *, key: str, thumbnail_key: str) -> Taken:
        """Store a file that lies on the disk, a picture's thumbnail under a key of its own.

        Of a picture that cannot be drawn anew, what it says of itself is overwritten in the file.

        Raises TooLarge, TooManyPixels, Infected, FilesAway, StorageFull. After any of them, and after a kill,
        something may lie under either key: both are to be deleted.
        """
        if await asyncio.to_thread(_size, file) > self.limit:
            raise TooLarge
        checksum, head = await asyncio.to_thread(_looked_at, file)
        verdict = await self.scanner.scan(file)
        if verdict.scan is Scan.INFECTED:
            raise Infected
        media_type = kinds.kind_of(head)
        if media_type == kinds.HEIC and not await asyncio.to_thread(_forgotten, file):
            media_type = kinds.OTHER
        if not kinds.is_picture(media_type):
            size = await self.store.put(key, _pieces(file), limit=self.limit)
            return Taken(media_type, size, checksum, verdict.scan)
        with tempfile.TemporaryDirectory(prefix="parlour-") as folder:
            drawn = await self.pictures.redraw(file, Path(folder))
            if drawn is None:
                size = await self.store.put(key, _pieces(file), limit=self.limit)
                return Taken(kinds.OTHER, size, checksum, verdict.scan)
            return await self._keep(drawn, key, thumbnail_key, checksum, verdict.scan)

    async def _keep(self, drawn: Drawn, key: str, thumbnail_key: str, checksum: str, scan: Scan) -> Taken:
        with drawn.path.open("rb") as picture:
            # A picture that was packed tightly may grow: what it came as was within the limit.
            size = await self.store.put(key, _pieces(picture), limit=4 * self.limit)
        if drawn.thumbnail:
            with drawn.thumbnail.open("rb") as thumbnail:
                await self.store.put(thumbnail_key, _pieces(thumbnail), limit=self.limit)
        return Taken(
            drawn.media_type,
            size,
            checksum,
            scan,
            drawn.width,
            drawn.height,
            drawn.thumbnail is not None,
        )


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _looked_at(file: BinaryIO) -> tuple[str, bytes]:
    """The checksum, and how it begins."""
    file.seek(0)
    head = file.read(kinds.HEAD)
    digest = sha256(head)
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest(), head


def _forgotten(file: BinaryIO) -> bool:
    """Whether it is a HEIC picture, which says no more where and when it was taken."""
    try:
        heic.forget(file)
    except heic.NotUnderstood:
        return False
    return True


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
