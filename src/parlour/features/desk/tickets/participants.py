"""Who else gets the answers of a ticket by mail."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk.agent import desk_in
from parlour.features.desk.tickets import ticket
from parlour.features.desk.tickets.fields import changed
from parlour.features.tickets.participants import service as participants
from parlour.kernel.errors import Invalid
from parlour.web.forms import read_form
from parlour.web.ids import id_in
from parlour.web.site import db


async def change(request: Request) -> Response:
    """Take out whom the button names, or add the address that was typed."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    fields = await read_form(request)
    audience = ticket.room_in(fields)
    try:
        if fields.get("remove"):
            await db(request).write(desk.actor, participants.remove, ticket_id, fields["remove"])
        else:
            typed = fields.get("participant", "")
            await db(request).write(desk.actor, participants.add, ticket_id, typed)
    except Invalid as error:
        return await ticket.page(request, desk, ticket_id, audience, refused=error)
    return await changed(request, desk, ticket_id, audience, done=False)
