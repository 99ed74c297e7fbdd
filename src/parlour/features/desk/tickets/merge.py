"""Merging a ticket into another one: looking for that, looking at it, doing it, and undoing it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.conversation.view import message_view
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.query import TableQuery
from parlour.features.desk.tickets.cells import row_views, ticket_view
from parlour.features.tickets.merging import service as merging
from parlour.kernel.errors import DomainError, Invalid
from parlour.web.forms import BadForm, read_form, uuid_field
from parlour.web.ids import id_in, id_of
from parlour.web.pages import redirect
from parlour.web.site import db


async def form(request: Request) -> Response:
    """`q` looks for the other ticket, `into` is the one that was chosen."""
    query = request.query_params
    return await _page(request, await desk_in(request), id_of(query["into"]) if "into" in query else None)


async def _page(
    request: Request, desk: Desk, into: UUID | None, refused: DomainError | None = None
) -> Response:
    actor, ticket_id = desk.actor, id_in(request, "ticket_id")
    q = TableQuery.read({"q": request.query_params.get("q", "")}).q
    found = await db(request).scan(actor, merging.propose, ticket_id, q, into)
    kept = found.kept
    return await render_at(
        request,
        desk,
        "desk/merge.html",
        refused=refused,
        ticket=ticket_view(found.ticket),
        q=q,
        found=row_views(found.found),
        kept=kept and ticket_view(kept),
        newest=[message_view(message, actor) for message in found.newest],
        why_not=found.problem,
    )


async def merge(request: Request) -> Response:
    """On to the kept ticket. What cannot be is said on the page that asked."""
    desk, ticket_id = await desk_in(request), id_in(request, "ticket_id")
    fields = await read_form(request)
    into, knows = uuid_field(fields, "into"), fields.get("people") == "yes"
    try:
        kept = await db(request).write(desk.actor, merging.merge, ticket_id, into, two_people=knows)
    except Invalid as error:
        if error.problems.get("into") == "unknown":
            raise BadForm from None
        return await _page(request, desk, into, error)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{kept.ticket_id}")


async def undo(request: Request) -> Response:
    """Back to the ticket that stands alone again."""
    desk, ticket_id = await desk_in(request), id_in(request, "ticket_id")
    await read_form(request)
    await db(request).write(desk.actor, merging.undo, ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")
