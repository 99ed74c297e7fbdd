"""The files of a ticket, as agents get them."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation import units as rooms
from parlour.features.conversation.downloads import serve
from parlour.features.desk.agent import actor_at, desk_in
from parlour.web.ids import id_in
from parlour.web.site import db


async def file(request: Request) -> Response:
    """A file of the ticket's room or of its notes. Its name stands in the address for people alone."""
    desk = await desk_in(request)
    ticket_id, file_id = id_in(request, "ticket_id"), id_in(request, "file_id")
    return await serve(request, await db(request).read(actor_at(desk), rooms.file, ticket_id, file_id))
