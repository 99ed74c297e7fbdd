"""Where and when a HEIC picture was taken, taken out of it. There is no decoder here that could draw it anew.

Its container (ISO/IEC 23008-12, over 14496-12) lists items, and says where the bytes of each lie. Those of
EXIF and XMP are overwritten, so that nothing moves. How the picture is turned stands elsewhere (`irot`).
"""

from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

META_BYTES = 1024 * 1024
"""The list of items is some kilobytes; a larger one is none."""
BOXES = 10_000
ITEMS = 10_000
NOTHING = bytes.fromhex("00000000 4d4d002a 00000008 0000 00000000")
"""An EXIF without entries. Readers refuse mere zeros."""
TELLING = {b"Exif": NOTHING, b"mime": b"", b"uri ": b""}
"""Types of items that say something about the picture, and what they begin with then."""
TELLING_BYTES = 4 * 1024 * 1024
"""Of all of them together."""


class NotUnderstood(Exception):
    """The container is broken, or of a kind that is not known here."""


class _Reader(Struct):
    """Numbers out of a box, one after the other."""

    data: bytes
    at: int = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.bytes(size))

    def bytes(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise NotUnderstood
        self.at += size
        return found


def forget(file: BinaryIO) -> None:
    """Overwrite what the file says of its picture. Raises NotUnderstood, and has changed nothing then."""
    size = file.seek(0, 2)
    start, meta = _meta(file, size)
    boxes = {kind: (at, content) for kind, at, content in _boxes(meta, 4)}
    if b"iinf" not in boxes or b"iloc" not in boxes:
        raise NotUnderstood
    telling = dict(_telling(boxes[b"iinf"][1]))
    inside = start + boxes[b"idat"][0] if b"idat" in boxes else None
    spans = [(telling[item], *span) for item, span in _extents(boxes[b"iloc"][1], inside) if item in telling]
    if (
        any(at < 0 or at + length > size for _, at, length in spans)
        or sum(length for _, _, length in spans) > TELLING_BYTES
    ):
        raise NotUnderstood
    for begins, at, length in spans:
        file.seek(at)
        file.write(begins.ljust(length, b"\0" if begins else b" ")[:length])


def _meta(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """Where the content of the box `meta` begins, and it."""
    at = 0
    for _ in range(BOXES):
        file.seek(at)
        head = _Reader(file.read(16))
        length, kind, header = head.number(4), head.bytes(4), 8
        if length == 1:
            length, header = head.number(8), 16
        length = length or size - at
        if length < header or at + length > size:
            break
        if kind == b"meta" and length <= META_BYTES:
            file.seek(at + header)
            return at + header, file.read(length - header)
        at += length
    raise NotUnderstood


def _boxes(data: bytes, at: int) -> Iterator[tuple[bytes, int, bytes]]:
    """The kind of each box in there, where its content begins, and that."""
    while at < len(data):
        head = _Reader(data, at)
        length, kind = head.number(4), head.bytes(4)
        if length < 8 or at + length > len(data):
            raise NotUnderstood
        yield kind, at + 8, data[at + 8 : at + length]
        at += length


def _telling(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers of the items that say something, and what they shall begin with."""
    head = _Reader(iinf)
    version = head.number(4) >> 24
    head.number(2 if version == 0 else 4)
    for kind, _, content in _boxes(iinf, head.at):
        entry = _Reader(content)
        version = entry.number(4) >> 24
        if kind != b"infe" or version not in (2, 3):
            raise NotUnderstood
        item = entry.number(2 if version == 2 else 4)
        entry.number(2)
        said = TELLING.get(entry.bytes(4))
        if said is not None:
            yield item, said


def _extents(iloc: bytes, inside: int | None) -> Iterator[tuple[int, tuple[int, int]]]:
    """Of each item where its bytes begin, and how many they are. `inside`: where `idat` begins."""
    head = _Reader(iloc)
    version = head.number(4) >> 24
    sizes = head.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(min(head.number(2 if version < 2 else 4), ITEMS)):
        item = head.number(2 if version < 2 else 4)
        method = head.number(2) & 15 if version else 0
        head.number(2)
        start = head.number(base)
        if method == 1 and inside is not None:
            start += inside
        for _ in range(head.number(2)):
            if version and index:
                head.number(index)
            at, many = start + head.number(offset), head.number(length)
            # What lies in another item, or nowhere that is known, is outside of the file.
            yield item, (at if method == 0 or (method == 1 and inside is not None) else -1, many)
