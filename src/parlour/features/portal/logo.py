"""The logo of a workspace, for its pages and for mail programs."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.portal.visitor import workspace_in
from parlour.features.workspaces.logo import service as logos
from parlour.kernel.access import Actor
from parlour.web.headers import SANDBOX, SHOWN_ELSEWHERE
from parlour.web.site import db

_CACHE = "public, max-age=86400"
"""Pages name the picture in its address, so that another one is asked for anew."""


async def picture(request: Request) -> Response:
    """Raises NotFound, also where it was taken away."""
    workspace = await workspace_in(request)
    png = await db(request).read(Actor.visitor(workspace.workspace_id), logos.picture)
    headers = {
        "Cache-Control": _CACHE,
        "Content-Security-Policy": SANDBOX,
        "Cross-Origin-Resource-Policy": SHOWN_ELSEWHERE,
    }
    return Response(png, media_type="image/png", headers=headers)
