"""One ticket at the desk: its conversation, and what an agent changes about it."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import Tx
from parlour.features.accounts.models import Desk
from parlour.features.chat.models import Audience
from parlour.features.conversation import pages as conversation
from parlour.features.conversation import units as rooms
from parlour.features.conversation.timeline import Before
from parlour.features.conversation.view import timeline_view
from parlour.features.desk import units
from parlour.features.desk.agent import act_at, actor_in, desk_in, read_at, render_at
from parlour.features.desk.frame import shown_at
from parlour.features.desk.sidebar import Sidebar
from parlour.features.desk.tickets.came_from import came_from, go_on, ways
from parlour.features.desk.tickets.cells import ticket_view
from parlour.features.desk.tickets.change_note import named_in, note
from parlour.features.desk.tickets.ticket_panel import Stale, Where, panel
from parlour.features.tickets.access import service as access
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.canned.service import GapLeft
from parlour.features.tickets.mentions import service as mentions
from parlour.features.tickets.models import Status
from parlour.features.tickets.service import TicketClosed, UnseenMessage
from parlour.kernel.access import Actor, Permission
from parlour.kernel.errors import Conflict, DomainError
from parlour.kernel.messages import Attachment
from parlour.realtime.protocol import SEQ_LIMIT
from parlour.web.forms import REFUSALS, BadForm, read_form, read_form_with_files, uuid_field
from parlour.web.ids import id_in
from parlour.web.pages import redirect, wants_json
from parlour.web.site import db

Choice = TypeVar("Choice", bound=StrEnum)
NOT_SENT = (*REFUSALS, Conflict, TicketClosed, GapLeft, UnseenMessage)
UNDO_SECONDS = 5


class Writing(Struct, frozen=True):
    """What the composer shows: what was typed, and why it was not sent."""

    draft: str = ""
    staged: Sequence[Attachment] = ()
    problem: str | None = None
    client_id: UUID | None = None
    then: str = ""
    placeholder: str = ""
    gaps: str = ""
    reply_id: str = ""
    new_after: int | None = None


async def ticket(request: Request) -> Response:
    """The page; for its own script, the messages of both rooms before what it has."""
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        desk = await desk_in(request)
        _, found = await db(request).read(desk.actor, rooms.timeline, ticket_id, before_in(request))
        return conversation.timeline_as_json(found)
    return await page(request, None, ticket_id)


def before_in(request: Request) -> Before | None:
    """Raises NotFound for nonsense; a room that is not named is shown to its end."""
    public, notes = conversation.seq_in(request, "before"), conversation.seq_in(request, "notes")
    if public is None and notes is None:
        return None
    merged = conversation.seqs_in(request, "merged")
    return Before(SEQ_LIMIT if public is None else public, SEQ_LIMIT if notes is None else notes, merged)


async def page(
    request: Request,
    desk: Desk | None,
    ticket_id: UUID,
    audience: Audience = Audience.PUBLIC,
    *,
    refused: DomainError | None = None,
    writing: Writing | None = None,
    stale: Stale | None = None,
    made: UUID | None = None,
) -> Response:
    """The ticket and all that was said about it; for htmx, the panel alone.

    `audience` is whom the composer in front writes to, and `writing` is what stands in that one.
    """
    desk, found, beside = await _read(request, desk, ticket_id)
    came = came_from(request, desk)
    here = _from_there(request, desk, ticket_id)
    on = ways(desk, came, found.ticket, here)
    room, notes = _rooms(found, desk, audience, writing or Writing(), here, on["address"])
    context = {
        "here": here,
        "ticket": ticket_view(found.ticket),
        "kept": found.kept and ticket_view(found.kept),
        "room": room,
        "notes": notes,
        "contact": found.contact,
        "in_copy": len(found.participants),
        "ways": on,
        "sidebar": beside,
        "stale": stale,
        **_rights(desk.actor, found),
        "panel": panel(request, desk, found, Where(here, on["address"], room["behind"]), refused, stale),
        **await note(
            request, desk, made or named_in(request), back=f"{_here(desk, ticket_id)}{came.address}"
        ),
    }
    template = "desk/ticket_panel_alone.html" if "hx-request" in request.headers else "desk/ticket.html"
    return await render_at(request, desk, template, refused=refused, **context)


async def _read(
    request: Request, desk: Desk | None, ticket_id: UUID
) -> tuple[Desk, units.TicketPage, Sidebar]:
    def look(_: Desk) -> Callable[[Tx], units.TicketPage]:
        before = before_in(request) if request.method == "GET" else None
        return lambda tx: units.ticket_page(tx, ticket_id, before)

    return await read_at(request, desk, look)


def _rights(actor: Actor, found: units.TicketPage) -> dict[str, bool]:
    return {
        "may_update": actor.may(Permission.TICKET_UPDATE) and not found.ticket.merged_into,
        "may_merge": actor.may(Permission.TICKET_MERGE),
        "may_block": actor.may(Permission.CONTACT_BLOCK),
    }


def _here(desk: Desk, ticket_id: UUID) -> str:
    return f"/workspace/{desk.workspace_id}/tickets/{ticket_id}"


def _from_there(request: Request, desk: Desk, ticket_id: UUID) -> str:
    """The ticket's address from the page on which the answer will stand, as short as that page allows: it is
    said some thirty times.
    """
    above, _, last = shown_at(request).rpartition("/")
    if last == str(ticket_id):
        return last
    return f"../{ticket_id}" if above.endswith(f"/{ticket_id}") else _here(desk, ticket_id)


def _rooms(
    found: units.TicketPage, desk: Desk, audience: Audience, writing: Writing, here: str, came: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    internal = audience is Audience.INTERNAL
    answer, note = (Writing(), writing) if internal else (writing, Writing())
    room = {
        "is_open": not found.ticket.is_closed,
        "chat_url": f"{here}/chat",
        "came": came,
        "socket_url": f"/realtime?workspace={desk.workspace_id}",
        "new_ticket_url": None,
        "replies": tuple(found.replies),
        "replies_url": f"{here}/replies",
        "undo_seconds": UNDO_SECONDS if desk.person.settings.undo_send else 0,
        "behind": internal,
        **asdict(answer),
    }
    notes = {
        "is_open": True,
        "chat_url": f"{here}/notes",
        "came": came,
        "behind": not internal,
        "called": mentions.names_of(desk.person.user_id, found.members),
        **asdict(note),
    }
    if found.ticket.merged_into:
        room |= {"can_write": False, "merged": True}
    notes.pop("new_after")
    new_after = room.pop("new_after")
    return timeline_view(
        found.timeline,
        desk.actor,
        page_url=f"{here}{came}",
        public=room,
        notes=notes,
        new_after=new_after,
        writer=found.contact,
    )


async def chat(request: Request) -> Response:
    """The room's messages for the page's own script; people find the room on the ticket's page."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        return await conversation.page_as_json(request, desk.actor, ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")


