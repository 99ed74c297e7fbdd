"""What an agent was told of: the list under the bell, its marks, and what the agent chose to hear."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.sidebar import bell_at
from parlour.features.tickets.models import TicketRow
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import CHOICES, Chosen, Kind, Line, Place, Way
from parlour.kernel import clock
from parlour.kernel.errors import NotFound
from parlour.web.forms import BadForm, read_form
from parlour.web.ids import id_of
from parlour.web.pages import redirect
from parlour.web.site import db


async def page(request: Request) -> Response:
    """The list as a page, or as what the bell opens over a page."""
    return await _page(request, await desk_in(request), _place(request.query_params.get("before")))


async def _page(request: Request, desk: Desk, before: Place | None = None) -> Response:
    upto = clock.now()
    found = await db(request).read(desk.actor, units.told, bell_at(desk), before)
    asked_from = request.headers.get("hx-current-url", "").partition("?")[0]
    fragment = "hx-request" in request.headers
    return await render_at(
        request,
        desk,
        f"desk/{'notification_list' if fragment else 'notifications'}.html",
        lines=[_line(line, ticket) for line, ticket in found.lines],
        unread=any(not line.read for line, _ in found.lines),
        older=_written(found.older) if found.older else "",
        upto=upto.isoformat(),
        inside=fragment and not asked_from.endswith("/notifications"),
    )


def _line(line: Line, ticket: TicketRow) -> dict[str, Any]:
    return {
        "kind": line.kind.value,
        "times": line.times,
        "who": notifications.done_by(line, ticket),
        "at": line.at,
        "read": line.read,
        "ticket_id": str(ticket.ticket_id),
        "number": ticket.number,
        "subject": ticket.subject,
    }


def _written(place: Place) -> str:
    return f"{place.at.isoformat()}_{place.ticket_id}_{place.kind}"


def _place(text: str | None) -> Place | None:
    """Raises NotFound for what is none of ours."""
    if text is None:
        return None
    at, _, rest = text.partition("_")
    ticket_id, _, kind = rest.partition("_")
    try:
        return Place(_moment(at), id_of(ticket_id), Kind(kind).value)
    except ValueError:
        raise NotFound from None


def _moment(text: str) -> datetime:
    """Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


async def read_all(request: Request) -> Response:
    """All that the list had when it was shown; what came since stays new."""
    desk = await desk_in(request)
    fields = await read_form(request)
    try:
        upto = _moment(fields.get("upto", ""))
    except ValueError:
        raise BadForm from None
    await db(request).write(desk.actor, notifications.read_all, upto)
    if "hx-request" in request.headers:
        return await _page(request, await desk_in(request))
    return redirect(f"/workspace/{desk.workspace_id}/notifications")


async def choices(request: Request) -> Response:
    """What the agent hears of in this workspace, and how."""
    desk = await desk_in(request)
    return await render_at(
        request,
        desk,
        "desk/notification_choices.html",
        chosen=chosen_in(desk.told),
        saved="saved" in request.query_params,
    )


def chosen_in(told: int) -> list[str]:
    """As the boxes of the form are called."""
    return [f"{kind}_{way}" for kind, way in CHOICES if (kind, way) in Chosen.of(told).ways]


async def choose(request: Request) -> Response:
    """A box that isn't ticked isn't sent."""
    desk = await desk_in(request)
    fields = await read_form(request)
    ticked = frozenset((kind, way) for kind in Kind for way in Way if f"{kind}_{way}" in fields)
    await db(request).write(desk.actor, notifications.choose, Chosen(ticked))
    if fields.get("back") == "profile":
        return redirect("/profile?saved=told#notifications")
    return redirect(f"/workspace/{desk.workspace_id}/notifications/choices?saved=yes")
