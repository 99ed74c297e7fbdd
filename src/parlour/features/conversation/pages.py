"""What the portal's chat and the agent's ticket page share: sending, and reading on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.chat.models import Audience
from parlour.features.conversation import units
from parlour.features.conversation.timeline import Timeline
from parlour.features.conversation.uploads import Uploads
from parlour.features.conversation.view import delivery_fields
from parlour.features.files import service as files
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Sent
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Invalid, NotFound, Overloaded
from parlour.kernel.messages import Attachment, Message, Place
from parlour.realtime.protocol import SEQ_LIMIT, file_fields, message_fields
from parlour.web.counting import counting
from parlour.web.csrf import ForeignForm
from parlour.web.forms import BadForm, Filled, Take, read_form, read_form_with_files, uuid_field
from parlour.web.ids import id_in, id_of
from parlour.web.limits import Limit
from parlour.web.pages import as_json, problems_of, render, wants_json
from parlour.web.site import db

Write = Callable[..., Awaitable[Any]]
"""Runs a unit that stores something in the name of whoever asks."""


def _is_seq(text: str) -> bool:
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(SEQ_LIMIT))
    return plain and int(text) <= SEQ_LIMIT


def seq_in(request: Request, name: str) -> int | None:
    """A sequence number in the query, or None when there is none. Raises NotFound for nonsense."""
    text = request.query_params.get(name)
    if text is not None and not _is_seq(text):
        raise NotFound
    return None if text is None else int(text)


def seqs_in(request: Request, name: str) -> Sequence[int]:
    """Sequence numbers with dots between them. Raises NotFound for nonsense."""
    texts = [text for text in request.query_params.get(name, "").split(".") if text]
    if not all(map(_is_seq, texts)):
        raise NotFound
    return tuple(map(int, texts))


def seq_field(fields: Mapping[str, str], name: str) -> int | None:
    """A sequence number in a form, or None when there is none. Raises BadForm for nonsense."""
    text = fields.get(name, "")
    if text and not _is_seq(text):
        raise BadForm
    return int(text) if text else None


def _place_in(request: Request) -> Place | None:
    """What the page has already, when it asks for what follows. Raises NotFound for nonsense."""
    after, query = seq_in(request, "after"), request.query_params
    if after is None:
        return None
    message_id = id_of(query["message_id"]) if "message_id" in query else None
    return Place(after, message_id, query.get("epoch", ""))


async def page_as_json(
    request: Request, actor: Actor, ticket_id: UUID, audience: Audience = Audience.PUBLIC
) -> Response:
    """Messages before or after what an open page has; with `reset`, the newest instead of what it has."""
    place = _place_in(request)
    if place is not None:
        found = await db(request).read(actor, units.following, ticket_id, place, audience)
        if found.goes_on:
            more = bool(found.messages) and found.messages[-1].seq < found.head
            return _as_page(found.epoch, found.messages, more=more)
    before = seq_in(request, "before")
    _, history = await db(request).read(actor, units.conversation, ticket_id, before, audience=audience)
    return _as_page(history.epoch, history.messages, more=history.has_older, reset=place is not None)


def _as_page(epoch: str, messages: Sequence[Message], *, more: bool, reset: bool = False) -> Response:
    fields = [message_fields(message) for message in messages]
    return as_json({"epoch": epoch, "messages": fields, "more": more, "reset": reset})


def timeline_as_json(found: Timeline) -> Response:
    """What is of the ticket's own rooms: a page's script keeps their numbers."""
    own = [message for message in found.messages if message.room_id not in found.origins]
    return _as_page(found.public.epoch, own, more=found.before is not None)


async def deliveries(request: Request, actor: Actor, ticket_id: UUID) -> Response:
    """How the mails stand of the messages behind `after` and up to `upto`, as the page's script shows it.

    Raises NotFound for nonsense.
    """
    after, upto = seq_in(request, "after") or 0, seq_in(request, "upto") or 0
    found = await db(request).read(actor, units.deliveries, ticket_id, after, upto)
    told = [delivery_fields(seq, delivery) for seq, delivery in found.items()]
    return render(request, "chat/deliveries.html", deliveries=told)


def uploads(
    request: Request, actor: Actor, ticket_id: UUID, audience: Audience | None = Audience.PUBLIC
) -> Uploads:
    """What takes the files of whoever writes in this room, or in the one that the form's `note` says."""
    return Uploads(request, actor, partial(units.begin_file, ticket_id=ticket_id, audience=audience))


