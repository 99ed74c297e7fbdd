"""A multipart body is the same whatever pieces it comes in, and none without its end."""

from collections.abc import AsyncIterator, Iterable

import pytest

from parlour.web.multipart import BrokenBody, parts

KIND = "multipart/form-data; boundary=frontier"
BODY = (
    b'--frontier\r\nContent-Disposition: form-data; name="content"\r\n\r\nLook:\r\nthere\r\n'
    b'--frontier\r\nContent-Disposition: form-data; name="files"; filename="caf\xc3\xa9 \xe2\x80\xae.txt"\r\n'
    b"Content-Type: text/html\r\n\r\n--frontie\r\n--frontier\x00\r\n"
    b'--frontier\r\ncontent-disposition: form-data; name="files"; filename=""\r\n\r\n\r\n'
    b"--frontier--\r\n"
)
PARTS = [
    ("content", None, b"Look:\r\nthere"),
    ("files", "caf\u00e9 \u202e.txt", b"--frontie\r\n--frontier\x00"),
    ("files", "", b""),
]


async def came(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(pieces: Iterable[bytes], kind: str = KIND) -> list[tuple[str, str | None, bytes]]:
    return [
        (part.name, part.filename, b"".join([piece async for piece in part.data]))
        async for part in parts(kind, came(pieces))
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 60, 1000])
async def test_the_parts_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    pieces = [BODY[at : at + size] for at in range(0, len(BODY), size)]

    assert await read(pieces) == PARTS


async def test_a_files_name_is_what_the_browser_wrote_down() -> None:
    """A quotation mark and the end of a line come encoded; of nothing else do browsers say so."""
    body = BODY.replace(b"caf\xc3\xa9", b"%22a%22%0D%0Ab 100%25")

    names = [part.filename async for part in parts(KIND, came([body]))]

    assert names[1] == '"a"\r\nb 100%25 \u202e.txt'


async def test_what_nobody_reads_of_a_part_is_passed_over() -> None:
    names = [part.name async for part in parts(KIND, came([BODY]))]

    assert names == ["content", "files", "files"]


@pytest.mark.parametrize("end", [0, 5, 70, 200, len(BODY) - 5])
async def test_a_body_without_its_end_is_none(end: int) -> None:
    with pytest.raises(BrokenBody):
        await read([BODY[:end]])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", BODY),
        ("multipart/form-data; boundary=" + "x" * 300, BODY),
        (KIND, b"--other\r\n\r\n--other--\r\n"),
        (KIND, BODY.replace(b'name="content"', b"")),
        (KIND, b"--frontier\r\n" + b"X-Much: " + b"x" * 100_000),
    ],
)
async def test_what_is_no_multipart_body_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(BrokenBody):
        await read([body], kind)
