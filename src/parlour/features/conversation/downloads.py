"""A file as it is handed out: by us, with headers of our own, whatever it says of itself."""

import re
from collections.abc import AsyncIterator, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from parlour.features.conversation.uploads import intake
from parlour.features.files.models import File
from parlour.files import kinds
from parlour.files.errors import FilesAway, Missing
from parlour.files.names import content_disposition
from parlour.kernel.errors import NotFound
from parlour.web.headers import SANDBOX

log = structlog.get_logger("parlour.files")

THUMBNAIL = "image/webp"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def serve(request: Request, file: File) -> Response:
    """All of it, the part that was asked for, or only that the browser has it already. Raises NotFound."""
    small = file.has_thumbnail and request.query_params.get("size") == "small"
    headers = _headers(request, file, small=small)
    if {headers["ETag"], "*"} & _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    key = file.thumbnail_key if small else file.storage_key
    size = await intake(request).store.size(key, used=True) if small else file.attachment.size
    if size is None:
        raise NotFound
    span, status = _span(request, size, headers["ETag"])
    if span is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = span
    headers["Content-Length"] = str(end - start)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    media_type = THUMBNAIL if small else file.attachment.media_type
    if request.method == "HEAD" or start == end:
        return Response(status_code=status, headers=headers, media_type=media_type)
    return await handed(intake(request).store.get(key, start, end), status, headers, media_type)


async def handed(
    content: AsyncIterator[bytes], status: int, headers: Mapping[str, str], media_type: str
) -> Response:
    """An answer with this content, of which something has come. Raises NotFound."""
    try:
        first = await anext(content, b"")
    except Missing:
        raise NotFound from None
    return _Handed(_with(first, content), status, headers, media_type)


class _Handed(StreamingResponse):
    async def stream_response(self, send: Send) -> None:
        """Where the store breaks off, so does the connection, and whoever reads knows that it was not all."""
        try:
            await super().stream_response(send)
        except (Missing, FilesAway) as error:
            log.error("file.broken_off", because=str(error) or "it is shorter than what was put")


def _headers(request: Request, file: File, *, small: bool) -> dict[str, str]:
    attachment = file.attachment
    inline = kinds.is_inline(attachment.media_type) and "download" not in request.query_params
    return {
        "Content-Disposition": content_disposition(attachment.name, inline=inline),
        "Content-Security-Policy": SANDBOX,
        # Kept by the browser, which asks each time whether it still may show it.
        "Cache-Control": "private, no-cache",
        "ETag": f'"{attachment.file_id.hex}{"-small" if small else ""}"',
        "Accept-Ranges": "bytes",
    }


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _span(request: Request, size: int, tag: str) -> tuple[tuple[int, int] | None, int]:
    """From where up to where, and the status; no span for a part that there is not (RFC 9110, 14).

    Several parts at once, or what is no range, is all of it.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    whole = (0, size), 200
    if not asked or asked[0] == "bytes=-" or request.headers.get("if-range", tag) != tag:
        return whole
    first, last = asked[1], asked[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return whole
    return ((start, end), 206) if start < end else (None, 416)


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
