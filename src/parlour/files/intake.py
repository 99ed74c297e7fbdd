"""From bytes that somebody uploaded to objects that can be shown."""

import asyncio
import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from parlour.files import heic, kinds
from parlour.files.errors import Infected, TooLarge
from parlour.files.folder import PIECE
from parlour.files.pictures import Drawn, Pictures
from parlour.files.scan import WHILE_SOMEBODY_WAITS, Scan, Scanner
from parlour.files.store import FileStore, clear_words


class Taken(Struct, frozen=True):
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


class Looked(Struct, frozen=True):
    """What bytes that came tell by themselves. `synced`: they are on this machine's disk, as they stay."""

    sha256: str
    media_type: str
    synced: bool


class Intake:
    """Looks at what comes, draws pictures anew, and hands everything to the store."""

    def __init__(self, store: FileStore, scanner: Scanner, limit: int, quota: int) -> None:
        """`limit` is the most bytes of one file, `quota` of all files of a workspace."""
        self.store = store
        self.scanner = scanner
        self.limit = limit
        self.quota = quota
        self.pictures = Pictures()

    async def look(self, file: BinaryIO) -> Looked:
        """What takes the disk a while and needs no row yet. Raises TooLarge, FilesAway, StorageFull."""
        with clear_words():
            return await asyncio.to_thread(_looked_at, file, self.limit, sync=self.store.folder is not None)

    async def take(self, file: BinaryIO, looked: Looked, *, key: str, thumbnail_key: str) -> Taken:
        """Store a file that lies on the disk, a picture's thumbnail under a key of its own.

        Of a picture that cannot be drawn anew, what it says of itself is overwritten in the file.

        Raises TooManyPixels, Infected, FilesAway, StorageFull. After any of them, and after a kill,
        something may lie under either key: both are to be deleted.
        """
        verdict = await self.scanner.scan(file, WHILE_SOMEBODY_WAITS)
        if verdict.scan is Scan.INFECTED:
            raise Infected
        media_type = looked.media_type
        if media_type == kinds.HEIC and not await asyncio.to_thread(_forgotten, file):
            media_type = kinds.OTHER
        if not kinds.is_picture(media_type):
            size = await self.store.put_file(key, file, limit=self.limit, synced=looked.synced)
            return Taken(media_type, size, looked.sha256, verdict.scan)
        with tempfile.TemporaryDirectory(prefix="parlour-") as folder:
            drawn = await self.pictures.redraw(file, Path(folder))
            if drawn is None:
                size = await self.store.put_file(key, file, limit=self.limit)
                return Taken(kinds.OTHER, size, looked.sha256, verdict.scan)
            return await self._keep(drawn, key, thumbnail_key, looked.sha256, verdict.scan)

    async def _keep(self, drawn: Drawn, key: str, thumbnail_key: str, checksum: str, scan: Scan) -> Taken:
        with drawn.path.open("rb") as picture:
            # A picture that was packed tightly may grow: what it came as was within the limit.
            size = await self.store.put_file(key, picture, limit=4 * self.limit)
        if drawn.thumbnail:
            with drawn.thumbnail.open("rb") as thumbnail:
                await self.store.put_file(thumbnail_key, thumbnail, limit=self.limit)
        return Taken(
            drawn.media_type,
            size,
            checksum,
            scan,
            drawn.width,
            drawn.height,
            drawn.thumbnail is not None,
        )


def _looked_at(file: BinaryIO, limit: int, *, sync: bool) -> Looked:
    if file.seek(0, 2) > limit:
        raise TooLarge
    file.seek(0)
    head = file.read(kinds.HEAD)
    digest = sha256(head)
    while piece := file.read(PIECE):
        digest.update(piece)
    media_type = kinds.kind_of(head)
    stays = media_type != kinds.HEIC and not kinds.is_picture(media_type)
    if sync and stays:
        os.fsync(file.fileno())
    return Looked(digest.hexdigest(), media_type, sync and stays)


def _forgotten(file: BinaryIO) -> bool:
    """Whether it is a HEIC picture, which says no more where and when it was taken."""
    try:
        heic.forget(file)
    except heic.NotUnderstood:
        return False
    return True
