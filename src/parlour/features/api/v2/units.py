"""What the compatible API reads and does: a transaction each, put together from the services."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.api import shapes, units
from parlour.features.api.v2 import taking
from parlour.features.api.v2.numbers import id_at
from parlour.features.api.v2.told import moment
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.features.files import service as files
from parlour.features.tickets import finding
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import COUNT_LIMIT, Colour, Filters, Status, Ticket, WholeTicket
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Member
from parlour.kernel import clock, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.graphemes import cut
from parlour.kernel.messages import Message, Place

SUBJECT_FROM = 80
"""Characters of its first line, where a new ticket has no subject."""


class UpdateConflict(DomainError):
    status = 409
    code = "update_conflict"
    message = "The ticket has changed since updated_stamp. Read it again before you change it."


def _numbered(tx: Tx, number: int) -> Ticket:
    found = finding.by_number(tx, number)
    if found is None:
        raise tickets.UnknownTicket
    return found


@requires(Permission.TICKET_LIST)
def ticket(tx: Tx, number: int) -> WholeTicket:
    """Raises UnknownTicket."""
    return units.ticket(tx, _numbered(tx, number).ticket_id)


@requires(Permission.TICKET_LIST)
def these_tickets(tx: Tx, numbers: Sequence[int]) -> Sequence[WholeTicket]:
    """Those of them that there are."""
    found = [finding.by_number(tx, number) for number in numbers]
    return listing.whole(tx, [each.ticket_id for each in found if each])


@requires(Permission.TICKET_LIST)
def tickets_after(
    tx: Tx, filters: Filters, tag: str | None, after: str | None, limit: int
) -> units.TicketPage:
    return units.ticket_page(tx, replace(filters, after=after, limit=limit), tag)


@requires(Permission.TICKET_LIST)
def how_many(tx: Tx, filters: Filters, tag: str | None) -> int:
    """Up to COUNT_LIMIT: nobody counts on."""
    if tag is not None:
        key = text.name(tag).casefold()
        known = [each.tag_id for each in tags.every(tx) if each.name.casefold() == key]
        if not known:
            return 0
        filters = replace(filters, tag=known[0])
    return len(listing.matching(tx, filters, limit=COUNT_LIMIT))


# ---------------------------------------------------------------------------------------------- writing


class Done(NamedTuple):
    """A ticket as it is now, and what was said in it by the same act."""

    ticket: WholeTicket
    said: Message | None
    public: bool
    customers: Mapping[str, UUID]


@requires(Permission.TICKET_OPEN_FOR)
def open_ticket(tx: Tx, new: taking.NewTicket) -> Done:
    """Of the requester, who is the author of its first comment unless the key says that it is itself.

    Raises Invalid, and what the services raise.
    """
    comment = new.comment or taking.Comment(new.description or "")
    if not comment.public:
        raise Invalid({"comment": "not_supported"})
    email, name = _requester(tx, new)
    by_key = _is_own(tx, new.submitter_id) or _is_own(tx, comment.author_id)
    body = comment.body or new.description or ""
    opened, _ = units.open_ticket(
        tx,
        shapes.NewTicket(
            subject=new.subject or cut(text.one_line(body), SUBJECT_FROM),
            description=body,
            email=email,
            from_customer=not by_key,
            name=name,
            priority=taking.priority_of(new.priority),
            assignee_id=_assignee(tx, new.assignee_id, new.assignee_email),
            tags=_with_tags(tx, new.tags or []),
            files=uploaded(comment.uploads),
        ),
    )
    if new.status and taking.status_of(new.status) is not Status.NEW:
        change = shapes.TicketChange(status=taking.status_of(new.status))
        opened = units.change_ticket(tx, opened.ticket_id, change, None)
    first = chat.following(tx, tickets.ticket(tx, opened.ticket_id).chat_room_id, Place(0), limit=1)
    return Done(opened, first.messages[0], True, customers(tx, first.messages))


def _requester(tx: Tx, new: taking.NewTicket) -> tuple[str, str]:
    if new.requester:
        return new.requester.email, new.requester.name or ""
    if new.requester_id is None:
        raise Invalid({"requester": "required"})
    try:
        found = contacts.contact(tx, id_at(new.requester_id))
    except contacts.UnknownContact:
        raise Invalid({"requester_id": "unknown"}) from None
    return found.email, ""


def _is_own(tx: Tx, number: int | None) -> bool:
    """Whether it is the key's own. Raises Invalid for anybody else's: nobody speaks for others."""
    if number is None:
        return False
    if tx.actor.id.removeprefix("key:") == str(id_at(number)):
        return True
    try:
        contacts.contact(tx, id_at(number))
    except contacts.UnknownContact:
        raise Invalid({"author_id": "not_supported"}) from None
    return False


def _assignee(tx: Tx, number: int | None, email: str | None) -> UUID | None:
    if email:
        found = [each.user_id for each in workspaces.members(tx) if each.email == email.casefold().strip()]
        if not found:
            raise Invalid({"assignee_email": "unknown"})
        return found[0]
    return None if number is None else id_at(number)


def _with_tags(tx: Tx, names: Sequence[str]) -> list[str]:
    """Those that there are not yet are made, where the key may: over there a tag is what is written on."""
    known = {each.name.casefold() for each in tags.every(tx)}
    for name in names:
        if text.name(name).casefold() not in known and tx.actor.may(Permission.TAG_MANAGE):
            tags.make(tx, name, Colour.GREY)
            known.add(text.name(name).casefold())
    return list(names)


def uploaded(tokens: str | Sequence[str]) -> list[UUID]:
    """The files of one token or several. Raises Invalid."""
    parts = [part for token in ([tokens] if isinstance(tokens, str) else tokens) for part in token.split(".")]
    try:
        return [UUID(hex=part) for part in parts if part]
    except ValueError:
        raise Invalid({"uploads": "unknown"}) from None


@requires(Permission.TICKET_UPDATE)
def change_ticket(tx: Tx, number: int, wanted: taking.TicketChange) -> Done:
    """What is said first, with the status that it comes with.

    Raises UpdateConflict, UnknownTicket, Invalid, and what the services raise.
    """
    now = _numbered(tx, number)
    [locked] = tickets.locked_all(tx, [now.ticket_id])
    if wanted.safe_update and moment(locked.updated_at) != wanted.updated_stamp:
        raise UpdateConflict
    status = UNSET if wanted.status is UNSET else taking.status_of(wanted.status)
    said = _say(tx, locked, wanted.comment, status or None) if wanted.comment else None
    assigned = wanted.assignee_id is not UNSET or wanted.assignee_email is not None
    number_given = None if wanted.assignee_id is UNSET else wanted.assignee_id
    change = shapes.TicketChange(
        status=status,
        priority=UNSET if wanted.priority is UNSET else taking.priority_of(wanted.priority),
        assignee_id=_assignee(tx, number_given, wanted.assignee_email) if assigned else UNSET,
        tags=_changed_tags(tx, locked, wanted),
    )
    after = units.change_ticket(tx, now.ticket_id, change, None)
    return Done(after, said, wanted.comment.public if wanted.comment else True, {})


def _say(tx: Tx, to: Ticket, comment: taking.Comment, then: Status | None) -> Message:
    if comment.author_id is not None and not _is_own(tx, comment.author_id):
        raise Invalid({"author_id": "not_supported"})
    file_ids = uploaded(comment.uploads)
    if not comment.public:
        files.hand_over(tx, file_ids, chat.notes_room(tx, to.ticket_id), tx.actor)
        return tickets.add_note(tx, to.ticket_id, comment.body, clock.new_id(), file_ids=file_ids).message
    files.hand_over(tx, file_ids, to.chat_room_id, tx.actor)
    said = (to.ticket_id, comment.body, clock.new_id())
    return tickets.send_message(tx, *said, file_ids=file_ids, then=then).message


def _changed_tags(tx: Tx, on: Ticket, wanted: taking.TicketChange) -> list[str] | UnsetType:
    if wanted.tags is UNSET and not wanted.additional_tags and not wanted.remove_tags:
        return UNSET
    had = [tag.name for tag in tags.of_tickets(tx, [on.ticket_id]).get(on.ticket_id, ())]
    names = [*(had if wanted.tags is UNSET else wanted.tags), *wanted.additional_tags]
    less = {text.name(name).casefold() for name in wanted.remove_tags}
    return _with_tags(tx, [name for name in names if text.name(name).casefold() not in less])


# --------------------------------------------------------------------------------------------- comments


class Said(Struct, frozen=True):
    """In the order in which it was said. `at`: how far the public room and the notes are read, None at the
    end.
    """

    messages: Sequence[tuple[Message, bool]]
    customers: dict[str, UUID]
    at: tuple[int, int] | None


@requires(Permission.TICKET_LIST)
def comments(tx: Tx, number: int, after: tuple[int, int], limit: int) -> Said:
    """What people said, in public and among agents. Raises UnknownTicket."""
    found = _numbered(tx, number)
    rooms = (found.chat_room_id, chat.notes_room(tx, found.ticket_id))
    pages = [
        chat.following(tx, room, Place(seq), limit=limit) for room, seq in zip(rooms, after, strict=True)
    ]
    ends = [page.messages[-1] for page in pages if page.messages and page.messages[-1].seq < page.head]
    until = min((end.created_at for end in ends), default=None)
    merged = sorted(
        (each.created_at, not public, each.seq, each, public)
        for page, public in zip(pages, (True, False), strict=True)
        for each in page.messages
        if until is None or each.created_at <= until
    )
    at, said = list(after), []
    for *_, message, public in merged[:limit]:
        at[0 if public else 1] = message.seq
        if message.sender_type != "system":
            said.append((message, public))
    more = any(seq < page.head for seq, page in zip(at, pages, strict=True))
    return Said(said, customers(tx, [message for message, _ in said]), (at[0], at[1]) if more else None)


@requires(Permission.TICKET_LIST)
def customers(tx: Tx, messages: Sequence[Message]) -> dict[str, UUID]:
    """Who wrote them, by their addresses."""
    emails = {each.sender_id for each in messages if each.sender_type == "customer"}
    found = {email: contacts.at(tx, email) for email in emails}
    return {email: contact.contact_id for email, contact in found.items() if contact}


# ------------------------------------------------------------------------------------------------ people


User = Contact | Member


@requires(Permission.TICKET_LIST)
def user(tx: Tx, number: int) -> User:
    """Raises UnknownContact."""
    found = these_users(tx, [number])
    if not found:
        raise contacts.UnknownContact
    return found[0]


@requires(Permission.TICKET_LIST)
def these_users(tx: Tx, numbers: Sequence[int]) -> Sequence[User]:
    """Those of them that there are, the members first."""
    ids = {id_at(number) for number in numbers}
    members = [each for each in workspaces.members(tx) if each.user_id in ids]
    return [*members, *contacts.these(tx, ids).values()]


@requires(Permission.CONTACT_EDIT)
def add_user(tx: Tx, new: taking.User) -> Contact:
    """Raises KnownContact, Invalid."""
    _is_customer(new)
    made = contacts.add(tx, new.email or "", new.name or "", "" if new.notes is UNSET else new.notes or "")
    return _blocked(tx, made, new)


@requires(Permission.CONTACT_EDIT)
def add_or_change_user(tx: Tx, new: taking.User) -> tuple[Contact, bool]:
    """And whether it is new. Raises Invalid."""
    known = contacts.at(tx, (new.email or "").strip().casefold())
    return (change_user(tx, known.contact_id.int, new), False) if known else (add_user(tx, new), True)


@requires(Permission.CONTACT_EDIT)
def change_user(tx: Tx, number: int, wanted: taking.User) -> Contact:
    """Raises UnknownContact, Invalid."""
    _is_customer(wanted)
    now = contacts.locked(tx, id_at(number))
    if wanted.email is not None and wanted.email.strip().casefold() != now.email:
        raise Invalid({"email": "not_supported"})
    change = shapes.ContactChange(
        name=UNSET if wanted.name is None else wanted.name, note=wanted.notes, blocked=wanted.suspended
    )
    return units.change_contact(tx, now.contact_id, change)


def _is_customer(wanted: taking.User) -> None:
    """Members come by invitation alone."""
    if wanted.role not in (None, "end-user"):
        raise Invalid({"role": "not_supported"})


def _blocked(tx: Tx, made: Contact, new: taking.User) -> Contact:
    if new.suspended is not True:
        return made
    return units.change_contact(tx, made.contact_id, shapes.ContactChange(blocked=True))
