"""A process of its own that draws one strange picture anew.

`python -m parlour.files.redraw OUT THUMBNAIL < PICTURE` has bounds on memory, time and what it writes, reads
only what it was handed, and ends. On stdout it says as JSON `media_type`, `width`, `height` and whether there
is a `thumbnail`. Its exit status is REFUSED for too many pixels and
UNREADABLE for what is no picture after all.
"""

import json
import resource
import sys
from pathlib import Path

MEMORY = 1024 * 1024 * 1024
PROCESSOR_SECONDS = 30
FILE_BYTES = 100 * 1024 * 1024
PIXELS = 64_000_000
"""Unpacked, turned and packed again these need some 600 MB. Phones take pictures of 12 to 50 million."""
FRAMES_PIXELS = 200_000_000
"""Of an animation all together."""
THUMBNAIL = (640, 640)
"""Pixels at most; twice what a room shows, for dense screens."""
SMALL = 64 * 1024
"""Bytes below which a picture of the thumbnail's size is its own."""
REFUSED, UNREADABLE = 3, 4

_FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
_QUALITY: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 88, "optimize": True},
    "WEBP": {"quality": 88, "method": 3},
    "AVIF": {"quality": 75, "speed": 9},
    "PNG": {"compress_level": 6},
    "GIF": {},
}


def main() -> int:
    out, thumbnail = map(Path, sys.argv[1:3])
    _bound()
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # counted below, with an answer of our own
    try:
        with Image.open(sys.stdin.buffer, formats=tuple(_FORMATS)) as picture:
            frames = getattr(picture, "n_frames", 1) if picture.format != "JPEG" else 1
            pixels = picture.width * picture.height
            if pixels > PIXELS or pixels * frames > FRAMES_PIXELS:
                return REFUSED
            sys.stdout.write(json.dumps(_draw(picture, frames, out, thumbnail)))
    except MemoryError:
        return REFUSED
    except Exception:  # whatever Pillow makes of broken bytes
        return UNREADABLE
    return 0


def _bound() -> None:
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def _draw(picture: "object", frames: int, out: Path, thumbnail: Path) -> dict[str, object]:
    from PIL import Image, ImageOps

    assert isinstance(picture, Image.Image)
    form = picture.format or ""
    colours = {"icc_profile": picture.info.get("icc_profile")} if form != "GIF" else {}
    if frames > 1:
        drawn = picture
        moving: dict[str, object] = {"save_all": True}
    else:
        drawn, moving = ImageOps.exif_transpose(picture), {}
        drawn.info.clear()
        if form == "JPEG" and drawn.mode not in ("L", "RGB", "CMYK"):
            drawn = drawn.convert("RGB")
    # Named empty, because a format's writer takes over what the picture was read with.
    drawn.save(out, form, exif=b"", **colours, **moving, **_QUALITY[form])
    width, height = drawn.size
    picture.seek(0)
    small = drawn if frames == 1 else picture.copy()
    has_thumbnail = width > THUMBNAIL[0] or height > THUMBNAIL[1] or out.stat().st_size > SMALL
    if has_thumbnail:
        small.thumbnail(THUMBNAIL)
        mode = "RGBA" if small.has_transparency_data else "RGB"
        small.convert(mode).save(thumbnail, "WEBP", quality=75, method=3, exif=b"")
    return {"media_type": _FORMATS[form], "width": width, "height": height, "thumbnail": has_thumbnail}


if __name__ == "__main__":
    sys.exit(main())
