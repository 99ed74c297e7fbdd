"""What the API's operations read and do: a transaction each, put together from the services."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import replace

from parlour.db import epoch, idempotency
from parlour.db.database import Tx
from parlour.features.api.answers import Answer, Once
from parlour.features.api.shapes import ContactChange, Merging, NewContact, NewTicket, TicketChange
from parlour.features.api.webhook_shapes import WebhookChange
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.features.events import service as events
from parlour.features.events.models import Event
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Draft, Filters, Priority, Ticket, WholeTicket
from parlour.features.tickets.tags import service as tags
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.models import Told, Webhook
from parlour.kernel import clock, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.messages import Message, Stretch
from parlour.kernel.messages import Place as RoomPlace


class KeyReused(DomainError):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key came with another request before. Take a new one."


class Overtaken(DomainError):
    """Somebody changed the ticket after the version that the caller has seen."""

    status = 412
    code = "stale_ticket"
    message = "Someone else has changed this ticket since. Read it again before you change it."

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.problems = {"version": str(now)}


@requires(Permission.WORKSPACE_SEE)
def once(tx: Tx, asked: Once, does: Callable[[Tx], Answer]) -> Answer:
    """The answer that was given under this key, or what `does` comes to, which is kept with its effect.

    What raises has no effect, and is not kept. Raises KeyReused when the key came with other words.
    """
    kept = idempotency.kept(tx, asked.key)
    if kept is None:
        made = does(tx)
        answer = (made.status, dict(made.headers), made.body.decode())
        idempotency.keep(tx, asked.key, idempotency.Kept(asked.fingerprint, *answer))
        return made
    if kept.fingerprint != asked.fingerprint:
        raise KeyReused
    return Answer(kept.body.encode(), kept.status, kept.headers, replayed=True)


class TicketPage(Struct, frozen=True):
    tickets: Sequence[WholeTicket]
    next: str | None


@requires(Permission.TICKET_LIST)
def ticket_page(tx: Tx, filters: Filters, tag: str | None) -> TicketPage:
    """`tag` by its name; nothing has one that there is not."""
    if tag is None:
        return TicketPage(*listing.whole_page(tx, filters))
    key = text.name(tag).casefold()
    known = [each.tag_id for each in tags.every(tx) if each.name.casefold() == key]
    if not known:
        return TicketPage((), None)
    return TicketPage(*listing.whole_page(tx, replace(filters, tag=known[0])))


@requires(Permission.TICKET_LIST)
def ticket(tx: Tx, ticket_id: UUID) -> WholeTicket:
    """Raises UnknownTicket."""
    found = listing.whole(tx, [ticket_id])
    if not found:
        raise tickets.UnknownTicket
    return found[0]


@requires(Permission.TICKET_OPEN_FOR)
def open_ticket(tx: Tx, new: NewTicket) -> tuple[WholeTicket, bool]:
    """And whether it had been opened before. Raises what the services raise."""
    client_id, file_ids = new.client_id or clock.new_id(), tuple(new.files)
    draft = Draft(new.subject, new.description, new.email, client_id, new.name, file_ids=file_ids)
    opened = (tickets.open_as if new.from_customer else tickets.open_for)(tx, draft)
    if not opened.repeat:
        _change(tx, opened.ticket, _first(new))
    return ticket(tx, opened.ticket.ticket_id), opened.repeat


def _first(new: NewTicket) -> TicketChange:
    """What it is to be, as far as it is not so by itself."""
    return TicketChange(
        priority=UNSET if new.priority is Priority.MEDIUM else new.priority,
        assignee_id=new.assignee_id or UNSET,
        tags=new.tags or UNSET,
    )


@requires(Permission.TICKET_UPDATE)
def change_ticket(tx: Tx, ticket_id: UUID, wanted: TicketChange, seen: Collection[int] | None) -> WholeTicket:
    """`seen`: the versions of which the ticket has to be one; None for any.

    Raises UnknownTicket, Overtaken, and what the services raise.
    """
    locked = tickets.locked_all(tx, [ticket_id])
    if not locked:
        raise tickets.UnknownTicket
    if seen is not None and locked[0].version not in seen:
        raise Overtaken(locked[0].version)
    _change(tx, locked[0], wanted)
    return ticket(tx, ticket_id)


@requires(Permission.TICKET_MERGE)
def merge_ticket(tx: Tx, ticket_id: UUID, wanted: Merging) -> WholeTicket:
    """The one that goes on. Raises UnknownTicket, Invalid."""
    try:
        kept = merging.merge(tx, ticket_id, wanted.into, two_people=wanted.two_people)
    except Invalid as error:
        told = {"people": "two_people"}
        raise Invalid({told.get(name, name): code for name, code in error.problems.items()}) from None
    return ticket(tx, kept.ticket_id)


@requires(Permission.TICKET_MERGE)
def unmerge_ticket(tx: Tx, ticket_id: UUID) -> WholeTicket:
    """Raises UnknownTicket."""
    return ticket(tx, merging.undo(tx, ticket_id).ticket_id)


def _change(tx: Tx, now: Ticket, wanted: TicketChange) -> None:
    """The status last: an agent's action opens what is new, unless it is said what it becomes."""
    this = now.ticket_id
    if wanted.tags is not UNSET:
        _set_tags(tx, now, wanted.tags)
    if wanted.priority is not UNSET:
        now = tickets.update_ticket_priority(tx, this, wanted.priority, seen_version=now.version)
    if wanted.assignee_id is not UNSET:
        try:
            now = tickets.assign_ticket(tx, this, wanted.assignee_id, seen_version=now.version)
        except Invalid as error:
            raise Invalid({"assignee_id": error.problems["assignee"]}) from None
    if wanted.status is not UNSET and wanted.status is not now.status:
        tickets.update_ticket_status(tx, this, wanted.status, seen_version=now.version)