async def deliveries(request: Request) -> Response:
    """For the page's own script: what became of the mails that some of its messages went out with."""
    desk = await desk_in(request)
    return await conversation.deliveries(request, desk.actor, id_in(request, "ticket_id"))


async def send(request: Request) -> Response:
    """An answer; or, from the form's other button, a canned reply that goes into the text."""
    ticket_id = id_in(request, "ticket_id")
    if wants_json(request):
        return await _send_as_json(request, ticket_id)
    desk = await desk_in(request)
    actor = desk.actor
    write = partial(db(request).write, actor)
    filled = await read_form_with_files(request, conversation.uploads(request, actor, ticket_id).take)
    fields, kept = filled.fields, await conversation.staged(request, actor, filled.file_ids)
    if filled.refused:
        writing = not_sent(fields, filled.refused, kept)
        return await page(request, desk, ticket_id, refused=filled.refused, writing=writing)
    if "insert" in fields:
        return await _insert(request, desk, ticket_id, fields, kept)
    if "read" in fields:
        await conversation.mark_read(write, ticket_id, fields)
        return redirect(_latest(request, desk, ticket_id))
    more = _more(fields)
    try:
        await conversation.send(request, write, ticket_id, filled, canned.answer, **more)
    except NOT_SENT as error:
        writing = not_sent(fields, error, kept)
        return await page(request, desk, ticket_id, refused=error, writing=writing)
    if more["then"]:
        return redirect(go_on(desk, came_from(request, desk), ticket_id))
    return redirect(_latest(request, desk, ticket_id))


