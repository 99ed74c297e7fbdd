"""A multipart body as it arrives: one part after the other, and none of them in memory as a whole."""

import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


class BrokenBody(ValueError):
    """It is no multipart body, or ends before its end."""


class Part(Struct, frozen=True):
    """A field, or a file when it has a `filename`. `data` is to be read before the next part is asked for;
    what is left of it then is passed over.
    """

    name: str
    filename: str | None
    data: AsyncIterator[bytes]


class _End:
    """Of a part."""


_Event = Mapping[str, str | None] | bytes | type[_End]


async def parts(content_type: str, body: AsyncIterator[bytes]) -> AsyncIterator[Part]:
    """Raises BrokenBody, and what `body` raises."""
    events = _events(content_type, body)
    async for event in events:
        if not isinstance(event, Mapping):
            raise BrokenBody
        data = _data(events)
        yield Part(event["name"] or "", event["filename"], data)
        async for _ in data:
            pass


async def _data(events: AsyncIterator[_Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if event is _End:
            return
        assert isinstance(event, bytes)
        yield event
    raise BrokenBody


async def _events(content_type: str, body: AsyncIterator[bytes]) -> AsyncIterator[_Event]:
    found: deque[_Event | None] = deque()
    parser = _parser(content_type, found)
    ended = False
    async for piece in body:
        try:
            parser.write(piece)
        except FormParserError as error:
            raise BrokenBody from error
        while found:
            event = found.popleft()
            if event is None:
                ended = True
            else:
                yield event
    if not ended:
        raise BrokenBody


def _parser(content_type: str, found: "deque[_Event | None]") -> MultipartParser:
    """Puts what it finds into `found`: what a part is called, its bytes, its end; None at the end of all."""
    _, options = parse_options_header(content_type)
    if b"boundary" not in options:
        raise BrokenBody
    name, value = bytearray(), bytearray()
    about: dict[str, str | None] = {}

    def header_ended() -> None:
        if name.lower() == b"content-disposition":
            about.update(_named(bytes(value)))
        name.clear()
        value.clear()

    def headers_ended() -> None:
        if "name" not in about:
            raise FormParserError("A part has no name.")
        found.append(dict(about))
        about.clear()

    callbacks: Any = {
        "on_header_field": lambda data, start, end: name.extend(data[start:end]),
        "on_header_value": lambda data, start, end: value.extend(data[start:end]),
        "on_header_end": header_ended,
        "on_headers_finished": headers_ended,
        "on_part_data": lambda data, start, end: found.append(bytes(data[start:end])),
        "on_part_end": lambda: found.append(_End),
        "on_end": lambda: found.append(None),
    }
    try:
        return MultipartParser(options[b"boundary"], callbacks)
    except FormParserError as error:
        raise BrokenBody from error


def _named(disposition: bytes) -> Mapping[str, str | None]:
    _, options = parse_options_header(disposition)
    if b"name" not in options:
        return {}
    filename = options.get(b"filename")
    return {"name": _text(options[b"name"]), "filename": None if filename is None else _file_name(filename)}


def _file_name(given: bytes) -> str:
    """Without what browsers put for a quotation mark and for the ends of lines, and for nothing else (HTML's
    multipart/form-data encoding algorithm).
    """
    return re.sub("%(22|0D|0A)", lambda found: chr(int(found[1], 16)), _text(given))


def _text(given: bytes) -> str:
    """As browsers write it; of a program that does not, something."""
    try:
        return given.decode()
    except UnicodeDecodeError:
        return given.decode("latin-1")
