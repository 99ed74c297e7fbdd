"""The portal's front page, opening a ticket, and looking at it."""

from collections.abc import Mapping, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.conversation import pages as conversation
from parlour.features.conversation.attachments import file_views
from parlour.features.conversation.view import message_view
from parlour.features.files.service import TicketFull
from parlour.features.portal import units
from parlour.features.portal.merged import goes_on
from parlour.features.portal.visitor import slug_in, visit, workspace_in
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Ticket
from parlour.features.workspaces.models import Workspace
from parlour.features.workspaces.service import UnknownWorkspace
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import Conflict, DomainError
from parlour.kernel.keys import KEYS_A_BROWSER
from parlour.kernel.messages import Attachment
from parlour.web.counting import counting, network_of
from parlour.web.csrf import ForeignForm
from parlour.web.forms import REFUSALS, BadForm, Filled, read_form_with_files, uuid_field
from parlour.web.ids import id_in
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.session import keep_key, keys
from parlour.web.site import db, site

LATEST = 3
LOOKED_AT = 20
"""Messages among which the latest are found: changes that customers are not told of stand between them."""


class PerhapsAProgram(DomainError):
    """A field that people neither see nor reach was filled in: by a robot, or by a form filler."""

    status = 422
    code = "hidden_field"
    message = "A hidden field of this form was filled in. If that was not you, send it again."


async def home(request: Request) -> Response:
    workspace, rows = await db(request).read(
        Actor.visitor(), units.front_page, slug_in(request), keys(request)
    )
    held = keys(request)
    full = len(held.of_tickets) >= KEYS_A_BROWSER or len(rows) >= KEYS_A_BROWSER
    tickets = [row._asdict() for row in rows]
    return render(
        request, "portal/home.html", workspace=workspace, tickets=tickets, full=full, most=KEYS_A_BROWSER
    )


async def new_ticket(request: Request) -> Response:
    workspace = await workspace_in(request)
    return _form(request, workspace, {})


def _form(
    request: Request,
    workspace: Workspace,
    typed: Mapping[str, str],
    refused: DomainError | None = None,
    staged: Sequence[Attachment] = (),
) -> Response:
    form = {name: typed.get(name, "") for name in ("name", "subject", "description", "email", "client_id")}
    # Words that were changed after a first send are another ticket.
    if isinstance(refused, Conflict) or not form["client_id"]:
        form["client_id"] = str(clock.new_id())
    return render(
        request,
        "portal/new_ticket.html",
        refused=refused,
        workspace=workspace,
        form={**form, "staged": [file._asdict() for file in staged]},
    )


async def open_ticket(request: Request) -> Response:
    """Whatever goes wrong, what was typed and uploaded comes back with the page."""
    filled = await read_form_with_files(
        request, conversation.taking_for_new(request, partial(_uploader, request))
    )
    if "begin" in filled.fields:
        return await _begin(request, filled)
    if filled.refused:
        return await _again(request, filled, filled.refused)
    try:
        if filled.fields.get("website"):
            raise PerhapsAProgram
        opened, secret = await _open(request, _draft(filled))
    except (*REFUSALS, BadForm, Conflict, PerhapsAProgram, TicketFull) as error:
        return await _again(request, filled, error)
    response = redirect(f"/support/{slug_in(request)}/ticket/{opened.ticket_id}")
    keep_key(request, response, opened.ticket_id, secret)
    return response


async def _begin(request: Request, filled: Filled) -> Response:
    """The form, with what somebody was writing as their ticket closed: its room's composer comes here."""
    words = filled.fields.get("content", "")
    if not (words.strip() or filled.file_ids) and isinstance(filled.refused, ForeignForm | None):
        return redirect(f"/support/{slug_in(request)}/ticket/new")
    workspace = await workspace_in(request)
    staged = await _staged(request, workspace, filled)
    return _form(request, workspace, {"description": words}, filled.refused, staged)


async def _again(request: Request, filled: Filled, refused: DomainError) -> Response:
    workspace, fields = await workspace_in(request), filled.fields
    if isinstance(refused, BadForm):
        fields = {**fields, "client_id": ""}
    return _form(request, workspace, fields, refused, await _staged(request, workspace, filled))


async def _staged(request: Request, workspace: Workspace, filled: Filled) -> Sequence[Attachment]:
    uploader = units.uploader(workspace.workspace_id, keys(request))
    return await conversation.staged(request, uploader, filled.file_ids)


async def _uploader(request: Request) -> Actor:
    """Raises UnknownWorkspace."""
    return units.uploader((await workspace_in(request)).workspace_id, keys(request))


async def upload(request: Request) -> Response:
    return await conversation.upload(request, conversation.uploads_for_new(request, await _uploader(request)))


async def take_back(request: Request) -> Response:
    return await conversation.take_back(request, await _uploader(request))


def _draft(filled: Filled) -> Draft:
    """Raises BadForm."""
    fields = filled.fields
    subject, description, email = (fields.get(name, "") for name in ("subject", "description", "email"))
    client_id, name = uuid_field(fields, "client_id"), fields.get("name", "")
    return Draft(subject, description, email, client_id, name, filled.file_ids)


async def _open(request: Request, draft: Draft) -> tuple[Ticket, str]:
    """The ticket and the browser's secret for it: `units.open_at`."""
    limits = counting(request, Limit.OPEN_BY_NETWORK), counting(request, Limit.OPEN_BY_EMAIL)
    what = tickets.checked(draft), keys(request), network_of(request), *limits
    slug, known = slug_in(request), site(request).portals
    supposed = known.get(slug)
    visitor = units.uploader(supposed, keys(request)) if supposed else Actor.visitor()
    try:
        opened = await db(request).write(visitor, units.open_at, slug, *what)
    except Exception as error:
        known.pop(slug, None)
        if supposed and isinstance(error, UnknownWorkspace):
            return await _open(request, draft)
        raise
    known[slug] = opened[0].workspace_id
    return opened


async def ticket(request: Request) -> Response:
    ticket_id = id_in(request, "ticket_id")
    here = await visit(request, ticket_id, units.ticket_page, ticket_id, LOOKED_AT)
    found, history, brought = here.found
    said = [message_view(message, here.actor) for message in history.messages if message.seq > 1]
    return render(
        request,
        "portal/ticket.html",
        workspace=here.workspace,
        ticket=found,
        brought=file_views(brought, f"/support/{here.workspace.slug}/ticket/{ticket_id}/files"),
        messages=[message for message in said if not message["untold"]][-LATEST:],
        room_open=not found.is_closed,
        goes_on=await goes_on(request, here.actor, found),
    )
