"""Built files, served under a fingerprint of their content: cached for ever, compressed when asked for."""

import asyncio
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path

import brotli
from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[1] / "static" / "dist"
FOR_EVER = "public, max-age=31536000, immutable"
ALREADY_SMALL = {".woff2", ".png"}
TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".svg": "image/svg+xml"}

_RULED_OUT = re.compile(r"q=0(\.0*)?")


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda content: brotli.compress(content, quality=10),
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
}
"""The smallest first. The folder takes a fifth of a second: too long for a start and for the loop."""


class File(Struct, frozen=True):
    media_type: str
    plain: bytes
    coded: dict[str, bytes] = field(default_factory=dict)
    """By the name of the coding, as far as it was asked for."""
    shrinks: bool = True


def _accepts(header: str, coding: str) -> bool:
    """Whether Accept-Encoding names the coding, and not only to rule it out."""
    named = [part.replace(" ", "").partition(";") for part in header.lower().split(",")]
    return any(name == coding and not _RULED_OUT.fullmatch(weight) for name, _, weight in named)


def _load(path: Path) -> File:
    content = path.read_bytes()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(media_type, content, shrinks=path.suffix not in ALREADY_SMALL)


class Assets:
    """One digest for the whole folder, so that files may name each other by relative address."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.files = {path.name: _load(path) for path in sorted(folder.iterdir()) if path.is_file()}
        whole = hashlib.sha256()
        for name, file in self.files.items():
            whole.update(name.encode() + b"\0" + file.plain + b"\0")
        self.digest = whole.hexdigest()[:10]

    def url(self, name: str) -> str:
        """Raises LookupError for a file that was not built."""
        if name not in self.files:
            raise LookupError(f"There is no built file called {name}.")
        return f"/static/{self.digest}/{name}"

    async def serve(self, request: Request) -> Response:
        """An older or newer digest gets today's file, uncached: during an upgrade both are asked for."""
        file = self.files.get(request.path_params["name"])
        if file is None:
            return Response(status_code=404)
        current = request.path_params["digest"] == self.digest
        headers = {"Cache-Control": FOR_EVER if current else "no-cache", "Vary": "Accept-Encoding"}
        accepted = request.headers.get("accept-encoding", "")
        for name, compress in CODINGS.items() if file.shrinks else ():
            if _accepts(accepted, name):
                if name not in file.coded:
                    file.coded[name] = await asyncio.to_thread(compress, file.plain)
                headers["Content-Encoding"] = name
                return Response(file.coded[name], headers=headers, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)
