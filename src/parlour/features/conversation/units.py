"""What both sides of a room read, and do, in one transaction."""

from collections.abc import Callable, Mapping
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import Audience, History
from parlour.features.conversation.timeline import Before, Origin, Timeline, by_time
from parlour.features.files import service as files
from parlour.features.files.models import Begun, File
from parlour.features.tickets import service as tickets
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Sent, Ticket
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.outgoing.models import Delivery
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import NotFound
from parlour.kernel.messages import Place, Stretch


def _room_of(tx: Tx, ticket: Ticket, audience: Audience) -> UUID:
    """Only agents find the room of the notes."""
    return ticket.chat_room_id if audience is Audience.PUBLIC else chat.notes_room(tx, ticket.ticket_id)


@requires(Permission.TICKET_READ)
def conversation(
    tx: Tx,
    ticket_id: UUID,
    before: int | None = None,
    limit: int = chat.PAGE,
    audience: Audience = Audience.PUBLIC,
) -> tuple[Ticket, History]:
    """The ticket and a page of one of its rooms, as of one moment."""
    return tx.same(_conversation, ticket_id, before, limit, audience)


def _conversation(
    tx: Tx, ticket_id: UUID, before: int | None, limit: int, audience: Audience
) -> tuple[Ticket, History]:
    ticket = tickets.ticket(tx, ticket_id)
    return ticket, chat.history(tx, _room_of(tx, ticket, audience), before=before, limit=limit)


@requires(Permission.NOTE_READ)
def timeline(tx: Tx, ticket_id: UUID, before: Before | None = None) -> tuple[Ticket, Timeline]:
    """The ticket and the newest page of both its rooms, or the one that ends just below `before`."""
    ticket = tickets.ticket(tx, ticket_id)
    return ticket, timeline_of(tx, ticket, before)


@requires(Permission.NOTE_READ)
def timeline_of(tx: Tx, ticket: Ticket, before: Before | None) -> Timeline:
    ends = {"before": before.public, "notes_before": before.notes} if before else {}
    own = chat.both_histories(tx, ticket.ticket_id, **ends)
    others = merging.gathered(tx, ticket)
    if not others:
        return by_time(*own)
    pages = chat.histories_of(tx, [each.ticket_id for each in others], before.merged if before else ())
    origins = {
        room.room.room_id: Origin(other.ticket_id, other.number, room.room.internal)
        for other, both in zip(others, pages, strict=True)
        for room in both
    }
    found = by_time(*own, *(room for both in pages for room in both))
    # Of a merged ticket what people said: its own changes would read as if they were this one's.
    said = [each for each in found.messages if each.room_id not in origins or each.sender_type != "system"]
    return replace(found, messages=said, origins=origins)


@requires(Permission.NOTE_READ)
def with_deliveries(tx: Tx, ticket_id: UUID, found: Timeline) -> Timeline:
    """The page, and how the mails stand with which its messages went out."""
    said = found.public.messages
    if not any(message.sender_type == "agent" for message in said):
        return found
    after, upto = said[0].seq - 1, said[-1].seq
    return replace(found, deliveries=outgoing.deliveries(tx, ticket_id, after=after, upto=upto))


@requires(Permission.NOTE_READ)
def deliveries(tx: Tx, ticket_id: UUID, after: int, upto: int) -> Mapping[int, Delivery]:
    """Of the messages of the public room behind `after` and up to `upto`, of a page of them at most."""
    tickets.ticket(tx, ticket_id)
    return outgoing.deliveries(tx, ticket_id, after=max(after, upto - chat.PAGE), upto=upto)


@requires(Permission.TICKET_READ)
def following(tx: Tx, ticket_id: UUID, place: Place, audience: Audience = Audience.PUBLIC) -> Stretch:
    """What follows `place` in one of the ticket's rooms."""
    return chat.following(tx, _room_of(tx, tickets.ticket(tx, ticket_id), audience), place)


@requires(Permission.ROOM_READ)
def seen(tx: Tx, room_id: UUID, seq: int) -> None:
    """Somebody attends to a room's page: an agent reads what was told of the ticket, too. Those who only look
    on leave no mark in the room.
    """
    writes = tx.actor.may(Permission.TICKET_REPLY)
    ticket_id = chat.mark_read(tx, room_id, seq) if writes else chat.ticket_of(tx, room_id)
    if tx.actor.may(Permission.NOTIFICATION_READ):
        notifications.read_ticket(tx, ticket_id)


@requires(Permission.TICKET_REPLY)
def say(
    tx: Tx,
    counting: Callable[..., None],
    saying: Callable[..., Sent],
    ticket_id: UUID,
    content: str,
    client_id: UUID,
    shown: int | None,
) -> Sent:
    """Raises what `saying` raises, and what `counting` does when this person has said enough here."""
    counting(tx, str(tx.workspace_id), str(ticket_id), tx.actor.id)
    sent = saying(tx, ticket_id, content, client_id)
    if shown is not None:
        seen(tx, sent.message.room_id, shown)
    return sent


@requires(Permission.FILE_ATTACH)
def begin_file(
    tx: Tx, name: str, size: int, fields: Mapping[str, str], *, ticket_id: UUID, audience: Audience | None
) -> Begun:
    """A file for one of the ticket's rooms, or for the one that the form's `note` says.

    Raises UnknownTicket, TicketFull, WorkspaceFull.
    """
    said = Audience.INTERNAL if fields.get("note") == "1" else Audience.PUBLIC
    return files.begin(tx, name, size, _room_of(tx, tickets.ticket(tx, ticket_id), audience or said))


@requires(Permission.FILE_ATTACH)
def begin_for_new(tx: Tx, name: str, size: int, _: Mapping[str, str]) -> Begun:
    """A file for a ticket that is not opened yet. Raises WorkspaceFull."""
    return files.begin(tx, name, size, None)


@requires(Permission.ROOM_READ)
def file(tx: Tx, ticket_id: UUID, file_id: UUID) -> File:
    """A file in one of the ticket's rooms that the actor may be in. Raises NotFound."""
    found = files.file(tx, file_id)
    if found.room_id is None or chat.ticket_of(tx, found.room_id) != ticket_id:
        raise NotFound
    return found


@requires(Permission.TICKET_REPLY)
def mark_read(tx: Tx, ticket_id: UUID, seq: int, audience: Audience) -> None:
    seen(tx, _room_of(tx, tickets.ticket(tx, ticket_id), audience), seq)