async def read_sent(
    request: Request,
    who: Callable[[], Awaitable[Actor]],
    ticket_id: UUID,
    audience: Audience = Audience.PUBLIC,
) -> Filled:
    """What a page's script sends. `who` that is has to be known once a file comes, and not before.

    A page whose session is gone has no token that is right either: what ails it is said, not what follows.
    Raises what `read_form_with_files` and `who` raise.
    """

    async def take(name: str, data: AsyncIterator[bytes], fields: Mapping[str, str]) -> UUID:
        return await uploads(request, await who(), ticket_id, audience).take(name, data, fields)

    try:
        return await read_form_with_files(request, take)
    except ForeignForm:
        await who()
        raise


def uploads_for_new(request: Request, actor: Actor) -> Uploads:
    """What takes the files for a ticket that is not opened yet."""
    return Uploads(request, actor, units.begin_for_new)


def taking_for_new(request: Request, who: Callable[[], Awaitable[Actor]]) -> Take:
    """The same of somebody who has to be known once a file comes."""

    async def take(name: str, data: AsyncIterator[bytes], fields: Mapping[str, str]) -> UUID:
        return await uploads_for_new(request, await who()).take(name, data, fields)

    return take


async def upload(request: Request, uploads: Uploads) -> Response:
    """A script sends one file ahead of its message. Raises what `Uploads.take` raises, Invalid."""
    filled = await read_form_with_files(request, uploads.take)
    if filled.refused:
        raise filled.refused
    if len(uploads.taken) != 1:
        raise Invalid({"files": "too_many" if uploads.taken else "required"})
    return as_json({"file": file_fields(uploads.taken[0])}, status=201)


async def take_back(request: Request, actor: Actor) -> Response:
    """What was uploaded is not to be sent after all."""
    await read_form(request)
    await db(request).write(actor, files.take_back, id_in(request, "file_id"))
    return Response(status_code=204)


async def send(
    request: Request,
    write: Write,
    ticket_id: UUID,
    filled: Filled,
    action: Callable[..., Sent] = tickets.send_message,
    **more: Any,
) -> Sent:
    """Store what the form says and brings, by `action`. Raises what that raises, TooMany, BadForm.

    A plain form also says what its page showed, for a page with a script reads through its socket.
    """
    fields = filled.fields
    client_id = uuid_field(fields, "client_id")
    shown = None if wants_json(request) else seq_field(fields, "shown")
    saying = partial(action, file_ids=filled.file_ids, **more)
    counted = counting(request, Limit.SEND)
    sent: Sent = await write(
        units.say, counted, saying, ticket_id, fields.get("content", ""), client_id, shown
    )
    return sent


async def mark_read(
    write: Write,
    ticket_id: UUID,
    fields: Mapping[str, str],
    audience: Audience = Audience.PUBLIC,
) -> None:
    """What the page showed has been read, says the button of a page without a script. Raises BadForm."""
    await write(units.mark_read, ticket_id, seq_field(fields, "shown") or 0, audience)


async def staged(request: Request, actor: Actor, file_ids: Sequence[UUID]) -> Sequence[Attachment]:
    """Those of the files that have been uploaded, and not been sent."""
    return await db(request).read(actor, files.staged, file_ids) if file_ids else ()


def unsent(
    fields: Mapping[str, str], refused: DomainError | None, kept: Sequence[Attachment] = ()
) -> dict[str, Any]:
    """What the composer shows: what was typed and `kept`, and why it was not sent."""
    return {
        "draft": fields.get("content", ""),
        "staged": kept,
        "problem": refused and _problem(refused),
        # An overloaded message may be stored all the same: sent once more it is still the same message.
        "client_id": uuid_field(fields, "client_id") if isinstance(refused, Overloaded) else None,
    }


def _problem(refused: DomainError) -> str | None:
    problems = problems_of(refused)
    of_files = problems.get("files")
    return problems.get("content") or (of_files and f"files_{of_files}") or problems.get("form")


def sent_as_json(sent: Sent) -> Response:
    body = {"message": message_fields(sent.message), "status": sent.status.value}
    return as_json(body, status=200 if sent.repeat else 201)
