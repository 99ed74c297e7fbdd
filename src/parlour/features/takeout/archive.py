"""The file of an export, as `docs/export.md` describes it: a ZIP archive of JSON Lines and of the files."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO
from uuid import UUID

import msgspec
from msgspec import Struct, field

from parlour import __version__
from parlour.db.database import Database
from parlour.features.takeout import service, store
from parlour.features.takeout.store import LISTS, Row
from parlour.features.workspaces.models import Portal
from parlour.files.errors import Missing
from parlour.files.names import safe_name
from parlour.files.store import FileStore
from parlour.kernel import clock
from parlour.kernel.access import Actor

FORMAT = 1
"""Of the archive. It changes when a program that reads the one before would go wrong."""
OLDEST = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a ZIP archive can tell."""
IN_MEMORY = 8 * 1024 * 1024
"""Bytes of a file until it is known that all of them are there; more wait on the disk."""
Tell = Callable[[str, int], None]
"""Of what, how many so far."""

_encoded = msgspec.json.Encoder().encode


class Export(Struct):
    """Writes one workspace into `file`, which must be seekable. What happens meanwhile may be in it or not;
    each ticket's beginning is one state, and whatever had been stored before `write` began is in it.
    """

    db: Database
    files: FileStore
    workspace: Portal
    tell: Tell
    counts: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    """Files and mails that rows name, but the store has not."""

    async def write(self, file: BinaryIO) -> None:
        """Raises what the database raises, FilesAway, and OSError of the file."""
        archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        try:
            await self._settings(archive)
            for listed in LISTS:
                await self._list(archive, listed)
            await self._tickets(archive)
            await self._objects(archive, "files", service.files)
            await self._objects(archive, "mails", service.originals)
            archive.writestr("manifest.json", msgspec.json.format(_encoded(self._manifest()), indent=1))
            archive.close()
        finally:
            archive.fp = None  # one that broke off is not to be completed when it is thrown away

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "program": __version__,
            "made_at": clock.now(),
            "workspace": {"slug": self.workspace.slug, "name": self.workspace.name},
            "counts": self.counts,
            "missing": self.missing,
        }

    async def _read(self, function: Callable[..., Any], *asked: Any) -> Any:
        return await self.db.read(Actor.system(self.workspace.workspace_id), function, *asked)

    def _count(self, what: str, more: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + more
        self.tell(what, self.counts[what])

    async def _settings(self, archive: zipfile.ZipFile) -> None:
        chosen, logo = await self._read(service.settings)
        archive.writestr("settings.json", msgspec.json.format(_encoded(chosen), indent=1))
        if logo:
            archive.writestr("logo.png", logo)

    async def _list(self, archive: zipfile.ZipFile, listed: str) -> None:
        after = service.FIRST
        with archive.open(f"{listed}.jsonl", "w", force_zip64=True) as member:
            while True:
                rows: Sequence[Row] = await self._read(service.following, listed, after)
                member.write(b"".join(_encoded(row) + b"\n" for row in rows))
                self._count(listed, len(rows))
                if len(rows) < store.STEP:
                    return
                after = next(iter(rows[-1].values()))

    async def _tickets(self, archive: zipfile.ZipFile) -> None:
        after = service.FIRST
        with archive.open("tickets.jsonl", "w", force_zip64=True) as member:
            while True:
                rows: Sequence[Row] = await self._read(service.tickets, after)
                for row in rows:
                    await self._ticket(member, row)
                    self._count("tickets", 1)
                if len(rows) < store.STEP:
                    return
                after = rows[-1]["ticket_id"]

    async def _ticket(self, member: IO[bytes], ticket: Row) -> None:
        """A line, in pieces: a room can be longer than the memory is large."""
        this = ticket["ticket_id"]
        rooms, first = await self._read(service.beginning, this)
        member.write(_encoded(ticket)[:-1])
        for name, audience in (("messages", "public"), ("notes", "internal")):
            count = await self._pages(
                member, name, first.get(audience, ()), "seq", service.messages, rooms.get(audience)
            )
            self._count(name, count)
        await self._pages(member, "changes", first["changes"], "entry_id", service.changes, this)
        member.write(b"}\n")

    async def _pages(
        self,
        member: IO[bytes],
        name: str,
        rows: Sequence[Row],
        key: str,
        more: Callable[..., Any],
        of: UUID | None,
    ) -> int:
        """All pages from the first, `rows`, on, as one JSON array; how many rows they are."""
        count, between = 0, b""
        member.write(b',"' + name.encode() + b'":[')
        while rows:
            member.write(between + b",".join(map(_encoded, rows)))
            count, between = count + len(rows), b","
            rows = await self._read(more, of, rows[-1][key]) if len(rows) == store.STEP else ()
        member.write(b"]")
        return count

    async def _objects(self, archive: zipfile.ZipFile, what: str, listed: Callable[..., Any]) -> None:
        after = service.FIRST
        while True:
            rows: Sequence[Row] = await self._read(listed, after)
            for row in rows:
                this = next(iter(row.values()))
                name = f"{this}/{safe_name(row['name'])}" if what == "files" else f"{this}.eml"
                at = max(row["created_at"], OLDEST).timetuple()[:6]
                entry = zipfile.ZipInfo(f"{what}/{name}", at)
                if await self._object(archive, entry, row["storage_key"], row["size"]):
                    self._count(f"{what}, with their bytes", 1)
                else:
                    self.missing += 1
            if len(rows) < store.STEP:
                return
            after = next(iter(rows[-1].values()))

    async def _object(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, key: str, size: int) -> bool:
        """Whether all its bytes were there: what has lost some is left out, and not taken for the file."""
        with SpooledTemporaryFile(IN_MEMORY) as whole:
            try:
                async for piece in self.files.get(key, end=size):
                    whole.write(piece)
            except Missing:
                return False
            whole.seek(0)
            with archive.open(entry, "w", force_zip64=True) as member:
                shutil.copyfileobj(whole, member)
        return True
