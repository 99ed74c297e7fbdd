"""The dashboard: what happened last, what is most urgent, how much there is."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import actor_at, desk_in, render_at
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Status
from parlour.kernel.access import Permission
from parlour.web.site import db


async def dashboard(request: Request) -> Response:
    desk = await desk_in(request)
    template = "desk/overview.html" if "hx-request" in request.headers else "desk/dashboard.html"
    return await page(request, desk, template=template)


async def page(request: Request, desk: Desk, *, template: str, status: int = 200) -> Response:
    """The whole page, or only the part of it that changes."""
    actor = actor_at(desk)
    overview = await db(request).read(actor, listing.overview)
    return render_at(
        request,
        desk,
        template,
        status=status,
        counts=overview.counts,
        recent=[row._asdict() for row in overview.recent],
        urgent=[row._asdict() for row in overview.urgent],
        statuses=[value.value for value in Status],
        may_update=actor.may(Permission.TICKET_UPDATE),
        stale=status != 200,
    )
