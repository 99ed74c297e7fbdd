"""What a HEIC picture says of where and when it was taken goes, and the picture stays as it is.

Pillow writes AVIF alone, which is the same container under another name.
"""

import io

import pytest
from PIL import Image

from parlour.files import heic
from parlour.files.kinds import HEIC, kind_of

SECRET = "taken at 52.5163 N, 13.3777 E"


def taken_by_a_phone() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    drawn = io.BytesIO()
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{SECRET}</x:xmpmeta>".encode()
    Image.effect_noise((60, 40), 90).convert("RGB").save(drawn, "AVIF", exif=exif, xmp=xmp)
    return drawn.getvalue().replace(b"avif", b"heic", 1)


def seen(data: bytes) -> bytes:
    """The picture itself."""
    with Image.open(io.BytesIO(data.replace(b"heic", b"avif", 1))) as picture:
        return picture.tobytes()


def test_place_and_time_go_and_the_picture_stays() -> None:
    came = taken_by_a_phone()
    file = io.BytesIO(came)
    assert kind_of(came[:64]) == HEIC
    assert came.count(SECRET.encode()) == 2

    heic.forget(file)

    kept = file.getvalue()
    assert SECRET.encode() not in kept
    assert len(kept) == len(came)
    assert seen(kept) == seen(came)


def test_what_is_broken_is_not_understood_and_left_alone() -> None:
    came = taken_by_a_phone()
    meta = came.index(b"mdat")
    broken = [came[:end] for end in range(0, meta, 3)]
    broken += [came[:at] + b"\xff\xff" + came[at + 2 :] for at in range(came.index(b"iloc") - 4, meta, 7)]
    for data in broken:
        file = io.BytesIO(data)
        try:
            heic.forget(file)
        except heic.NotUnderstood:
            assert file.getvalue() == data


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x18ftypheic", bytes(8) + b"ftypheic" * 200])
def test_what_only_begins_like_one_is_none(data: bytes) -> None:
    with pytest.raises(heic.NotUnderstood):
        heic.forget(io.BytesIO(data))
