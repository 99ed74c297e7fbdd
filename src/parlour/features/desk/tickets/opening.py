"""An agent opens a ticket for somebody."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.conversation import pages as conversation
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import DESCRIPTION_LIMIT, SUBJECT_LIMIT, Draft
from parlour.kernel import clock
from parlour.kernel.access import permitted
from parlour.kernel.errors import Conflict, DomainError
from parlour.kernel.messages import Attachment
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, BadForm, read_form_with_files, uuid_field
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db

FIELDS = ("email", "subject", "description")


async def form(request: Request) -> Response:
    """`email` in the address fills that field in."""
    desk = await desk_in(request)
    permitted(desk.actor, tickets.open_for)
    return await _page(request, desk, {"email": request.query_params.get("email", "")})


async def _page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str],
    refused: DomainError | None = None,
    staged: Sequence[Attachment] = (),
) -> Response:
    # Words that were changed after a first send are another ticket.
    again = "" if isinstance(refused, Conflict) else typed.get("client_id", "")
    return await render_at(
        request,
        desk,
        "desk/new_ticket.html",
        refused=refused,
        form={name: typed.get(name, "") for name in FIELDS}
        | {"client_id": again or str(clock.new_id()), "staged": [file._asdict() for file in staged]},
        subject_limit=SUBJECT_LIMIT,
        content_limit=DESCRIPTION_LIMIT,
    )


async def open_ticket(request: Request) -> Response:
    """The same form twice is one ticket; whatever goes wrong, what was typed and uploaded comes back."""
    desk = await desk_in(request)
    actor = desk.actor
    filled = await read_form_with_files(request, conversation.uploads_for_new(request, actor).take)
    permitted(actor, tickets.open_for)
    fields, staged = filled.fields, await conversation.staged(request, actor, filled.file_ids)
    if filled.refused:
        return await _page(request, desk, fields, filled.refused, staged)
    try:
        email, subject, description = (fields.get(name, "") for name in FIELDS)
        draft = Draft(subject, description, email, uuid_field(fields, "client_id"), file_ids=filled.file_ids)
        draft = tickets.checked(draft)
        await count(request, Limit.OPEN_BY_AGENT, str(desk.person.user_id))
        opened = await db(request).write(actor, tickets.open_for, draft)
    except BadForm as error:
        return await _page(request, desk, {**fields, "client_id": ""}, error, staged)
    except (*REFUSALS, Conflict) as error:
        return await _page(request, desk, fields, error, staged)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{opened.ticket.ticket_id}")
