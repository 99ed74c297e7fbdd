"""Pictures are drawn anew in a process of their own; whatever else they were goes."""

import io
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from parlour.files.errors import TooManyPixels
from parlour.files.kinds import OTHER, kind_of
from parlour.files.pictures import Drawn, Pictures

SECRET = b"<script>alert('in here')</script>"
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif"}


def on_disk(folder: Path, data: bytes) -> BinaryIO:
    path = folder / "uploaded"
    path.write_bytes(data)
    return path.open("rb")


async def redrawn(folder: Path, data: bytes) -> Drawn | None:
    with on_disk(folder, data) as file:
        return await Pictures().redraw(file, folder)


def saved(picture: Image.Image, form: str, **more: object) -> bytes:
    into = io.BytesIO()
    picture.save(into, form, **more)
    return into.getvalue()


def taken_by_a_phone() -> Image.Exif:
    """Lying on its side, somewhere."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return exif


@pytest.mark.parametrize("form", FORMATS)
async def test_a_picture_stands_upright_and_tells_nothing(tmp_path: Path, form: str) -> None:
    picture = Image.new("RGB", (900, 700), "teal")
    data = saved(picture, form, exif=taken_by_a_phone()) + SECRET

    drawn = await redrawn(tmp_path, data)

    assert drawn
    assert (drawn.media_type, drawn.width, drawn.height) == (FORMATS[form], 700, 900)
    assert SECRET not in drawn.path.read_bytes()
    with Image.open(drawn.path) as anew:
        assert not anew.getexif()
        assert anew.size == (700, 900)
    assert drawn.thumbnail
    with Image.open(drawn.thumbnail) as small:
        assert small.format == "WEBP"
        assert max(small.size) == 640


INKS = {"black": "dark", "white": "light", "teal": "", "navy": "dark", "gold": "light", "orange": ""}


@pytest.mark.parametrize("colour", INKS)
async def test_a_logo_is_a_small_png_that_says_on_which_ground_it_would_be_lost(
    tmp_path: Path, colour: str
) -> None:
    drawing = Image.new("RGBA", (900, 700))
    drawing.paste(colour, (200, 300, 800, 400))

    with on_disk(tmp_path, saved(drawing, "WEBP")) as file:
        logo = await Pictures().redraw(file, tmp_path, logo=True)

    assert logo
    assert (logo.media_type, logo.width, logo.height, logo.ink) == ("image/png", 288, 48, INKS[colour])
    assert logo.path.stat().st_size < 4_000


async def test_an_animation_goes_on_moving(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]

    drawn = await redrawn(tmp_path, saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert drawn
    assert drawn.thumbnail is None
    with Image.open(drawn.path) as anew:
        assert getattr(anew, "n_frames", 1) == 3


async def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels):
        await redrawn(tmp_path, saved(Image.new("1", (20_000, 10_000)), "PNG"))


async def test_an_animation_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    frames = [Image.new("P", (4000, 4000), number) for number in range(14)]

    with pytest.raises(TooManyPixels):
        await redrawn(tmp_path, saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + SECRET * 30,
        b"\xff\xd8\xff" + bytes(500),
        b"GIF89a" + SECRET,
        saved(Image.effect_noise((400, 400), 80), "PNG")[:9000],
    ],
    ids=["html as png", "empty jpeg", "html as gif", "cut short"],
)
async def test_what_only_begins_like_a_picture_is_none(tmp_path: Path, data: bytes) -> None:
    assert kind_of(data[:64]).startswith("image/")

    assert await redrawn(tmp_path, data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"MZ\x90\x00 a program",
        b"PK\x03\x04 an archive",
        b"#!/bin/sh\n",
        b"",
    ],
)
def test_what_is_not_in_the_table_is_only_bytes(data: bytes) -> None:
    assert kind_of(data) == OTHER


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypheic", "image/heic"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"OggS\x00", "audio/ogg"),
    ],
)
def test_what_can_be_shown_or_played_is_known_by_how_it_begins(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
