"""Putting a ticket aside until a morning."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk.agent import desk_in
from parlour.features.desk.tickets import ticket
from parlour.features.desk.tickets.fields import changed
from parlour.features.desk.tickets.ticket_panel import Stale
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.service import StaleTicket
from parlour.features.tickets.snooze.mornings import morning
from parlour.kernel import clock
from parlour.kernel.errors import Invalid
from parlour.web.forms import read_form
from parlour.web.ids import id_in
from parlour.web.site import db


async def snooze(request: Request) -> Response:
    """`until` says which morning, `day` which day, `zone` where: the page's script knows, without it UTC."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    fields = await read_form(request)
    audience = ticket.room_in(fields)
    version = ticket.version_in(fields)
    try:
        until = morning(
            fields.get("until", ""), fields.get("day", ""), clock.zone_named(fields.get("zone", ""))
        )
        made = await db(request).write(desk.actor, bulk.snooze_one, ticket_id, until, seen_version=version)
    except StaleTicket as error:
        overtaken = Stale("snooze", "", max(0, error.current.version - version))
        return await ticket.page(request, desk, ticket_id, audience, refused=error, stale=overtaken)
    except Invalid as error:
        return await ticket.page(request, desk, ticket_id, audience, refused=error)
    return await changed(request, desk, ticket_id, audience, done=True, made=made.to_undo)
