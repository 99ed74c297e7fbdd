"""Changing one field of a ticket, from its page or from a row of a list. All of it can be undone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import After, Desk
from parlour.features.chat.models import Audience
from parlour.features.desk.agent import desk_in
from parlour.features.desk.tickets import rows
from parlour.features.desk.tickets.came_from import came_from, go_on
from parlour.features.desk.tickets.change_note import noted
from parlour.features.desk.tickets.ticket import Writing, not_sent, one_of, page, room_in, version_in
from parlour.features.desk.tickets.ticket_panel import Stale
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Field, Priority, Status
from parlour.kernel.errors import Invalid
from parlour.web.forms import BadForm, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db


async def set_status(request: Request) -> Response:
    return await _change(request, Field.STATUS, lambda text: one_of(Status, text))


async def set_priority(request: Request) -> Response:
    return await _change(request, Field.PRIORITY, lambda text: one_of(Priority, text))


async def set_assignee(request: Request) -> Response:
    return await _change(request, Field.ASSIGNEE, _member)


def _member(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadForm from None


async def _change(request: Request, field: Field, parse: Callable[[str], Any]) -> Response:
    """One field and the version that the agent saw; a stale one shows who changed what since."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    fields, stale = await read_form_leniently(request)
    audience = room_in(fields)
    # Without a script the composer's form brings the change: what was typed stays in it.
    typed = Writing(draft=fields["content"]) if fields.get("content", "").strip() else None
    if stale:
        if typed is None:
            raise stale
        return await page(request, desk, ticket_id, audience, refused=stale, writing=not_sent(fields, stale))
    version = version_in(fields)
    if field.value not in fields:
        raise BadForm
    value = parse(fields[field.value])
    try:
        made = await _write(request, desk, ticket_id, field, value, version)
    except tickets.StaleTicket as error:
        if answer := await rows.answer(request, desk, ticket_id, fields, error):
            return answer
        overtaken = Stale(field.value, fields[field.value], max(0, error.current.version - version))
        return await page(request, desk, ticket_id, audience, refused=error, stale=overtaken, writing=typed)
    except Invalid as error:
        if typed is None:
            raise
        unchanged = replace(typed, problem="not_changed")
        return await page(request, desk, ticket_id, audience, refused=error, writing=unchanged)
    if typed:
        return await page(request, desk, ticket_id, audience, writing=typed, made=made)
    answer = await rows.answer(request, desk, ticket_id, fields, made=made)
    if answer is None:
        done = _is_done(desk, field, value)
        return await changed(request, desk, ticket_id, audience, done=done, made=made)
    return offering(answer, made)


async def _write(
    request: Request, desk: Desk, ticket_id: UUID, field: Field, value: object, version: int
) -> UUID | None:
    """The change, by which it can be undone; None when nothing was changed."""
    actor = desk.actor
    if value is Status.NEW:  # which nothing becomes again
        await db(request).write(
            actor, tickets.update_ticket_status, ticket_id, Status.NEW, seen_version=version
        )
        return None
    text = str(value or "")
    made = await db(request).write(actor, bulk.change_one, ticket_id, field, text, seen_version=version)
    return made.to_undo


def offering(answer: Response, made: UUID | None) -> Response:
    """With the header by which a script offers to undo it."""
    if made:
        answer.headers["X-Undo"] = str(made)
    return answer


async def changed(
    request: Request,
    desk: Desk,
    ticket_id: UUID,
    audience: Audience,
    *,
    done: bool,
    made: UUID | None = None,
) -> Response:
    """The ticket as it is now, or on from it when the agent is done with it and chose so."""
    came = came_from(request, desk)
    away = go_on(desk, came, ticket_id) if done and desk.person.settings.after is not After.STAY else None
    if "hx-request" in request.headers:
        answer = await page(request, desk, ticket_id, audience)
        if away:
            answer.headers["HX-Redirect"] = away
        return offering(answer, made)
    kept = came.address if "from" in request.query_params else ""
    tab = "/notes" if audience is Audience.INTERNAL else ""
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}{tab}{kept}"
    return redirect(noted(away or here, made))


def _is_done(desk: Desk, field: Field, value: object) -> bool:
    """Whether the ticket is off this agent's hands by that change."""
    if field is Field.ASSIGNEE:
        return value not in (None, desk.person.user_id)
    return value in (Status.PENDING, Status.RESOLVED, Status.CLOSED)