def _set_tags(tx: Tx, on: Ticket, names: Sequence[str]) -> None:
    """Those names and no others. Raises Invalid (`tags`: unknown, too_many)."""
    known = {tag.name.casefold(): tag for tag in tags.every(tx)}
    keys = dict.fromkeys(text.name(name).casefold() for name in names)
    if any(key not in known for key in keys):
        raise Invalid({"tags": "unknown"})
    if len(keys) > tags.TICKET_LIMIT:
        raise Invalid({"tags": "too_many"})
    wanted = {known[key].tag_id for key in keys}
    had = {tag.tag_id for tag in tags.of_tickets(tx, [on.ticket_id]).get(on.ticket_id, ())}
    for tag_id in sorted(had - wanted):
        tags.take_off_all(tx, [on], tag_id)
    for tag_id in sorted(wanted - had):
        tags.put_on_all(tx, [on], tag_id)


@requires(Permission.TICKET_LIST)
def messages(tx: Tx, ticket_id: UUID, *, note: bool, after: int, limit: int) -> Stretch:
    """Of the ticket's public room, or of its notes. Raises UnknownTicket."""
    found = tickets.ticket(tx, ticket_id)
    room = chat.notes_room(tx, ticket_id) if note else found.chat_room_id
    return chat.following(tx, room, RoomPlace(after), limit=limit)


@requires(Permission.CONTACT_EDIT)
def add_contact(tx: Tx, new: NewContact) -> Contact:
    return contacts.add(tx, new.email, new.name, new.note)


@requires(Permission.CONTACT_EDIT)
def change_contact(tx: Tx, contact_id: UUID, wanted: ContactChange) -> Contact:
    """Raises UnknownContact, and what the services raise."""
    now = contacts.locked(tx, contact_id)
    if wanted.name is not UNSET or wanted.note is not UNSET:
        name = now.name if wanted.name is UNSET else wanted.name or ""
        note = now.note if wanted.note is UNSET else wanted.note or ""
        contacts.change(tx, contact_id, name, note)
    if wanted.blocked is not UNSET:
        (contacts.block if wanted.blocked else contacts.unblock)(tx, contact_id)
    return contacts.contact(tx, contact_id)


@requires(Permission.WEBHOOK_MANAGE)
def change_webhook(tx: Tx, webhook_id: UUID, wanted: WebhookChange, *, plain_http: bool) -> Webhook:
    """Raises UnknownWebhook, and what the services raise."""
    now = webhooks.webhook(tx, webhook_id)
    wish = webhooks.Wish(
        url=now.url if wanted.url is UNSET else wanted.url,
        events=now.events if wanted.events is UNSET else wanted.events,
        except_key=now.except_key if wanted.except_key_id is UNSET else wanted.except_key_id,
        plain_http=plain_http,
    )
    changed = webhooks.change(tx, webhook_id, wish)
    if wanted.active is UNSET:
        return changed
    return (webhooks.turn_on if wanted.active else webhooks.turn_off)(tx, webhook_id)


class Place(NamedTuple):
    """Where somebody who follows what happens has come to. It is worth nothing in another epoch."""

    position: int
    epoch: str


class About(Struct, frozen=True):
    """What it is about that happened, as that is now."""

    tickets: Mapping[UUID, WholeTicket]
    messages: Mapping[UUID, Message]
    contacts: Mapping[UUID, Contact]


class Changes(Struct, frozen=True):
    """What happened, what it is about, and where to go on.

    `more`: there is more behind it. `unsettled`: there would be, if it had its positions.
    """

    events: Sequence[Event]
    place: Place
    more: bool
    unsettled: bool
    about: About


@requires(Permission.TICKET_LIST)
def newest_place(tx: Tx) -> Place:
    return Place(events.bounds(tx)[1], epoch.current(tx))


@requires(Permission.TICKET_LIST)
def changes(tx: Tx, place: Place | None, limit: int) -> Changes:
    """After the place, or of all that is kept. Raises Forgotten."""
    now = epoch.current(tx)
    if place and place.epoch != now:
        raise events.Forgotten
    position = place.position if place else events.bounds(tx)[0]
    found, unsettled = events.after(tx, position, limit=limit)
    return Changes(
        events=found,
        place=Place(found[-1].position if found else position, now),
        more=len(found) == limit,
        unsettled=unsettled,
        about=about(tx, found),
    )


@requires(Permission.SYSTEM)
def told(tx: Tx, happened: Sequence[Event], *, tell: Callable[[Event, About, UUID], Told]) -> Sequence[Told]:
    """What is posted to webhooks of it."""
    found = about(tx, happened)
    return [tell(event, found, tx.workspace_id) for event in happened]


@requires(Permission.TICKET_LIST)
def about(tx: Tx, happened: Sequence[Event]) -> About:
    changed = {each.ticket_id for each in happened if each.ticket_id and not each.message_id}
    said = {each.message_id for each in happened if each.message_id}
    who = {each.contact_id for each in happened if each.contact_id}
    return About(
        tickets={each.ticket_id: each for each in listing.whole(tx, list(changed))},
        messages=chat.these(tx, said),
        contacts=contacts.these(tx, who),
    )
