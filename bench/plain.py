"""The ceiling of `bench files`: the same uvicorn that hands out and takes in the same bytes, no more."""

import os
import tempfile
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))


async def give(_: Request) -> Response:
    return FileResponse(FOLDER / "served")


async def take(request: Request) -> Response:
    """A form with one file, kept in the folder; it and its name are on the disk then."""
    async with request.form() as form:
        file = form["files"]
        assert not isinstance(file, str)
        with tempfile.NamedTemporaryFile(dir=FOLDER, delete=False) as kept:
            while piece := await file.read(256 * 1024):
                kept.write(piece)
            kept.flush()
            os.fsync(kept.fileno())
        folder = os.open(FOLDER, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return PlainTextResponse("kept", 201)


app = Starlette(routes=[Route("/", give), Route("/", take, methods=["POST"])])
