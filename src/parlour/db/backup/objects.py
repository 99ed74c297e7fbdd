"""What people attached, and mails that came: objects beside the rows, as a tar archive in the backup."""

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import IO, Any, Protocol

from msgspec import Struct
from msgspec.structs import asdict

from parlour.db.backup.read import Source
from parlour.db.backup.rows import BackupUnusable, Shape, Tell, decode

MEMBER = "files.tar"
LABEL = "files and mails"
_NAMES_OBJECTS = ("files", "mails")
CHUNK = 2**18


class Objects(Protocol):
    """A store of objects. All of its methods raise BackupUnusable when it cannot be used."""

    def size(self, key: str, *, used: bool = False) -> int | None:
        """Bytes, or None when there is no such object. A store that was `used` holds something."""

    def pieces(self, key: str) -> Iterator[bytes]:
        """Raises KeyError when there is no such object."""

    def put(self, key: str, size: int, pieces: Iterator[bytes]) -> None:
        """Keep it; one that is there already and as long is the same one."""


class Packed(Struct):
    """What the tar archive holds, and its checksum. `missing`: messages name them, but the store had none, or
    not all of one.
    """

    count: int = 0
    size: int = 0
    sha256: str = ""
    missing: int = 0

    def said(self) -> dict[str, Any]:
        return asdict(self)


class _Hashed(io.RawIOBase):
    """A file that is written or read once, from its beginning, and adds up what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, sha256()

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def read(self, size: int = CHUNK) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class _Pieces(io.RawIOBase):
    """An iterator of bytes as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int = CHUNK) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        data, self._left = self._left[:size], self._left[size:]
        return data


def pack(into: IO[bytes], source: Source, objects: Objects, tell: Tell) -> Packed:
    """Every object that `source` names. What is still on its way up, or was deleted since, is none."""
    packed, out = Packed(), _Hashed(into)
    shapes = [shape for shape in source.contents.shapes if shape.name in _NAMES_OBJECTS]
    total = sum(map(source.total, shapes))
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
        for done, (key, expected, least) in enumerate(
            chain.from_iterable(_keys(source, each) for each in shapes), 1
        ):
            try:
                size = objects.size(key, used=expected)
                if size is None or size < least:
                    raise KeyError
                _add(tar, key, size, objects.pieces(key))
            except KeyError:
                packed.missing += expected
            else:
                packed.count += 1
                packed.size += size
            if done % 100 == 0:
                tell(LABEL, packed.count, max(total, packed.count))
    packed.sha256 = out.hexdigest()
    tell(LABEL, packed.count, packed.count)
    return packed


def _keys(source: Source, shape: Shape) -> Iterator[tuple[str, bool, int]]:
    """Each object's key, whether there has to be one, and how many bytes at least: what is on its way up has
    none yet, and what was withdrawn has none any more.
    """
    names = [column.name for column in shape.columns]
    with closing(source.lines(shape)) as lines:
        for line in lines:
            row = dict(zip(names, decode(line), strict=True))
            if row["storage_key"] == "":
                continue  # of a mail that was erased
            there = row.get("scan") != "infected" and (row["seq"] is not None if "seq" in row else True)
            yield row["storage_key"], there, row.get("size", 0) if there else 0
            if row.get("has_thumbnail"):
                yield row["thumbnail_key"], there, 0


def _add(tar: tarfile.TarFile, key: str, size: int, pieces: Iterator[bytes]) -> None:
    first = next(pieces, b"")  # the store has it: from here on the archive expects all of it
    info = tarfile.TarInfo(key)
    info.size = size
    tar.addfile(info, _Pieces(chain((first,), pieces)))
    _forget(tar)


def _forget(tar: tarfile.TarFile) -> None:
    """It keeps a list of all that went through, which nobody asks for."""
    vars(tar)["members"].clear()


def unpack(
    member: IO[bytes],
    packed: Packed,
    take: Callable[[str, int, Iterator[bytes]], None],
    tell: Tell,
    label: str,
) -> None:
    """Hand every object to `take`. Raises BackupUnusable when they are not those that were packed."""
    found, source = Packed(missing=packed.missing), _Hashed(member)
    with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK) as tar:
        while (info := tar.next()) is not None:
            file = tar.extractfile(info)
            if file is None:
                raise BackupUnusable(f"{info.name} in it is no file.")
            take(info.name, info.size, iter(partial(file.read, CHUNK), b""))
            _forget(tar)
            found.count += 1
            found.size += info.size
            if found.count % 100 == 0:
                tell(label, found.count, packed.count)
    while source.read(CHUNK):
        pass
    found.sha256 = source.hexdigest()
    if found != packed:
        raise ValueError("the attachments are not as they were written")
    tell(label, found.count, found.count)
