"""A process of its own that draws one strange picture anew.

`python -m parlour.files.redraw OUT THUMBNAIL < PICTURE` has bounds on memory, time and what it writes, reads
only what it was handed, and ends. On stdout it says as JSON `media_type`, `width`, `height`, whether there is
a `thumbnail`, and the `ink` of a logo, which it draws when the word LOGO stands in place of THUMBNAIL. Its
exit status is REFUSED for too many pixels and UNREADABLE for what is no picture after all.
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
LOGO = "logo"
LOGO_SIZE = (288, 72)
"""Pixels at most; twice what pages show, for dense screens."""
DARK, LIGHT = 70, 190
"""From 0 to 255. Drawn darker than this a picture is lost on a dark ground, brighter on a white one."""
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
    out, thumbnail = Path(sys.argv[1]), sys.argv[2]
    _bound()
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # counted below, with an answer of our own
    try:
        with Image.open(sys.stdin.buffer, formats=tuple(_FORMATS)) as picture:
            frames = getattr(picture, "n_frames", 1) if picture.format != "JPEG" else 1
            pixels = picture.width * picture.height
            if pixels > PIXELS or pixels * frames > FRAMES_PIXELS:
                return REFUSED
            drawn = _logo(picture, out) if thumbnail == LOGO else _draw(picture, frames, out, Path(thumbnail))
            sys.stdout.write(json.dumps({"ink": "", **drawn}))
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


def _logo(picture: "object", out: Path) -> dict[str, object]:
    """One PNG, without what is empty around it: every mail program shows that."""
    from PIL import Image, ImageOps

    assert isinstance(picture, Image.Image)
    drawn = ImageOps.exif_transpose(picture)
    see_through = drawn.has_transparency_data
    drawn = drawn.convert("RGBA" if see_through else "RGB")
    drawn.info.clear()
    if see_through:
        drawn = drawn.crop(drawn.getchannel("A").getbbox())
    drawn.thumbnail(LOGO_SIZE)
    drawn.save(out, "PNG", optimize=True)
    width, height = drawn.size
    said = {"media_type": _FORMATS["PNG"], "width": width, "height": height, "thumbnail": False}
    return {**said, "ink": ink(drawn) if see_through else ""}


def ink(picture: "object") -> str:
    """Whether what is drawn is "dark" or "light", or "" for what can be seen on white and on black."""
    from PIL import Image, ImageStat

    assert isinstance(picture, Image.Image)
    drawn = picture.getchannel("A").point(lambda alpha: 255 if alpha > 127 else 0)
    if not drawn.getbbox():
        return ""
    bright = ImageStat.Stat(picture.convert("L"), mask=drawn).mean[0]
    return "dark" if bright < DARK else "light" if bright > LIGHT else ""


if __name__ == "__main__":
    sys.exit(main())
