"""The logo among a workspace's settings: put, replaced and taken away by one form."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation.uploads import intake
from parlour.features.desk.agent import desk_in
from parlour.features.desk.settings.general import LOGO_LIMIT, page_refused
from parlour.features.files.spool import on_disk, spool
from parlour.features.workspaces.logo import service as logos
from parlour.files.errors import Infected, TooManyPixels
from parlour.files.pictures import Drawn
from parlour.files.scan import WHILE_SOMEBODY_WAITS, Scan
from parlour.kernel import clock
from parlour.kernel.access import Actor, permitted
from parlour.kernel.errors import Invalid
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, read_form_with_files
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db, site


async def change(request: Request) -> Response:
    """A picture replaces the logo; `remove` takes it away."""
    desk = await desk_in(request)
    actor = desk.actor
    permitted(actor, logos.put)
    coming = _Coming(request, actor)
    filled = await read_form_with_files(request, coming.take)
    refused = filled.refused
    if refused is None and "remove" in filled.fields:
        await db(request).write(actor, logos.remove)
    elif refused is None and not filled.file_ids:
        refused = Invalid({"logo": "required"})
    if isinstance(refused, REFUSALS):
        return await page_refused(request, desk, refused)
    if refused:
        raise refused
    return redirect(f"/workspace/{desk.workspace_id}/settings?saved=1")


class _Coming:
    """A picture on its way to be the logo."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self._request = request
        self._actor = actor

    async def take(self, _name: str, data: AsyncIterator[bytes], _fields: Mapping[str, str]) -> UUID:
        """Raises Invalid (`logo`: too_large, no_picture, too_many_pixels, infected), TooMany."""
        await count(self._request, Limit.UPLOAD, str(self._actor.workspace_id), self._actor.id)
        content = bytearray()
        async for piece in data:
            content += piece
            if len(content) > LOGO_LIMIT:
                raise Invalid({"logo": "too_large"})
        with TemporaryDirectory(prefix="parlour-") as folder:
            drawn = await self._drawn(bytes(content), Path(folder))
            png = drawn.path.read_bytes()
        await db(self._request).write(self._actor, logos.put, png, drawn.width, drawn.height, drawn.ink)
        return clock.new_id()

    async def _drawn(self, content: bytes, folder: Path) -> Drawn:
        look = intake(self._request)
        with on_disk(), spool(site(self._request).settings.data_dir) as file:
            file.write(content)
            if (await look.scanner.scan(file, WHILE_SOMEBODY_WAITS)).scan is Scan.INFECTED:
                raise Invalid({"logo": Infected.code})
            try:
                drawn = await look.pictures.redraw(file, folder, logo=True)
            except TooManyPixels:
                raise Invalid({"logo": TooManyPixels.code}) from None
        if drawn is None:
            raise Invalid({"logo": "no_picture"})
        return drawn
