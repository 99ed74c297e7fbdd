"""Canned replies: the pages that keep them, and what the composer's list is filled with."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.tickets.canned import service as canned
from parlour.kernel import seen, text
from parlour.kernel.access import Permission
from parlour.kernel.errors import DomainError, Forbidden
from parlour.web.forms import REFUSALS, read_form, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.pages import as_json, done
from parlour.web.site import db

_NOTHING: Mapping[str, str] = {"name": "", "content": "", "shared": ""}


def _home(desk: Desk) -> str:
    return f"/workspace/{desk.workspace_id}/replies"


async def index(request: Request) -> Response:
    desk = await desk_in(request)
    actor = desk.actor
    found = await db(request).read(actor, canned.usable)
    return await render_at(
        request,
        desk,
        "desk/canned.html",
        shared=[reply for reply in found if reply.shared],
        own=[reply for reply in found if not reply.shared],
        may_write=actor.may(Permission.TICKET_UPDATE),
        may_share=actor.may(Permission.REPLY_TEMPLATES),
        done=request.query_params.get("done", ""),
    )


async def for_ticket(request: Request) -> Response:
    """Everything that one may insert, filled in for the ticket.

    Where `content` is only the beginning, `whole` is the address of all of it.
    """
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    found = await db(request).read(desk.actor, canned.filled, ticket_id)
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}/replies"
    return as_json(
        {
            "replies": [
                {"name": reply.name, "content": reply.content}
                | ({"whole": f"{here}/{reply.reply_id}"} if reply.cut else {})
                for reply in found
            ]
        }
    )


async def one_for_ticket(request: Request) -> Response:
    """All of one, filled in for the ticket."""
    desk = await desk_in(request)
    ids = id_in(request, "ticket_id"), id_in(request, "reply_id")
    return as_json({"content": await db(request).read(desk.actor, canned.filled_one, *ids)})


async def _form(
    request: Request,
    desk: Desk,
    reply_id: UUID | None,
    typed: Mapping[str, str],
    refused: DomainError | None = None,
) -> Response:
    actor = desk.actor
    if not actor.may(Permission.TICKET_UPDATE):
        raise Forbidden
    kept = canned.shown(await db(request).read(actor, canned.reply, reply_id)) if reply_id else {}
    late = isinstance(refused, seen.ChangedMeanwhile)
    return await render_at(
        request,
        desk,
        "desk/canned_form.html",
        refused=refused,
        reply_id=reply_id,
        form={**_NOTHING, **kept, **typed},
        theirs={name: kept[name] for name in kept if typed.get(name, "") != kept[name]} if late else {},
        seen=typed["seen"] if "seen" in typed and not late else seen.mark(*kept.values()),
        placeholders=canned.PLACEHOLDERS,
        may_share=actor.may(Permission.REPLY_TEMPLATES),
        name_limit=text.NAME_LIMIT,
        content_limit=CONTENT_LIMIT,
    )


async def new(request: Request) -> Response:
    return await _form(request, await desk_in(request), None, _NOTHING)


async def add(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    name, content, shared = fields.get("name", ""), fields.get("content", ""), fields.get("shared") == "1"
    try:
        if stale:
            raise stale
        await db(request).write(desk.actor, canned.add, name, content, shared=shared)
    except REFUSALS as error:
        return await _form(request, desk, None, fields, error)
    return done(_home(desk), "added")


async def edit(request: Request) -> Response:
    desk = await desk_in(request)
    return await _form(request, desk, id_in(request, "reply_id"), {})


async def change(request: Request) -> Response:
    desk = await desk_in(request)
    reply_id = id_in(request, "reply_id")
    fields, stale = await read_form_leniently(request)
    name, content, shared = fields.get("name", ""), fields.get("content", ""), fields.get("shared") == "1"
    try:
        if stale:
            raise stale
        await db(request).write(
            desk.actor,
            canned.change,
            reply_id,
            name,
            content,
            shared=shared,
            seen_mark=fields.get("seen", ""),
        )
    except REFUSALS as error:
        return await _form(request, desk, reply_id, fields, error)
    return done(_home(desk), "changed")


async def remove(request: Request) -> Response:
    desk = await desk_in(request)
    reply_id = id_in(request, "reply_id")
    await read_form(request)
    await db(request).write(desk.actor, canned.remove, reply_id)
    return done(_home(desk), "removed")
