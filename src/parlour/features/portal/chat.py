"""The customer's side of the room."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation import pages as conversation
from parlour.features.conversation import units as rooms
from parlour.features.conversation.downloads import serve
from parlour.features.conversation.view import room_view
from parlour.features.portal.merged import goes_on
from parlour.features.portal.visitor import act, customer, customer_in, visit
from parlour.features.tickets.service import TicketClosed
from parlour.kernel.errors import Conflict, DomainError
from parlour.web.forms import REFUSALS, Filled, read_form_with_files
from parlour.web.ids import id_in
from parlour.web.pages import redirect, render, wants_json
from parlour.web.site import db


async def room(request: Request) -> Response:
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        _, actor = await customer(request, ticket_id)
        return await conversation.page_as_json(request, actor, ticket_id)
    return await _page(request, ticket_id)


async def _page(
    request: Request,
    ticket_id: UUID,
    *,
    filled: Filled | None = None,
    refused: DomainError | None = None,
) -> Response:
    before = conversation.seq_in(request, "before")
    here = await visit(request, ticket_id, rooms.conversation, ticket_id, before)
    workspace, (ticket, history) = here.workspace, here.found
    portal = f"/support/{workspace.slug}"
    chat_url = f"{portal}/ticket/{ticket.ticket_id}/chat"
    kept = await conversation.staged(request, here.actor, filled.file_ids) if filled else ()
    view = room_view(
        history,
        here.actor,
        is_open=not ticket.is_closed,
        page_url=chat_url,
        chat_url=chat_url,
        files_url="files",
        socket_url=f"/realtime?ticket={ticket.ticket_id}&portal={workspace.slug}",
        new_ticket_url=f"{portal}/ticket/new",
        **conversation.unsent(filled.fields if filled else {}, refused, kept),
    )
    on = await goes_on(request, here.actor, ticket)
    return render(
        request,
        "portal/chat.html",
        refused=refused,
        workspace=workspace,
        ticket=ticket,
        room=view,
        goes_on=on,
    )


async def send(request: Request) -> Response:
    """JSON for the page's own sending; a plain form goes back to the room, with its text when that failed."""
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        return await _send_as_json(request, ticket_id)
    workspace, actor = await customer(request, ticket_id)
    write = partial(db(request).write, actor)
    filled = await read_form_with_files(request, conversation.uploads(request, actor, ticket_id).take)
    latest = f"/support/{workspace.slug}/ticket/{ticket_id}/chat#latest"
    if filled.refused:
        return await _page(request, ticket_id, filled=filled, refused=filled.refused)
    if "read" in filled.fields:
        await conversation.mark_read(write, ticket_id, filled.fields)
        return redirect(latest)
    try:
        await conversation.send(request, write, ticket_id, filled)
    except (*REFUSALS, Conflict, TicketClosed) as error:
        return await _page(request, ticket_id, filled=filled, refused=error)
    return redirect(latest)


async def _send_as_json(request: Request, ticket_id: UUID) -> Response:
    filled = await conversation.read_sent(request, partial(customer_in, request, ticket_id), ticket_id)
    write = partial(act, request, ticket_id)
    return conversation.sent_as_json(await conversation.send(request, write, ticket_id, filled))


async def upload(request: Request) -> Response:
    ticket_id = id_in(request, "ticket_id")
    _, actor = await customer(request, ticket_id)
    return await conversation.upload(request, conversation.uploads(request, actor, ticket_id))


async def take_back(request: Request) -> Response:
    _, actor = await customer(request, id_in(request, "ticket_id"))
    return await conversation.take_back(request, actor)


async def file(request: Request) -> Response:
    """A file of the room. Its name stands in the address for people alone."""
    ticket_id = id_in(request, "ticket_id")
    here = await visit(request, ticket_id, rooms.file, ticket_id, id_in(request, "file_id"))
    return await serve(request, here.found)
