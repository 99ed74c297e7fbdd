"""Files in uuencode: a whole part, or among a text's lines as programs did before MIME, and some still do."""

import binascii
import re
from io import BytesIO
from itertools import islice

LINES = 1_000_000
"""45 bytes each."""
FILES = 20
"""Places in a text where one may begin that are looked at."""

_BEGIN = re.compile(rb"(?:\A|(?<=\n))begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n")
_LAST = (b"end", b"`", b"")


def content(part: bytes) -> bytes:
    """What such a part holds, as far as it can be read."""
    begin = _BEGIN.search(part)
    if begin is None:
        return part
    kept = list[bytes]()
    for line in islice(_from(part, begin.end()), LINES):
        line = line.rstrip(b"\r\n")  # noqa: PLW2901
        if line in _LAST:
            break
        kept.append(_read(line) or b"")
    return b"".join(kept)


def taken_out(text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The text without the files in it, and their names and bytes. What is not whole stays where it is."""
    kept, files, at = list[bytes](), list[tuple[bytes, bytes]](), 0
    for begin in islice(_BEGIN.finditer(text), FILES):
        inside = _whole(text, begin.end()) if begin.start() >= at else None
        if inside and inside[0]:
            kept.append(text[at : begin.start()])
            files.append((begin[1], inside[0]))
            at = inside[1]
    return b"".join([*kept, text[at:]]), files


def _whole(text: bytes, at: int) -> tuple[bytes, int] | None:
    """A file whose lines begin there, and where what follows it does."""
    kept = list[bytes]()
    for line in islice(_from(text, at), LINES):
        at += len(line)
        bare = line.rstrip(b"\r\n")
        if bare == b"end":
            return b"".join(kept), at
        read = b"" if bare in _LAST else _read(bare)
        if read is None:
            return None
        kept.append(read)
    return None


def _from(content: bytes, at: int) -> BytesIO:
    lines = BytesIO(content)
    lines.seek(at)
    return lines


def _read(line: bytes) -> bytes | None:
    """Of a line that is too long only what it says that it holds: some end in a sum."""
    length = (((line[0] - 32) & 63) * 4 + 5) // 3
    for piece in (line, line[:length]):
        try:
            return binascii.a2b_uu(piece)
        except binascii.Error:
            continue
    return None
