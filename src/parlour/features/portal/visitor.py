"""Whose portal this is, and who is looking at it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import P, R, Unit
from parlour.features.portal import units
from parlour.features.portal.units import Visit
from parlour.features.tickets.access import service as access
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Portal
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, NotFound
from parlour.web.errors import error_page, words_kept
from parlour.web.pages import redirect, render
from parlour.web.session import keys
from parlour.web.site import db


def slug_in(request: Request) -> str:
    slug: str = request.path_params.get("slug", request.url.path.split("/")[2])
    return slug


async def workspace_in(request: Request) -> Portal:
    """Raises UnknownWorkspace."""
    return await db(request).read(Actor.visitor(), workspaces.workspace_at, slug_in(request))


async def visit(
    request: Request, ticket_id: UUID, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> Visit[R]:
    """Read as the customer that this browser is for the ticket, all as of one moment.

    Raises UnknownWorkspace, NoAccess, and what `unit` raises.
    """

    return await db(request).read(
        Actor.visitor(), units.visit, slug_in(request), ticket_id, keys(request), unit, *args, **kwargs
    )


async def act(request: Request, ticket_id: UUID, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`visit` that stores something: who this browser is, is found out in the same transaction."""
    here: Visit[R] = await db(request).write(
        Actor.visitor(), units.visit, slug_in(request), ticket_id, keys(request), unit, *args, **kwargs
    )
    return here.found


async def customer(request: Request, ticket_id: UUID) -> tuple[Portal, Actor]:
    """Who this browser is for the ticket, and where. Raises UnknownWorkspace, NoAccess."""
    here = await visit(request, ticket_id, lambda _: None)
    return here.workspace, here.actor


async def customer_in(request: Request, ticket_id: UUID) -> Actor:
    _, actor = await customer(request, ticket_id)
    return actor


async def _in_small_letters(request: Request) -> Response | None:
    """An address typed or printed in capitals leads to the same page of the portal that is there."""
    slug = slug_in(request)
    if slug == slug.lower() or request.method not in ("GET", "HEAD"):
        return None
    try:
        await db(request).read(Actor.visitor(), workspaces.workspace_at, slug.lower())
    except NotFound:
        return None
    url = request.url.replace(path=request.url.path.replace(slug, slug.lower(), 1))
    return redirect(f"{url.path}?{url.query}" if url.query else url.path)


async def boundary(request: Request, error: DomainError) -> Response | None:
    """Errors in the portal's layout, as long as there is a portal; or the way to the one that was meant."""
    try:
        workspace = await workspace_in(request)
    except NotFound:
        return await _in_small_letters(request)
    if isinstance(error, access.NoAccess):
        kept = words_kept(request)
        return render(request, "portal/locked.html", status=error.status, workspace=workspace, kept=kept)
    home = f"/support/{workspace.slug}"
    return error_page(request, error, layout="portal", home=home, workspace=workspace)
