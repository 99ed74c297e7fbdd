"""Tags: of one ticket, and the settings' page that keeps them."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.tickets import ticket
from parlour.features.desk.tickets.fields import changed
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Colour
from parlour.features.tickets.tags import service as tags
from parlour.kernel import seen
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError, Invalid
from parlour.web.forms import REFUSALS, read_form, read_form_leniently, uuid_field
from parlour.web.ids import id_in
from parlour.web.pages import done, redirect
from parlour.web.site import db


async def tag_ticket(request: Request) -> Response:
    """Take off the tag that the button names, or add the one that was typed."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    fields = await read_form(request)
    audience = ticket.room_in(fields)
    try:
        if fields.get("remove"):
            gone = uuid_field(fields, "remove")
            made = await db(request).write(desk.actor, bulk.untag_one, ticket_id, gone)
        else:
            made = await db(request).write(desk.actor, bulk.tag_one, ticket_id, fields.get("tag", ""))
    except Invalid as error:
        return await ticket.page(request, desk, ticket_id, audience, refused=error)
    return await changed(request, desk, ticket_id, audience, done=False, made=made.to_undo)


async def index(request: Request) -> Response:
    return await _page(request, await desk_in(request), {})


async def one(request: Request) -> Response:
    """A refused form leaves its page at its own address: whoever loads that again sees all tags."""
    return redirect(_home(await desk_in(request)))


def _home(desk: Desk) -> str:
    return f"/workspace/{desk.workspace_id}/settings/tags"


async def _page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str],
    refused: DomainError | None = None,
    tag_id: UUID | None = None,
) -> Response:
    """All tags, each in a form of its own; `typed` and `refused` are about `tag_id`, or about a new one."""
    actor = desk.actor
    permitted(actor, tags.make)
    known = await db(request).read(actor, tags.every)
    marks = {tag.tag_id: seen.mark(tag.name, tag.colour) for tag in known}
    late = isinstance(refused, seen.ChangedMeanwhile)
    if tag_id and not late:
        marks[tag_id] = typed.get("seen", "")
    return await render_at(
        request,
        desk,
        "desk/settings_tags.html",
        refused=refused,
        tags=[(tag, marks[tag.tag_id]) for tag in known],
        late=late,
        colours=[colour.value for colour in Colour],
        typed=typed,
        typed_of=tag_id,
        name_limit=tags.NAME_LIMIT,
        most=tags.TAGS_LIMIT,
        done="" if refused else request.query_params.get("done", ""),
    )


async def make(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        name, colour = fields.get("name", ""), fields.get("colour", "")
        await db(request).write(desk.actor, tags.make, name, colour)
    except REFUSALS as error:
        return await _page(request, desk, fields, error)
    return done(_home(desk), "made")


async def change(request: Request) -> Response:
    desk = await desk_in(request)
    tag_id = id_in(request, "tag_id")
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        name, colour = fields.get("name", ""), fields.get("colour", "")
        await db(request).write(desk.actor, tags.change, tag_id, name, colour, fields.get("seen", ""))
    except REFUSALS as error:
        return await _page(request, desk, fields, error, tag_id)
    return done(_home(desk), "changed")


async def delete(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, tags.delete, id_in(request, "tag_id"))
    return done(_home(desk), "deleted")
