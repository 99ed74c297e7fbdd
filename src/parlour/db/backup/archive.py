"""The file of a backup: written beside its name and put there when it is whole and was read once more."""

import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from parlour import __version__
from parlour.db.backup import objects
from parlour.db.backup.objects import Objects, Packed
from parlour.db.backup.read import Contents, Source
from parlour.db.backup.rows import BackupUnusable, Column, Kind, Lines, Shape, Tally, Tell, counted
from parlour.db.new_file import NewFile

FORMAT = 2
"""Of the file itself. It changes when a reader of the one before would miss something."""
KIND = "a backup"
FIRST, MANIFEST = "parlour-backup", "manifest.json"
ZIP_HEADER = 30
"""Bytes before the first name."""
SPEED = 1
"""Of zlib: the fastest, with a file a fifth larger than by the default, in half the time."""
CHUNK = 2**16
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
)
"""What Python's reader of ZIP archives, and of JSON, says of a file that is damaged; RuntimeError, that it is
encrypted, or packed in a way that nobody knows."""


class Archive:
    """A backup that was written. Raises BackupUnusable for whatever is none, or not whole.

    `store` is where `bring_objects` puts what people attached.
    """

    def __init__(self, path: Path, store: Objects | None = None) -> None:
        self.path = path
        self._store = store
        self.packed = Packed()
        self._tallies: dict[str, Tally] = {}
        with self._sentences():
            self._file = path.open("rb")
        try:
            with self._sentences():
                self._refuse_another_kind()
                self._zip = zipfile.ZipFile(self._file)
                self.contents = self._read_manifest(json.loads(self._zip.read(MANIFEST)))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise BackupUnusable(f"There is no file {self.path}.") from None
        except OSError as error:
            raise BackupUnusable(f"{self.path} cannot be read: {error.strerror}.") from error
        except BROKEN as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error

    def _damaged(self, why: str) -> BackupUnusable:
        return BackupUnusable(f"{self.path} is a backup, but damaged or not all of it ({why}).")

    def _refuse_another_kind(self) -> None:
        begins = self._file.read(ZIP_HEADER + len(FIRST))
        if not (begins.startswith(b"PK") and begins.endswith(FIRST.encode())):
            raise BackupUnusable(f"{self.path} is no backup of Parlour.")

    def _read_manifest(self, said: dict[str, Any]) -> Contents:
        if said["format"] > FORMAT:
            raise BackupUnusable(f"{self.path} was made by a newer Parlour, {said['program']}: use that one.")
        shapes = []
        for each in said["tables"]:
            columns = tuple(Column(name, Kind(kind)) for name, kind in each["columns"])
            shapes.append(Shape(each["name"], columns))
            self._tallies[each["name"]] = Tally(each["rows"], int(each["checksum"], 16))
        if "files" in said:
            self.packed = Packed(**said["files"])
        return Contents(said["engine"], said["schema"], said["epoch"], tuple(shapes))

    def total(self, shape: Shape) -> int:
        return self._tallies[shape.name].rows

    def lines(self, shape: Shape) -> Lines:
        """Every row that the manifest promises, and no other."""
        tally = Tally()
        with self._sentences(), self._zip.open(_member(shape)) as member:
            for line in io.BufferedReader(cast(io.RawIOBase, member), CHUNK):
                tally.add(line[:-1])
                yield line[:-1]
        if tally != self._tallies[shape.name]:
            raise self._damaged(f"{shape.name} is not as it was written")

    def verify(self, tell: Tell) -> None:
        """Read all of it."""
        for shape in self.contents.shapes:
            label = f"{shape.name}, verified"
            for _ in counted(self.lines(shape), Tally(), label, self.total(shape), tell):
                pass
        self._unpack(_pass_over, tell, f"{objects.LABEL}, verified")

    def bring_objects(self, tell: Tell) -> None:
        """Into the store, each of them; those that are there stay."""
        if self._store is not None:
            self._unpack(self._store.put, tell, objects.LABEL)

    def _unpack(self, take: Callable[[str, int, Iterator[bytes]], None], tell: Tell, label: str) -> None:
        if self.packed.sha256:
            with self._sentences(), self._zip.open(objects.MEMBER) as member:
                objects.unpack(member, self.packed, take, tell, label)


def _pass_over(_key: str, _size: int, pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def write(path: Path, source: Source, store: Objects, tell: Tell) -> tuple[int, Packed]:
    """All that `source` holds, and what its rows name in the store. When this returns, the file is on the
    disk and was read again; when it raises there is none. Returns the number of rows, and what was attached.

    Raises BackupUnusable and Unwritable.
    """
    place = NewFile(path, KIND)
    with place.writing() as file:
        _fill(file, source, store, tell)
        file.flush()
        with Archive(place.beside) as written:
            written.verify(tell)
            return sum(map(written.total, written.contents.shapes)), written.packed


def _fill(file: BinaryIO, source: Source, store: Objects, tell: Tell) -> None:
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=SPEED)
    try:
        archive.writestr(zipfile.ZipInfo(FIRST), f"{FORMAT}\n")
        told = [_write_table(archive, source, shape, tell) for shape in source.contents.shapes]
        with archive.open(zipfile.ZipInfo(objects.MEMBER), "w", force_zip64=True) as member:
            packed = objects.pack(member, source, store, tell)
        archive.writestr(MANIFEST, json.dumps(_manifest(source.contents, told, packed), indent=1))
        archive.close()
    finally:
        archive.fp = None  # one that broke off is not to be completed when it is thrown away


def _manifest(contents: Contents, tables: list[dict[str, Any]], packed: Packed) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": contents.engine,
        "schema": contents.revision,
        "epoch": contents.epoch,
        "tables": tables,
        "files": packed.said(),
    }


def _write_table(archive: zipfile.ZipFile, source: Source, shape: Shape, tell: Tell) -> dict[str, Any]:
    tally, total, waiting = Tally(), source.total(shape), bytearray()
    lines = counted(source.lines(shape), tally, shape.name, total, tell)
    with closing(lines), archive.open(_member(shape), "w", force_zip64=True) as member:
        for line in lines:
            waiting += line + b"\n"
            if len(waiting) >= CHUNK:
                member.write(waiting)
                waiting.clear()
        member.write(waiting)
    return {
        "name": shape.name,
        "columns": [[each.name, each.kind] for each in shape.columns],
        "rows": tally.rows,
        "checksum": f"{tally.checksum:016x}",
    }


def _member(shape: Shape) -> str:
    return f"tables/{shape.name}.jsonl"
