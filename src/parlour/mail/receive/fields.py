"""The header of a mail or of a part of it: its fields and the words in them (RFC 5322, 2047, 2231).

Our own reading: the standard library's raises for what people's mails hold. Nothing here raises, and nothing
takes time that grows faster than what it reads.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from parlour.mail.receive import charsets

BLOCK_LIMIT = 256 * 1024
"""Bytes of a header that are read."""
FIELDS_LIMIT = 1_000
VALUE_LIMIT = 64 * 1024

_FIELD = re.compile(rb"([!-9;-~]{1,128})[ \t]*:(.*)", re.DOTALL)
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_ENCODED = re.compile(r"=\?([^\s?*]{1,60})(?:\*[^\s?]{0,40})?\?([bBqQ])\?((?:[^?]|\?(?!=)){0,4000}+)\?=")
_PARAMETER = re.compile(r"""([^\s=;"]{1,80})\s{0,99}=\s{0,99}(?:"((?:[^"\\]|\\.)*)"|([^;]*))""", re.DOTALL)
_BLANK = (b"\r\n\r\n", b"\n\n", b"\r\r")
_EXTENDED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Fields(Struct, frozen=True):
    """A header. Names are in lower case; values are unfolded and, but for that, as they came."""

    all: tuple[tuple[str, str], ...]

    def every(self, name: str) -> list[str]:
        return [value for each, value in self.all if each == name]

    def one(self, name: str) -> str:
        """The first of them, or nothing."""
        return next((value for each, value in self.all if each == name), "")

    def has(self, name: str) -> bool:
        return any(each == name for each, _ in self.all)

    def words(self, name: str) -> str:
        return decoded_words(self.one(name))


def header_at(raw: bytes, start: int, end: int) -> tuple[Fields, int]:
    """The header that begins there, and where the body does: behind a blank line, or at what is no field.

    A first line that is none is passed over if a field follows, as `From …` in the file of a mailbox.
    """
    found: list[tuple[str, list[bytes]]] = []
    limit = min(end, start + BLOCK_LIMIT)
    at = _past_stray(raw, start, limit)
    while at < limit:
        line = _line(raw, at, limit)
        bare = line.rstrip(b"\r\n")
        if not bare:
            at += len(line)
            break
        if found and bare[:1] in b" \t":
            found[-1][1].append(bare)
        elif field := _FIELD.fullmatch(bare):
            found.append((field[1].decode("ascii").lower(), [field[2]]))
        else:
            break
        at += len(line)
    if at >= limit < end:
        at = _behind_blank_line(raw, limit, end)
    read = ((name, _text(b"".join(lines))) for name, lines in found[:FIELDS_LIMIT])
    return Fields(tuple(read)), min(at, end)


def _behind_blank_line(raw: bytes, at: int, end: int) -> int:
    """Where the body begins of a mail whose header is longer than is read; here, if nothing shows it."""
    found = [place + len(mark) for mark in _BLANK if (place := raw.find(mark, at, end)) >= 0]
    return min(found, default=at)


def _past_stray(raw: bytes, start: int, limit: int) -> int:
    line = _line(raw, start, limit)
    if not line.strip() or _FIELD.fullmatch(line.rstrip(b"\r\n")):
        return start
    after = start + len(line)
    return after if _FIELD.fullmatch(_line(raw, after, limit).rstrip(b"\r\n")) else start


def _line(raw: bytes, at: int, limit: int) -> bytes:
    return _LINE.match(raw, at, limit)[0]  # type: ignore[index]  # it matches anything


def _text(value: bytes) -> str:
    """Bytes that are no UTF-8 (RFC 6532) are kept as surrogates: an encoded word or a boundary may hold them.

    Elsewhere no charset says what they mean, and cleaning makes each of them U+FFFD.
    """
    return value[:VALUE_LIMIT].decode("utf-8", "surrogateescape").strip()


def as_bytes(text: str) -> bytes:
    """The other way round."""
    return text.encode("utf-8", "surrogateescape")


def decoded_words(value: str) -> str:
    """With its encoded words read; neighbours that share a charset may share a letter, too."""
    kept: list[str] = []
    waiting, charset, at = b"", "", 0
    for found in _ENCODED.finditer(value):
        between = value[at : found.start()]
        apart = bool(between.strip()) or not at
        if waiting and (apart or charset != found[1].lower()):
            kept.append(charsets.decoded(waiting, charset))
            waiting = b""
        if apart:
            kept.append(between)
        charset, at = found[1].lower(), found.end()
        waiting += _word(found[2], found[3])
    if waiting:
        kept.append(charsets.decoded(waiting, charset))
    return "".join(kept) + value[at:]


def _word(encoding: str, text: str) -> bytes:
    content = as_bytes(text)
    if encoding in "bB":
        return unbase64(content)
    return quopri.decodestring(content.replace(b"_", b" "), header=False)


def unbase64(content: bytes) -> bytes:
    """What can be read of it, whatever is wrong with its end."""
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:
        letters = content.translate(None, _NO_BASE64)
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4] + _rest(letters))


def _rest(letters: bytes) -> bytes:
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=…` as its first word in lower case, and what is said of it (RFC 2231)."""
    first, _, rest = value.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, text in _pairs(rest):
        extended = _EXTENDED.fullmatch(name)
        if extended is None:
            continue
        if extended[2] is None and extended[3] is None:
            plain.setdefault(name, text)
        else:
            pieces.setdefault(extended[1], []).append((int(extended[2] or 0), bool(extended[3]), text))
    joined = {name: _joined(each) for name, each in pieces.items()}
    return first.strip().lower(), plain | joined


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    for found in _PARAMETER.finditer(rest[:VALUE_LIMIT]):
        quoted, bare = found[2], found[3]
        text = _ESCAPE.sub(r"\1", quoted) if quoted is not None else bare.strip().strip('"')
        yield found[1].lower(), text


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """RFC 2231: pieces by number; those with a star are in percent signs, the first names the charset."""
    charset, content = "", b""
    for number, (_, encoded, text) in enumerate(sorted(pieces, key=lambda piece: piece[0])):
        if not encoded:
            content += as_bytes(text)
            continue
        if number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)  # noqa: PLW2901
        content += unquote_to_bytes(as_bytes(text))
    return charsets.decoded(content, charset or "utf-8")
