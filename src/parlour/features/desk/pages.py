"""The start page, the dashboard and the list of tickets."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk.agent import actor_at, desk_in, person_in, render_at, whoami
from parlour.features.tickets import listing
from parlour.features.tickets import service as tickets_service
from parlour.features.tickets.models import Filters
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor
from parlour.kernel.errors import SignedOut
from parlour.web.pages import redirect, render
from parlour.web.site import db


async def start(request: Request) -> Response:
    """Agents go to their workspaces, straight in when there is one; others read what this is."""
    try:
        person = await person_in(request)
    except SignedOut:
        return render(request, "desk/landing.html")
    theirs = await db(request).read(Actor.visitor(), workspaces.memberships, person.user_id)
    if len(theirs) == 1:
        return redirect(f"/workspace/{theirs[0].workspace_id}")
    me = whoami(person, len(theirs))
    return render(request, "desk/workspaces.html", workspaces=theirs, me=me)


async def dashboard(request: Request) -> Response:
    desk = await desk_in(request)
    overview = await db(request).read(actor_at(desk), listing.overview)
    return render_at(request, desk, "desk/dashboard.html", tickets=overview.recent, counts=overview.counts)


async def tickets(request: Request) -> Response:
    desk = await desk_in(request)
    page = await db(request).read(actor_at(desk), tickets_service.workspace_tickets, Filters())
    return render_at(request, desk, "desk/tickets.html", tickets=page.rows)