async def _send_as_json(request: Request, ticket_id: UUID) -> Response:
    """What the page's own script sends is an answer."""
    filled = await conversation.read_sent(request, partial(actor_in, request), ticket_id)
    write, more = partial(act_at, request), _more(filled.fields)
    return conversation.sent_as_json(
        await conversation.send(request, write, ticket_id, filled, canned.answer, **more)
    )


def _more(fields: Mapping[str, str]) -> dict[str, Any]:
    """What an answer says besides words and files."""
    return {
        "seen": conversation.seq_field(fields, "seen"),
        "then": _then(fields),
        "brought": fields.get("gaps", "").split(),
    }


def _latest(request: Request, desk: Desk, ticket_id: UUID) -> str:
    kept = came_from(request, desk).address if "from" in request.query_params else ""
    return f"/workspace/{desk.workspace_id}/tickets/{ticket_id}{kept}#latest"


def not_sent(fields: Mapping[str, str], error: DomainError, kept: Sequence[Attachment] = ()) -> Writing:
    """Everything that was typed and `kept`, and what is in the way."""
    unsent = conversation.unsent(fields, error, kept)
    unseen = isinstance(error, UnseenMessage)
    if unseen:  # the same message, sent once more after a look
        unsent["client_id"] = uuid_field(fields, "client_id")
    then = fields.get("then", "")
    left = error.problems["placeholder"] if isinstance(error, GapLeft) else ""
    return Writing(
        **unsent,
        then=then if then in {*Status} else "",
        placeholder=left,
        gaps="" if left else fields.get("gaps", ""),  # said once: sent again, it goes as it is
        new_after=conversation.seq_field(fields, "seen") if unseen else None,
    )


async def _insert(
    request: Request, desk: Desk, ticket_id: UUID, fields: Mapping[str, str], kept: Sequence[Attachment]
) -> Response:
    typed, gaps = fields.get("content", ""), fields.get("gaps", "").split()
    if fields.get("reply"):
        chosen = uuid_field(fields, "reply")
        try:
            text = await db(request).read(desk.actor, canned.filled_one, ticket_id, chosen)
        except canned.UnknownReply as error:
            gone = Writing(draft=typed, staged=kept, problem=error.code, gaps=" ".join(gaps))
            return await page(request, desk, ticket_id, refused=error, writing=gone)
        typed = f"{typed.rstrip()}\n\n{text}" if typed.strip() else text
        gaps += canned.gaps(text)
    chosen_reply = fields.get("reply", "")
    writing = Writing(
        draft=typed, staged=kept, problem="inserted", reply_id=chosen_reply, gaps=" ".join(gaps)
    )
    return await page(request, desk, ticket_id, writing=writing)


def _then(fields: Mapping[str, str]) -> Status | None:
    status = one_of(Status, fields["then"]) if fields.get("then") else None
    if status is Status.NEW:
        raise BadForm
    return status


def one_of(choices: type[Choice], text: str) -> Choice:
    try:
        return choices(text)
    except ValueError:
        raise BadForm from None


def room_in(fields: Mapping[str, str]) -> Audience:
    """The room beside the form of a change."""
    return Audience.INTERNAL if fields.get("tab") == "notes" else Audience.PUBLIC


def version_in(fields: Mapping[str, str]) -> int:
    """The version that the agent saw. Raises BadForm."""
    version = fields.get("version", "")
    if not (version.isascii() and version.isdecimal() and len(version) < 16):
        raise BadForm
    return int(version)


async def revoke_access(request: Request) -> Response:
    """Shut the customer out until a fresh link is asked for: a mail went astray, a computer was shared."""
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    await read_form(request)
    await db(request).write(desk.actor, access.revoke_access, ticket_id)
    return redirect(f"/workspace/{desk.workspace_id}/tickets/{ticket_id}")
