"""winmail.dat: what Outlook packs a mail into for other Outlooks (MS-OXTNEF). Its files, and its body.

What is damaged ends the reading; what was read until then counts.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from parlour.mail.receive.charsets import decoded

SIGNATURE = b"\x78\x9f\x3e\x22"
FILES = 200
_ATTRIBUTES, _PROPERTIES, _VALUES = 5_000, 1_000, 100
"""So many are read: a mail has a few dozen."""

_BODY, _MESSAGE_PROPERTIES = 0x0002800C, 0x00069003
_NEXT_FILE, _TITLE, _CONTENT, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_CODEPAGE = 0x00069007
_P_BODY, _P_HTML, _P_LONG_NAME, _P_CONTENT, _P_CONTENT_ID, _P_TYPE = (
    0x1000,
    0x1013,
    0x3707,
    0x3701,
    0x3712,
    0x370E,
)
_FIXED = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8}
_FIXED |= {0x0040: 8, 0x0048: 16}
_OF_LENGTH = {0x000D, 0x001E, 0x001F, 0x0102}
_UNICODE, _OBJECT, _SEVERAL = 0x001F, 0x000D, 0x1000


@dataclass(slots=True)
class File:
    name: str = ""
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""
    content_id: str = ""


class Unpacked(msgspec.Struct):
    text: str = ""
    html: bytes = b""
    files: list[File] = msgspec.field(default_factory=list)
    codepage: str = "cp1252"


class _Damaged(Exception):
    """It goes on otherwise than it says."""


def unpacked(content: bytes) -> Unpacked | None:
    """None for what is no winmail.dat."""
    if not content.startswith(SIGNATURE):
        return None
    found = Unpacked()
    for number, value in _attributes(content):
        _take(found, number, value)
    return found


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    for _ in range(_ATTRIBUTES):
        if at + 9 > len(content):
            return
        number, length = struct.unpack_from("<xII", content, at)
        if at + 9 + length > len(content):
            return
        yield number, content[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _take(found: Unpacked, number: int, value: bytes) -> None:
    if number == _CODEPAGE and len(value) >= 4:
        page = struct.unpack_from("<I", value)[0]
        found.codepage = f"cp{page}" if 0 < page < 100_000 else found.codepage
    elif number == _BODY:
        found.text = decoded(value.rstrip(b"\0"), found.codepage)
    elif number == _MESSAGE_PROPERTIES:
        properties = _read(value)
        found.html = properties.get(_P_HTML, (0, b""))[1] or found.html
        found.text = found.text or _words(properties.get(_P_BODY), found.codepage)
    elif number == _NEXT_FILE and len(found.files) < FILES:
        found.files.append(File())
    elif found.files:
        _take_of_file(found.files[-1], number, value, found.codepage)


def _take_of_file(file: File, number: int, value: bytes, codepage: str) -> None:
    if number == _TITLE:
        file.name = file.name or decoded(value.rstrip(b"\0"), codepage)
    elif number == _CONTENT:
        file.content = value
    elif number == _FILE_PROPERTIES:
        properties = _read(value)
        file.name = _words(properties.get(_P_LONG_NAME), codepage) or file.name
        file.media_type = _words(properties.get(_P_TYPE), codepage) or file.media_type
        file.content_id = _words(properties.get(_P_CONTENT_ID), codepage) or file.content_id
        held = properties.get(_P_CONTENT)
        if held and held[0] == _OBJECT and not file.content:
            file.content = held[1][16:]  # behind the id of its interface


def _words(held: tuple[int, bytes] | None, codepage: str) -> str:
    if held is None:
        return ""
    kind, value = held
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return decoded(value.rstrip(b"\0"), codepage)


def _read(value: bytes) -> dict[int, tuple[int, bytes]]:
    found: dict[int, tuple[int, bytes]] = {}
    try:
        for number, held in _properties(value):
            found.setdefault(number, held)
    except (_Damaged, struct.error):
        pass
    return found


def _properties(value: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """MAPI properties: number, type, and the first value of each."""
    (count,), at = struct.unpack_from("<I", value), 4
    for _ in range(min(count, _PROPERTIES)):
        if at + 4 > len(value):
            return
        kind, number = struct.unpack_from("<HH", value, at)
        at = _past_name(value, at + 4) if number >= 0x8000 else at + 4
        several, kind = kind & _SEVERAL, kind & ~_SEVERAL
        held, at = _value(value, at, kind, several=bool(several))
        yield number, (kind, held)


def _past_name(value: bytes, at: int) -> int:
    kind, length = struct.unpack_from("<16xII", value, at)
    return at + 24 + (_padded(length) if kind == 1 else 0)


def _value(value: bytes, at: int, kind: int, *, several: bool) -> tuple[bytes, int]:
    values = 1
    if kind in _OF_LENGTH or several:
        values = struct.unpack_from("<I", value, at)[0]
        at += 4
    if values > _VALUES:
        raise _Damaged
    first = b""
    for number in range(values):
        if kind in _OF_LENGTH:
            length = struct.unpack_from("<I", value, at)[0]
            at, step = at + 4, _padded(length)
        elif kind in _FIXED:
            length = step = _FIXED[kind]
        else:
            raise _Damaged
        if at + length > len(value):
            raise _Damaged
        first = first if number else value[at : at + length]
        at += step
    return first, at


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
