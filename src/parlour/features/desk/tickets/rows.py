"""Answers to a change that was made in a list: the row alone, or the dashboard as it is now."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.tickets import dashboard
from parlour.features.desk.tickets.cells import table_rows
from parlour.features.desk.tickets.change_note import noted
from parlour.features.tickets.listing import service as listing
from parlour.kernel.errors import DomainError
from parlour.web.forms import safe_path
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db, site

ROW = "row"
OVERVIEW = "overview"


async def row(request: Request) -> Response:
    """One row as it is now, for a list that is open."""
    return await _row(request, await desk_in(request), id_in(request, "ticket_id"))


async def answer(
    request: Request,
    desk: Desk,
    ticket_id: UUID,
    fields: Mapping[str, str],
    error: DomainError | None = None,
    *,
    made: UUID | None = None,
) -> Response | None:
    """In the shape that the list's form asked for; None when the ticket's own page should answer.

    `made`: the change, which the list that one comes back to says and offers to undo.
    """
    shape = fields.get("shape")
    if shape not in (ROW, OVERVIEW):
        return None
    status = error.status if error else 200
    if "hx-request" in request.headers:
        if shape == OVERVIEW:
            return await dashboard.page(request, desk, template="desk/overview.html", status=status)
        return await _row(request, desk, ticket_id, status=status)
    return None if error else redirect(noted(back_to(desk, fields), made))


def back_to(desk: Desk, fields: Mapping[str, str]) -> str:
    """The list or the ticket that the form stood on, or the whole table."""
    home = f"/workspace/{desk.workspace_id}"
    target = safe_path(fields.get("back", ""), f"{home}/tickets")
    page = target.partition("?")[0]
    here = page in (home, f"{home}/tickets") or page.startswith(f"{home}/tickets/")
    return target if here else f"{home}/tickets"


async def _row(request: Request, desk: Desk, ticket_id: UUID, *, status: int = 200) -> Response:
    ticket = await db(request).read(desk.actor, listing.row, ticket_id)
    return await render_at(
        request,
        desk,
        "desk/ticket_row.html",
        status=status,
        rows=table_rows(site(request).renderer, desk.actor, [ticket], stale=status != 200),
    )
