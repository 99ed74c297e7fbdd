"""The files of answers that go along with the mail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from parlour.db.database import Database
from parlour.features.files import service as files
from parlour.features.files.models import File
from parlour.files.errors import Missing
from parlour.files.scan import Scan
from parlour.files.store import FileStore
from parlour.kernel.access import Actor
from parlour.kernel.messages import Message
from parlour.mail.send import Enclosed

_FIT = (Scan.CLEAN, Scan.OFF)
"""What customers get from us. An operator without a scanner chose to hand out what nobody looked at."""


class Enclosures(Struct, frozen=True):
    """The files that go along, by their ids, and those of which nobody knows that they are no virus."""

    enclosed: Mapping[UUID, Enclosed]
    doubtful: frozenset[UUID]

    def without_files(self) -> "Enclosures":
        return Enclosures({}, self.doubtful)

    def said(self, message: Message) -> dict[str, Any]:
        """Plain values, of which templates know the fields: the files that are `enclosed`, those that are
        only in the conversation (`files`), and those that are nobody's to open yet, or any more (`doubtful`).
        """
        named: dict[str, list[dict[str, Any]]] = {"enclosed": [], "files": [], "doubtful": []}
        for file in message.files:
            name = "enclosed" if file.file_id in self.enclosed else "files"
            named["doubtful" if file.file_id in self.doubtful else name].append(file._asdict())
        return {**message._asdict(), **named}


class Encloser:
    """`limit`: bytes of all files of one mail. They grow by a third on their way."""

    def __init__(self, db: Database, store: FileStore, limit: int) -> None:
        self._db = db
        self._store = store
        self._limit = limit

    async def of(self, system: Actor, messages: Sequence[Message]) -> Enclosures:
        """As many as fit, in the order in which they were sent; as the scanner knows them now."""
        wanted = [file.file_id for message in messages for file in message.files]
        known = await self._db.read(system, files.brought, wanted) if wanted else {}
        fit = [known[each] for each in wanted if each in known and known[each].attachment.scan in _FIT]
        enclosed = {each.attachment.file_id: await self._read(each) for each in self._within(fit)}
        return Enclosures(
            {file_id: file for file_id, file in enclosed.items() if file},
            frozenset(wanted) - {each.attachment.file_id for each in fit},
        )

    def _within(self, fit: Iterable[File]) -> Iterable[File]:
        left = self._limit
        for each in fit:
            if each.attachment.size <= left:
                left -= each.attachment.size
                yield each

    async def _read(self, file: File) -> Enclosed | None:
        try:
            pieces = self._store.get(file.storage_key, end=file.attachment.size)
            content = b"".join([piece async for piece in pieces])
        except Missing:
            return None
        return Enclosed(file.attachment.name, file.attachment.media_type, content)
