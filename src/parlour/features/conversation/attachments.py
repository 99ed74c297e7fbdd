"""The files of a message as pages show them; frontend/src/files.ts does the same for those that come live."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from parlour.kernel.messages import Attachment
from parlour.web.render import filesize

PLAIN = "!'()*"
"""What the script leaves in an address as it is."""
BOX = 320, 240
"""Pixels that a single picture may take: its size is reserved before it is there."""


def file_view(file: Attachment, files_url: str) -> dict[str, Any]:
    """Plain values: an object is slow to answer a template."""
    kind = _kind(file)
    url = "" if kind == "withdrawn" else f"{files_url}/{file.file_id}/{quote(file.name, safe=PLAIN)}"
    width, height = _fitted(file.width or 0, file.height or 0)
    return {
        "file_id": str(file.file_id),
        "name": file.name,
        "kind": kind,
        "url": url,
        "small": f"{url}?size=small",
        "width": width,
        "height": height,
        "about": _about(file),
        "scan": file.scan,
    }


def file_views(files: Iterable[Attachment], files_url: str) -> list[dict[str, Any]]:
    return [file_view(file, files_url) for file in files]


def _kind(file: Attachment) -> str:
    """How it is shown: a picture that was drawn anew has a size."""
    if file.scan == "infected":
        return "withdrawn"
    family = file.media_type.partition("/")[0]
    if family == "image":
        return "picture" if file.width else "other"
    return family if family in ("audio", "video") else "other"


def _fitted(width: int, height: int) -> tuple[int, int]:
    if not (width and height):
        return 0, 0
    scale = min(1, BOX[0] / width, BOX[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _about(file: Attachment) -> str:
    """What it is by its name, and its size."""
    _, dot, ending = file.name.rpartition(".")
    known = dot and ending.isascii() and ending.isalnum() and len(ending) <= 5
    return f"{ending.upper()} \N{MIDDLE DOT} {filesize(file.size)}" if known else filesize(file.size)
