"""Files as they arrive with a form: to the disk of this machine, then to the store."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, TypeVar, cast
from uuid import UUID

from starlette.requests import Request

from parlour.db.database import Tx
from parlour.features.files import service as files
from parlour.features.files.models import Begun
from parlour.features.files.spool import on_disk, spool
from parlour.features.files.staging import stage
from parlour.files.errors import FilesAway, TooLarge
from parlour.files.intake import Intake
from parlour.kernel.access import Actor, Kind, permitted
from parlour.kernel.errors import DomainError, Overloaded
from parlour.kernel.messages import Attachment
from parlour.web.counting import count, network_of
from parlour.web.limits import Limit
from parlour.web.site import db, site

T = TypeVar("T")
_BATCH = 512 * 1024
"""Bytes that are written at a time: the disk may be slow, and others wait for the event loop."""

SECONDS = 20 * 60.0
"""For one file: 25 MB at the pace of a poor phone line."""
STORED_WITHIN = 45.0
"""Seconds for a file that is here, its wait for a turn at the store included: a proxy gives up a form of
which nothing is read for a minute, and its page does not keep what was typed."""
AT_ONCE = 64
"""Files that arrive at a time, which is what they may take of the disk before they are stored."""
OF_ONE_NETWORK = 16

Begin = Callable[[Tx, str, int, Mapping[str, str]], Begun]
"""A unit that makes room for a file with this name and size, where the form's fields or it itself say."""


class TooSlow(DomainError):
    status = 408
    code = "too_slow"
    message = "This upload took too long, so nothing was kept. Please try again on a faster connection."


class Arriving:
    """The files that are on their way to one process: nobody shall fill its disk by sending slowly."""

    def __init__(self) -> None:
        self._by_network: Counter[str] = Counter()

    @contextmanager
    def place(self, network: str) -> Iterator[None]:
        """Raises Overloaded when there are as many as may be."""
        if self._by_network.total() >= AT_ONCE or self._by_network[network] >= OF_ONE_NETWORK:
            raise Overloaded
        self._by_network[network] += 1
        try:
            yield
        finally:
            self._by_network[network] -= 1
            self._by_network += Counter()  # without those that have none


def intake(request: Request) -> Intake:
    return cast(Intake, request.app.state.files)


class Uploads:
    """Takes what somebody uploads. `begin` says for which place."""

    def __init__(self, request: Request, actor: Actor, begin: Begin) -> None:
        self._request = request
        self._actor = actor
        self._begin = begin
        self.taken: list[Attachment] = []

    async def take(self, name: str, data: AsyncIterator[bytes], fields: Mapping[str, str]) -> UUID:
        """Keep one file; its id.

        Raises TooMany, TooSlow, Overloaded, TooLarge, TooManyPixels, Infected, FilesAway, StorageFull, and
        what `begin` raises. Nothing is kept then.
        """
        permitted(self._actor, files.begin)
        await self._count()
        arriving = cast(Arriving, self._request.app.state.arriving)
        folder = site(self._request).settings.data_dir
        place = arriving.place(network_of(self._request))
        with on_disk(), place, await asyncio.to_thread(spool, folder) as file:
            size = await _within(SECONDS, _write(file, data, intake(self._request).limit), TooSlow)
            staging = stage(
                db(self._request),
                intake(self._request),
                self._actor,
                lambda tx: self._begin(tx, name, size, fields),
                file,
            )
            staged = await _within(STORED_WITHIN, staging, FilesAway)
        self.taken.append(staged)
        return staged.file_id

    async def _count(self) -> None:
        request, actor = self._request, self._actor
        if actor.kind is not Kind.AGENT:
            await count(request, Limit.UPLOAD_BY_NETWORK, network_of(request))
        if actor.kind is Kind.VISITOR:
            await count(request, Limit.UPLOAD_BY_VISITOR, network_of(request))
        else:
            await count(request, Limit.UPLOAD, str(actor.workspace_id), actor.id)


async def _within(seconds: float, work: Awaitable[T], else_raise: type[DomainError]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise else_raise from None


async def _write(file: BinaryIO, data: AsyncIterator[bytes], limit: int) -> int:
    """Write what comes to the file; says how much. Raises TooLarge."""
    size, waiting = 0, 0
    batch: list[bytes] = []
    async for piece in data:
        size += len(piece)
        if size > limit:
            raise TooLarge
        batch.append(piece)
        waiting += len(piece)
        if waiting >= _BATCH:
            await asyncio.to_thread(file.writelines, batch)
            batch, waiting = [], 0
    await asyncio.to_thread(file.writelines, batch)
    return size
