"""Files as they arrive with a form: to the disk of this machine, then to the store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from tempfile import TemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from starlette.requests import Request

from parlour.features.files import service as files
from parlour.features.files.models import Begun, Facts
from parlour.files.errors import TooLarge
from parlour.files.intake import Intake
from parlour.kernel.access import Actor, Kind
from parlour.kernel.messages import Attachment
from parlour.web.counting import count, network_of
from parlour.web.limits import Limit
from parlour.web.site import db, site

_BATCH = 256 * 1024
"""Bytes that are written at a time: the disk may be slow, and others wait for the event loop."""

Begin = Callable[..., Begun]
"""A unit: the name and size of a file, to be kept where the unit says."""


def intake(request: Request) -> Intake:
    return cast(Intake, request.app.state.files)


class Uploads:
    """Takes what somebody uploads for one place, which `begin` says."""

    def __init__(self, request: Request, actor: Actor, begin: Begin, *place: object) -> None:
        self._request = request
        self._actor = actor
        self._begin = begin
        self._place = place

    async def take(self, name: str, data: AsyncIterator[bytes]) -> UUID:
        """Keep one file; its id. Raises what `stage` raises."""
        return (await self.stage(name, data)).file_id

    async def stage(self, name: str, data: AsyncIterator[bytes]) -> Attachment:
        """Raises TooMany, TooLarge, TooManyPixels, Infected, FilesAway, StorageFull, and what `begin` raises.
        Nothing is kept then.
        """
        await self._count()
        with TemporaryFile(dir=site(self._request).settings.data_dir) as file:
            size = await _spool(cast(BinaryIO, file), data, intake(self._request).limit)
            return await self._store(cast(BinaryIO, file), name, size)

    async def _count(self) -> None:
        request, actor = self._request, self._actor
        if actor.kind is not Kind.AGENT:
            await count(request, Limit.UPLOAD_BY_NETWORK, network_of(request))
        if actor.kind is not Kind.VISITOR:
            await count(request, Limit.UPLOAD, str(actor.workspace_id), actor.id)

    async def _store(self, file: BinaryIO, name: str, size: int) -> Attachment:
        database, actor = db(self._request), self._actor
        begun = await database.write(actor, self._begin, *self._place, name, size)
        try:
            taken = await intake(self._request).take(
                file, key=begun.storage_key, thumbnail_key=begun.thumbnail_key
            )
            facts = Facts(
                media_type=taken.media_type,
                size=taken.size,
                sha256=taken.sha256,
                width=taken.width,
                height=taken.height,
                scan=taken.scan.value,
                has_thumbnail=taken.thumbnail,
            )
            return await database.write(actor, files.stage, begun.file_id, facts, counted=size)
        except BaseException:
            await asyncio.shield(database.write(actor, files.take_back, begun.file_id))
            raise


async def _spool(file: BinaryIO, data: AsyncIterator[bytes], limit: int) -> int:
    """Write what comes to the file; says how much. Raises TooLarge."""
    size, batch = 0, bytearray()
    async for piece in data:
        size += len(piece)
        if size > limit:
            raise TooLarge
        batch += piece
        if len(batch) >= _BATCH:
            await asyncio.to_thread(file.write, bytes(batch))
            batch.clear()
    await asyncio.to_thread(file.write, bytes(batch))
    return size
