"""The people who write: all of them, and one with the tickets."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import Tx
from parlour.features.accounts.models import Desk
from parlour.features.contacts import service as contacts
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.kernel import seen, text
from parlour.kernel.access import Permission
from parlour.kernel.errors import DomainError, NotFound
from parlour.kernel.graphemes import cut
from parlour.web.forms import REFUSALS, read_form, read_form_leniently, safe_path
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db

Q_LIMIT = 200


async def index(request: Request) -> Response:
    """By address; `q` is how it begins, `after` where the page does, `blocked` says who of them."""
    desk = await desk_in(request)
    q = cut(text.one_line(text.storable(request.query_params.get("q", ""))), Q_LIMIT)
    after = text.storable(request.query_params.get("after", ""))
    blocked = request.query_params.get("blocked") == "1"
    found = await db(request).read(
        desk.actor, contacts.page, beginning=q, after=after, blocked=blocked, limit=contacts.PAGE
    )
    more = urlencode(
        {"q": q, **({"blocked": "1"} if blocked else {}), "after": found.next} if found.next else {}
    )
    return await render_at(
        request, desk, "desk/contacts.html", contacts=found.contacts, more=more, q=q, blocked=blocked
    )


async def contact(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
) -> Response:
    actor = desk.actor
    found = await db(request).read(actor, units.contact_page, id_in(request, "contact_id"), _before(request))
    known = {"name": found.contact.name, "note": found.contact.note}
    late = isinstance(refused, seen.ChangedMeanwhile)
    mark = seen.mark(*known.values()) if typed is None or late else typed.get("seen", "")
    return await render_at(
        request,
        desk,
        "desk/contact.html",
        refused=refused,
        contact=found.contact,
        tickets=[row._asdict() for row in found.tickets],
        next=found.next,
        first=_before(request) is None,
        form={name: (typed or known).get(name, "") for name in known},
        theirs={name: known[name] for name in known if typed and typed.get(name, "") != known[name]}
        if late
        else {},
        seen=mark,
        saved="saved" in request.query_params,
        may_edit=actor.may(Permission.CONTACT_EDIT),
        may_block=actor.may(Permission.CONTACT_BLOCK),
        name_limit=text.NAME_LIMIT,
        note_limit=contacts.NOTE_LIMIT,
    )


def _before(request: Request) -> UUID | None:
    """The ticket that the page before ended with. Raises NotFound."""
    try:
        return UUID(request.query_params["before"]) if "before" in request.query_params else None
    except ValueError:
        raise NotFound from None


async def change(request: Request) -> Response:
    desk = await desk_in(request)
    contact_id = id_in(request, "contact_id")
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        name, note = fields.get("name", ""), fields.get("note", "")
        mark = fields.get("seen", "")
        await db(request).write(desk.actor, contacts.change, contact_id, name, note, mark)
    except REFUSALS as error:
        return await _page(request, desk, fields, error)
    return redirect(f"/workspace/{desk.workspace_id}/contacts/{contact_id}?saved=1")


async def block(request: Request) -> Response:
    return await _set_blocked(request, contacts.block)


async def unblock(request: Request) -> Response:
    return await _set_blocked(request, contacts.unblock)


async def _set_blocked(request: Request, action: Callable[[Tx, UUID], None]) -> Response:
    """Back to the person, or to the ticket that the form stood on."""
    desk = await desk_in(request)
    contact_id = id_in(request, "contact_id")
    fields = await read_form(request)
    await db(request).write(desk.actor, action, contact_id)
    home = f"/workspace/{desk.workspace_id}"
    target = safe_path(fields.get("back", ""), home)
    return redirect(target if target.startswith(f"{home}/tickets/") else f"{home}/contacts/{contact_id}")
