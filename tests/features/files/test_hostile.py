"""Files that were made to be taken for something else, or to fill the memory; and names in every script."""

import struct
import zlib
from io import BytesIO
from urllib.parse import unquote, urljoin
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from parlour.features.files.models import MESSAGE_FILES
from parlour.features.tickets.models import Ticket
from parlour.files.kinds import OTHER
from parlour.files.names import safe_name
from parlour.web.headers import SANDBOX
from tests.attaching import JSON, file_at, newest, room_of, say
from tests.house import Browser, House

SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>" + SCRIPT + b"</svg>"


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


def drawn(form: str, **more: object) -> bytes:
    into = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(into, form, **more)
    return into.getvalue()


def zipped(content: bytes) -> bytes:
    into = BytesIO()
    with ZipFile(into, "w", ZIP_DEFLATED) as packed:
        packed.writestr("a.html", content)
    return into.getvalue()


def described(words: str) -> bytes:
    """A PNG with a text, which is packed."""
    info = PngInfo()
    info.add_text("Comment", words, zip=True)
    return drawn("PNG", pnginfo=info)


def png_of(width: int, height: int) -> bytes:
    """One that says it is so large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    small = drawn("PNG")
    return small[:12] + head + struct.pack(">I", zlib.crc32(head)) + small[33:]


def pictures() -> dict[str, tuple[str, bytes]]:
    """What is drawn anew, and has nothing of what it brought along."""
    return {
        "a gif and a script": ("image/gif", drawn("GIF") + b"*/=1;" + SCRIPT),
        "a gif with a comment": ("image/gif", drawn("GIF", comment=SCRIPT)),
        "a png and a page": ("image/png", drawn("PNG") + b"<html>" + SCRIPT),
        "a png and an archive": ("image/png", drawn("PNG") + zipped(SCRIPT) + SCRIPT),
        "a png with a text": ("image/png", described(SCRIPT.decode())),
        "a jpeg with a comment": ("image/jpeg", drawn("JPEG", comment=SCRIPT)),
        "a webp with xmp": ("image/webp", drawn("WEBP", xmp=SVG)),
        "an avif with xmp": ("image/avif", drawn("AVIF", xmp=SVG)),
    }


def others() -> dict[str, tuple[str, bytes]]:
    """What is kept as it came."""
    return {
        "a page named png": (OTHER, b"<!doctype html>" + SCRIPT),
        "a page behind blanks": (OTHER, b" \n\t" * 30 + b"<html>" + SCRIPT),
        "a drawing": (OTHER, SVG),
        "a drawing in utf-16": (OTHER, SVG.decode().encode("utf-16")),
        "a gif that is a script": (OTHER, b"GIF89a=1;//" + SCRIPT),
        "a text that unpacks to 80 MB": (OTHER, described("\0" * 80_000_000)),
        "a pdf that is a page": ("application/pdf", b"%PDF-1.7\n" + SCRIPT),
        "an archive that unpacks to 80 MB": (OTHER, zipped(bytes(80_000_000))),
        "sound that is a page": ("audio/mpeg", b"\xff\xfb\x90\x64" + SCRIPT),
        "film that is a page": ("video/webm", b"\x1aE\xdf\xa3" + SCRIPT),
        "a program": (OTHER, b"MZ\x90\x00" + SCRIPT),
        "a module": (OTHER, b"\0asm\1\0\0\0" + SCRIPT),
    }


async def test_what_was_made_to_be_taken_for_something_else_is_not(visitor: Browser, ticket: Ticket) -> None:
    drawn_anew = pictures()
    corpus = list((drawn_anew | others()).items())
    for at in range(0, len(corpus), MESSAGE_FILES):
        some = corpus[at : at + MESSAGE_FILES]
        await say(visitor, room_of(ticket), *((f"{name}.png", data) for name, (_, data) in some))
        for file, (name, (kind, data)) in zip(
            (await newest(visitor, room_of(ticket)))["files"], some, strict=True
        ):
            got = await visitor.get(file_at(ticket, file))
            assert (name, got.headers["content-type"]) == (name, kind)
            assert got.headers["x-content-type-options"] == "nosniff"
            assert got.headers.get_list("content-security-policy") == [SANDBOX]
            in_place = kind.partition("/")[0] in ("image", "audio", "video")
            assert got.headers["content-disposition"].startswith("inline;" if in_place else "attachment;"), (
                name
            )
            if name in drawn_anew:
                assert SCRIPT not in got.content, name
            else:
                assert got.content == data, name


@pytest.mark.parametrize(("width", "height"), [(20_000, 10_000), (2**31 - 1, 1), (30_000, 30_000)])
async def test_a_picture_that_only_says_how_large_it_is_is_refused(
    visitor: Browser, ticket: Ticket, width: int, height: int
) -> None:
    answer = await say(visitor, room_of(ticket), ("bomb.png", png_of(width, height)), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_pixels")


NAMES = [
    "\u062a\u0642\u0631\u064a\u0631 (\u0662).pdf",
    "\u05d3\u05d5\u05d7 \u05d7\u05d5\u05d3\u05e9\u05d9.docx",
    "\u0e23\u0e32\u0e22\u0e07\u0e32\u0e19\u0e1b\u0e35.xlsx",
    "\u0939\u093f\u0928\u094d\u0926\u0940.txt",
    "\u5831\u544a\u66f8\u306e\u3010\u63a7\u3048\u3011.pdf",
    "\ubcf4\uace0\uc11c.hwp",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family.jpg",
    "e\u0301te\u0301 100 % #1 ?&=+.txt",
    "invoice\u202efdp.exe",
    "..\\..\\boot.ini",
    ".htaccess",
    "a;b=c'd`e$(f).txt",
    "\U0001f600" * 90 + ".png",
    "..",
]


async def test_a_name_in_any_script_is_kept_and_comes_back_with_the_file(
    visitor: Browser, ticket: Ticket
) -> None:
    for at in range(0, len(NAMES), MESSAGE_FILES):
        some = NAMES[at : at + MESSAGE_FILES]
        await say(visitor, room_of(ticket), *((name, b"words") for name in some))
        files = (await newest(visitor, room_of(ticket)))["files"]
        assert [file["name"] for file in files] == [safe_name(name) for name in some]
        page = await visitor.get(room_of(ticket))
        for file in files:
            [address] = {part for part in page.text.split('"') if f"files/{file['file_id']}/" in part}
            got = await visitor.get(urljoin(str(page.url), address))
            assert got.content == b"words"
            assert unquote(got.headers["content-disposition"].rpartition("UTF-8''")[2]) == file["name"]
