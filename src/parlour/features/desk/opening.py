"""An agent opens a ticket for somebody."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import actor_at, desk_in, render_at
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import DESCRIPTION_LIMIT, SUBJECT_LIMIT, Draft
from parlour.kernel import clock
from parlour.kernel.access import permitted
from parlour.kernel.errors import Conflict, DomainError
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, BadForm, read_form_leniently, uuid_field
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db

FIELDS = ("email", "subject", "description")


async def form(request: Request) -> Response:
    """`email` in the address fills that field in."""
    desk = await desk_in(request)
    permitted(actor_at(desk), tickets.open_for)
    return await _page(request, desk, {"email": request.query_params.get("email", "")})


async def _page(
    request: Request, desk: Desk, typed: Mapping[str, str], refused: DomainError | None = None
) -> Response:
    # Words that were changed after a first send are another ticket.
    again = "" if isinstance(refused, Conflict) else typed.get("client_id", "")
    return await render_at(
        request,
        desk,
        "desk/new_ticket.html",
        refused=refused,
        form={name: typed.get(name, "") for name in FIELDS} | {"client_id": again or str(clock.new_id())},
        subject_limit=SUBJECT_LIMIT,
        content_limit=DESCRIPTION_LIMIT,
    )


async def open_ticket(request: Request) -> Response:
    """The same form twice is one ticket; whatever goes wrong, what was typed comes back."""
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    actor = actor_at(desk)
    permitted(actor, tickets.open_for)
    try:
        if stale:
            raise stale
        email, subject, description = (fields.get(name, "") for name in FIELDS)
        draft = tickets.checked(Draft(subject, description, email, uuid_field(fields, "client_id")))
        await count(request, Limit.OPEN_BY_AGENT, str(desk.person.user_id))
        opened = await db(request).write(actor, tickets.open_for, draft)
    except BadForm as error:
        return await _page(request, desk, {**fields, "client_id": ""}, error)
    except (*REFUSALS, Conflict) as error:
        return await _page(request, desk, fields, error)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{opened.ticket.ticket_id}")
