"""Pictures drawn anew in a process of their own: nothing hidden in them, or aimed at us, goes on."""

import asyncio
import json
import sys
from pathlib import Path
from typing import BinaryIO, Literal

import structlog
from msgspec import Struct

from parlour.files.errors import TooManyPixels
from parlour.files.redraw import LOGO, REFUSED

SECONDS = 45.0
AT_ONCE = 2

log = structlog.get_logger("parlour.files")


class Drawn(Struct, frozen=True):
    """`path` and, unless the picture is small itself, `thumbnail` lie in the folder that was given.

    `ink`: see `redraw.ink`; of logos alone.
    """

    path: Path
    media_type: str
    width: int
    height: int
    thumbnail: Path | None
    ink: Literal["dark", "light", ""] = ""


class Pictures:
    """At most AT_ONCE are drawn at a time: each may take a gigabyte for a second."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def redraw(self, file: BinaryIO, folder: Path, *, logo: bool = False) -> Drawn | None:
        """The picture in a file of the disk, turned upright, without EXIF, place or comments.

        A `logo` becomes a small PNG. None when it is no picture after all, which is then only good for
        downloading. Raises TooManyPixels.
        """
        out, thumbnail = folder / "picture", folder / "thumbnail"
        file.seek(0)
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "parlour.files.redraw", out, LOGO if logo else thumbnail),
                stdin=file.fileno(),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
            )
            try:
                async with asyncio.timeout(SECONDS):
                    said, _ = await process.communicate()
            except TimeoutError:
                log.warning("files.slow_picture")
                return None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode == REFUSED:
            raise TooManyPixels
        if process.returncode != 0:
            return None
        found = json.loads(said)
        return Drawn(
            out,
            found["media_type"],
            found["width"],
            found["height"],
            thumbnail if found["thumbnail"] else None,
            found["ink"],
        )
