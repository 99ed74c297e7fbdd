"""Whose portal this is, and who is looking at it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.tickets import access
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, NotFound
from parlour.web.errors import error_page
from parlour.web.pages import render
from parlour.web.session import visitor_secret
from parlour.web.site import db


async def workspace_in(request: Request) -> Workspace:
    """Raises UnknownWorkspace."""
    slug = request.path_params.get("slug", request.url.path.split("/")[2])
    return await db(request).read(Actor.visitor(), workspaces.workspace_at, slug)


async def customer(request: Request, workspace: Workspace, ticket_id: UUID) -> Actor:
    """Raises UnknownTicket, NoAccess."""
    visitor = Actor.visitor(workspace.workspace_id)
    return await db(request).read(visitor, access.customer_of, ticket_id, visitor_secret(request))


async def boundary(request: Request, error: DomainError) -> Response | None:
    """Every portal error in the portal's layout, as long as there is a portal."""
    try:
        workspace = await workspace_in(request)
    except NotFound:
        return None
    if isinstance(error, access.NoAccess):
        return render(request, "portal/locked.html", status=error.status, workspace=workspace)
    home = f"/support/{workspace.slug}"
    return error_page(request, error, layout="portal", home=home, workspace=workspace)
