"""A mail inside its signature (S/MIME, opaque: RFC 8551, section 3.5.2): taken out, and believed no more.

Only as much of the encoding (X.690, BER) is read as leads to what was signed.
"""

from collections.abc import Iterator
from typing import NamedTuple

from parlour.mail.receive.parts import Part

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_ENCRYPTED = tuple(
    bytes.fromhex(each) for each in ("2a864886f70d010703", "2a864886f70d010706", "2a864886f70d0109100117")
)
"""Enveloped, encrypted and authenticated enveloped data (RFC 5652, RFC 5083)."""
_HEAD = 64
"""Bytes within which the type stands."""
_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_SEQUENCE, _CONTENT, _OCTETS, _OCTETS_IN_PIECES = 0x30, 0xA0, 0x04, 0x24
_INDEFINITE, _LONG_TAG, _END = 0x80, 0x1F, b"\0\0"
_DEPTH = 16
_ELEMENTS = 200_000
"""So many are looked at."""


class _NoSuch(Exception):
    """It is not built so."""


def is_opaque(part: Part) -> bool:
    """Many programs send it as a mere file."""
    name = (part.disposition[1].get("filename") or part.parameters.get("name") or "").lower()
    return part.media_type in _TYPES or (
        part.media_type == "application/octet-stream" and name.endswith(".p7m")
    )


def is_encrypted(content: bytes) -> bool:
    return any(each in content[:_HEAD] for each in _ENCRYPTED)


def signed_content(content: bytes) -> bytes | None:
    """What was signed, or None where that is not in there, as in what is encrypted."""
    reader = _Reader(content)
    try:
        outer = reader.children(reader.sequence(_Span(0, len(content))))
        kind, inner = next(outer)[1], next(outer)[1]
        if content[kind.start : kind.end] != _SIGNED_DATA:
            return None
        signed = reader.children(reader.sequence(inner))
        encapsulated = next(span for tag, span in signed if tag == _SEQUENCE)
        held = next(span for tag, span in reader.children(encapsulated) if tag == _CONTENT)
        return b"".join(reader.octets(held, _DEPTH))
    except (_NoSuch, StopIteration):
        return None


class _Span(NamedTuple):
    start: int
    end: int


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._left = _ELEMENTS

    def children(self, span: _Span) -> Iterator[tuple[int, _Span]]:
        """Each element's tag, and where its content is."""
        at = span.start
        while at < span.end and self._raw[at : at + 2] != _END:
            tag, inner, at = self._element(at, span.end, _DEPTH)
            yield tag, inner

    def sequence(self, span: _Span) -> _Span:
        tag, inner, _ = self._element(*span, _DEPTH)
        if tag != _SEQUENCE:
            raise _NoSuch
        return inner

    def octets(self, span: _Span, depth: int) -> Iterator[bytes]:
        """A string, which may come in pieces, and those again."""
        if depth == 0:
            raise _NoSuch
        for tag, inner in self.children(span):
            if tag == _OCTETS:
                yield self._raw[inner.start : inner.end]
            elif tag == _OCTETS_IN_PIECES:
                yield from self.octets(inner, depth - 1)

    def _element(self, at: int, end: int, depth: int) -> tuple[int, _Span, int]:
        """Its tag, its content, and where the next one begins."""
        raw = self._raw
        self._left -= 1
        if at + 2 > min(end, len(raw)) or depth == 0 or self._left < 0 or raw[at] & _LONG_TAG == _LONG_TAG:
            raise _NoSuch
        tag, length, begin = raw[at], raw[at + 1], at + 2
        if length == _INDEFINITE:
            until = self._end_of_indefinite(begin, end, depth)
            return tag, _Span(begin, until), until + len(_END)
        if length & _INDEFINITE:
            octets = length & ~_INDEFINITE
            length = int.from_bytes(raw[begin : begin + octets])
            begin += octets
        until = min(begin + length, end)
        return tag, _Span(begin, until), until

    def _end_of_indefinite(self, at: int, end: int, depth: int) -> int:
        while at < end and self._raw[at : at + 2] != _END:
            _, _, at = self._element(at, end, depth - 1)
        return at
