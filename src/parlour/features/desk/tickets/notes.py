"""The notes of a ticket: what agents say among themselves, in a room of its own."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.chat.models import Audience
from parlour.features.conversation import pages as conversation
from parlour.features.desk.agent import act_at, actor_in, desk_in
from parlour.features.desk.tickets import ticket
from parlour.features.tickets import service as tickets
from parlour.web.forms import read_form_with_files
from parlour.web.ids import id_in
from parlour.web.pages import redirect, wants_json
from parlour.web.site import db


async def notes(request: Request) -> Response:
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        return await conversation.page_as_json(request, desk.actor, ticket_id, Audience.INTERNAL)
    return await ticket.page(request, desk, ticket_id, Audience.INTERNAL)


async def add(request: Request) -> Response:
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        return await _add_as_json(request, ticket_id)
    desk = await desk_in(request)
    actor = desk.actor
    write = partial(db(request).write, actor)
    take = conversation.uploads(request, actor, ticket_id, Audience.INTERNAL).take
    filled = await read_form_with_files(request, take)
    fields, refused = filled.fields, filled.refused
    kept = await conversation.staged(request, actor, filled.file_ids)
    if refused:
        writing = ticket.not_sent(fields, refused, kept)
        return await ticket.page(
            request, desk, ticket_id, Audience.INTERNAL, refused=refused, writing=writing
        )
    if "read" in fields:
        await conversation.mark_read(write, ticket_id, fields, Audience.INTERNAL)
        return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}/notes#latest")
    try:
        await conversation.send(request, write, ticket_id, filled, tickets.add_note)
    except ticket.NOT_SENT as error:
        writing = ticket.not_sent(fields, error, kept)
        return await ticket.page(request, desk, ticket_id, Audience.INTERNAL, refused=error, writing=writing)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}/notes#latest")


async def _add_as_json(request: Request, ticket_id: UUID) -> Response:
    who = partial(actor_in, request)
    filled = await conversation.read_sent(request, who, ticket_id, Audience.INTERNAL)
    write = partial(act_at, request)
    return conversation.sent_as_json(
        await conversation.send(request, write, ticket_id, filled, tickets.add_note)
    )
