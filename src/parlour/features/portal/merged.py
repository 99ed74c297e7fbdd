"""From a ticket that was merged into another one to that."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.portal.visitor import customer, slug_in
from parlour.features.tickets.access import service as access
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor
from parlour.web.forms import read_form
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.session import keep_key, keys
from parlour.web.site import db


async def goes_on(request: Request, actor: Actor, ticket: Ticket) -> Mapping[str, object] | None:
    """What pages say of where a merged ticket goes on: its `number`, and whether it is `theirs`."""
    if not ticket.merged_into:
        return None
    found = await db(request).read(actor, merging.goes_on_in, ticket.ticket_id)
    return found and {"number": found[0], "theirs": found[1]}


async def follow(request: Request) -> Response:
    """Let the browser into the ticket in which its own goes on, if that is the same customer's."""
    ticket_id = id_in(request, "ticket_id")
    _, actor = await customer(request, ticket_id)
    await read_form(request)
    kept_id, secret = await db(request).write(actor, access.follow_merge, ticket_id, keys(request))
    response = redirect(f"/support/{slug_in(request)}/ticket/{kept_id}/chat")
    keep_key(request, response, kept_id, secret)
    return response


async def back(request: Request) -> Response:
    """The form's address, typed or reloaded."""
    return redirect(f"/support/{slug_in(request)}/ticket/{id_in(request, 'ticket_id')}")
