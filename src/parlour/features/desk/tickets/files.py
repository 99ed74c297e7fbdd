"""The files of a ticket, as agents get them."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation import pages as conversation
from parlour.features.conversation import units as rooms
from parlour.features.conversation.attachments import file_view
from parlour.features.conversation.downloads import serve
from parlour.features.conversation.timeline import Before
from parlour.features.desk import units
from parlour.features.desk.agent import actor_in, desk_in, render_at
from parlour.features.desk.tickets.ticket import before_in
from parlour.kernel.access import Permission
from parlour.realtime.protocol import SEQ_LIMIT
from parlour.web.ids import id_in
from parlour.web.site import db


async def every(request: Request) -> Response:
    """A page of the ticket's files; for htmx, which shows it beside the conversation, the list alone."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    before = before_in(request) or Before(SEQ_LIMIT, SEQ_LIMIT)
    found = await db(request).read(desk.actor, units.ticket_files, ticket_id, before)
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}"
    shown = [file_view(file, f"{here}/files") | {"internal": internal} for file, internal in found.files]
    older = found.older and f"{here}/files?before={found.older.public}&notes={found.older.notes}"
    template = "desk/ticket_files_list.html" if "hx-request" in request.headers else "desk/ticket_files.html"
    return await render_at(
        request,
        desk,
        template,
        ticket=found.ticket,
        here=here,
        files=shown,
        older=older,
        may_release=desk.actor.may(Permission.FILE_RELEASE),
    )


async def upload(request: Request) -> Response:
    """For an answer, or with `note` for a note."""
    actor = await actor_in(request)
    return await conversation.upload(
        request, conversation.uploads(request, actor, id_in(request, "ticket_id"), None)
    )


async def upload_for_new(request: Request) -> Response:
    actor = await actor_in(request)
    return await conversation.upload(request, conversation.uploads_for_new(request, actor))


async def take_back(request: Request) -> Response:
    return await conversation.take_back(request, await actor_in(request))


async def file(request: Request) -> Response:
    """A file of the ticket's room or of its notes. Its name stands in the address for people alone."""
    desk = await desk_in(request)
    ticket_id, file_id = id_in(request, "ticket_id"), id_in(request, "file_id")
    return await serve(request, await db(request).read(desk.actor, rooms.file, ticket_id, file_id))
