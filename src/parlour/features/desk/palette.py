"""The command palette: its dialog, which every page has, and what it finds and can change."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, manages, render_at
from parlour.features.desk.dialogs import address_of, dialogs_of
from parlour.features.desk.query import BUILT_IN, TableQuery
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters
from parlour.kernel.access import Permission
from parlour.web.site import db, site

SHOWN = 8
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}


async def dialogs(request: Request) -> Response:
    """Kept by the browser when it asked at their own address; else they are others than it knows."""
    desk = await desk_in(request)
    found = dialogs_of(site(request).renderer, desk, managed=manages(desk))
    return HTMLResponse(found, headers=KEPT if request.url.path == address_of(desk, found) else None)


async def palette(request: Request) -> Response:
    """A fragment of options: the tickets that fit what was typed, else the latest ones, and every view.

    Views are few, so the page narrows them by itself, as it does its actions.
    """
    desk = await desk_in(request)
    q = TableQuery.read({"q": request.query_params.get("q", "")}).q
    filters = Filters(q=q, limit=SHOWN)
    run = db(request).read if listing.costs_the_same(filters) else db(request).scan
    found = await run(desk.actor, units.palette, filters)
    return await render_at(
        request,
        desk,
        "desk/palette.html",
        tickets=[row._asdict() for row in found.tickets],
        more=found.more,
        query=TableQuery.read({"q": q}).text,
        views=found.views,
        people=found.people,
        members=found.members,
        tags=found.tags,
        may_update=desk.actor.may(Permission.TICKET_UPDATE),
        built_in={name: query.text for name, query in BUILT_IN.items()},
    )
