"""One ticket at the desk: its conversation, and what an agent changes about it."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import Tx
from parlour.features.accounts.models import Desk
from parlour.features.chat.models import History
from parlour.features.chat.service import RoomClosed
from parlour.features.conversation import pages as conversation
from parlour.features.conversation.view import room_view
from parlour.features.desk.agent import actor_at, desk_in, render_at
from parlour.features.tickets import access
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Member
from parlour.kernel.access import Permission, Role, requires
from parlour.kernel.errors import Conflict, Invalid, TooMany
from parlour.web.forms import BadForm, read_form
from parlour.web.pages import redirect, wants_json
from parlour.web.site import db

Choice = TypeVar("Choice", bound=StrEnum)


@requires(Permission.TICKET_READ)
def _everything(tx: Tx, ticket_id: UUID, before: int | None) -> tuple[Ticket, History, Sequence[Member]]:
    ticket, history = conversation.conversation(tx, ticket_id, before)
    return ticket, history, workspaces.members(tx)


async def ticket(request: Request) -> Response:
    return await _page(request, await desk_in(request), conversation.ticket_id_in(request))


async def _page(
    request: Request,
    desk: Desk,
    ticket_id: UUID,
    *,
    status: int = 200,
    draft: str = "",
    room_problem: str | None = None,
    problem: str | None = None,
) -> Response:
    actor = actor_at(desk)
    before = conversation.seq_in(request, "before")
    found, history, members = await db(request).read(actor, _everything, ticket_id, before)
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}"
    room = room_view(
        history,
        actor,
        page_url=here,
        chat_url=f"{here}/chat",
        socket_url=f"/realtime?workspace={desk.workspace_id}",
        new_ticket_url=None,
        draft=draft,
        problem=room_problem,
    )
    names = {member.user_id: member.name for member in members}
    context: dict[str, Any] = {
        "ticket": found,
        "assignee_name": names.get(found.assignee_id) if found.assignee_id else None,
        "room": room,
        "members": [member for member in members if member.role is not Role.VIEWER],
        "statuses": [
            value.value for value in Status if value is not Status.NEW or found.status is Status.NEW
        ],
        "priorities": [value.value for value in Priority],
        "may_update": actor.may(Permission.TICKET_UPDATE),
        "problem": problem,
    }
    template = "desk/ticket_panel.html" if "hx-request" in request.headers else "desk/ticket.html"
    return render_at(request, desk, template, status=status, **context)


async def chat(request: Request) -> Response:
    """The room's messages for the page's own script; people find the room on the ticket's page."""
    desk = await desk_in(request)
    ticket_id = conversation.ticket_id_in(request)
    if wants_json(request):
        return await conversation.page_as_json(request, actor_at(desk), ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")


async def send(request: Request) -> Response:
    desk = await desk_in(request)
    ticket_id = conversation.ticket_id_in(request)
    fields = await read_form(request)
    actor = actor_at(desk)
    if wants_json(request):
        return conversation.sent_as_json(actor, await conversation.send(request, actor, ticket_id, fields))
    try:
        await conversation.send(request, actor, ticket_id, fields)
    except (Invalid, Conflict, RoomClosed, TooMany) as error:
        problem = error.problems.get("content") if isinstance(error, Invalid) else error.code
        draft = fields.get("content", "")
        page = await _page(request, desk, ticket_id, status=error.status, draft=draft, room_problem=problem)
        return conversation.with_wait(page, error)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}#latest")


def _one_of(choices: type[Choice], text: str) -> Choice:
    try:
        return choices(text)
    except ValueError:
        raise BadForm from None


def _member(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadForm from None


async def set_status(request: Request) -> Response:
    return await _change(request, "status", lambda text: _one_of(Status, text), tickets.update_ticket_status)


async def set_priority(request: Request) -> Response:
    return await _change(
        request, "priority", lambda text: _one_of(Priority, text), tickets.update_ticket_priority
    )


async def set_assignee(request: Request) -> Response:
    return await _change(request, "assignee", _member, tickets.assign_ticket)


async def _change(
    request: Request, field: str, parse: Callable[[str], Any], action: Callable[..., Ticket]
) -> Response:
    """One field and the version that the agent saw; a stale one shows what the ticket is now."""
    desk = await desk_in(request)
    ticket_id = conversation.ticket_id_in(request)
    fields = await read_form(request)
    version = fields.get("version", "")
    if not (version.isascii() and version.isdecimal() and len(version) < 16) or field not in fields:
        raise BadForm
    value = parse(fields[field])
    try:
        await db(request).write(actor_at(desk), action, ticket_id, value, seen_version=int(version))
    except tickets.StaleTicket as error:
        return await _page(request, desk, ticket_id, status=error.status, problem=error.code)
    if "hx-request" in request.headers:
        return await _page(request, desk, ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")


async def revoke_access(request: Request) -> Response:
    """Shut the customer out until a fresh link is asked for: a mail went astray, a computer was shared."""
    desk = await desk_in(request)
    ticket_id = conversation.ticket_id_in(request)
    await read_form(request)
    await db(request).write(actor_at(desk), access.revoke_access, ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")
