"""The ticket and its life."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.events import service as events
from parlour.features.events.models import Happened
from parlour.features.events.models import Kind as Did
from parlour.features.files import service as files
from parlour.features.tickets import changes, life, posting, store
from parlour.features.tickets.mentions import service as mentions
from parlour.features.tickets.models import (
    DESCRIPTION_LIMIT,
    SUBJECT_LIMIT,
    Draft,
    Opened,
    Priority,
    Sent,
    Status,
    Ticket,
)
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Kind as Told
from parlour.features.tickets.unsaid import service as unsaid
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Kind, Permission, requires
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import Conflict, DomainError, Invalid, NotFound
from parlour.kernel.events import SpokeUnheard
from parlour.kernel.messages import Message

CONFIRMATION = "mail.confirmation"
FIRST_WORD = "mail.first_word"
UNSEEN_REPLIES = "mail.unseen_replies"
AWAY_AFTER = timedelta(minutes=10)
"""How long an answer may wait to be seen in the room before it goes by mail (as Libredesk does)."""


class UnknownTicket(NotFound):
    code = "unknown_ticket"
    message = "We could not find this ticket."


class TicketClosed(DomainError):
    """The conversation is over."""

    status = 409
    code = "ticket_closed"
    message = "This ticket is closed, so nothing more can be added to it."


class UnseenMessage(DomainError):
    """The customer wrote again while the agent was answering: the answer may be blind."""

    status = 409
    code = "unseen_message"
    message = "The customer has written again. Read it before you answer."


class UnseenAnswer(UnseenMessage):
    """A colleague answered meanwhile: the customer may be about to hear the same twice, or two things."""

    code = "unseen_answer"
    message = "A colleague has answered. Read it before you answer, too."


class StaleTicket(DomainError):
    """Somebody changed the ticket after this actor looked at it. `current` is what it is now."""

    status = 409
    code = "stale_ticket"
    message = "Someone else has just changed this ticket. Here is how it stands now."

    def __init__(self, current: Ticket) -> None:
        super().__init__(current.version)
        self.current = current


def checked(draft: Draft) -> Draft:
    """As it would be stored. Raises Invalid with a code a field."""
    subject, description = text.one_line(draft.subject), text.many_lines(draft.description)
    email = clean_email(draft.email)
    name, problems = text.name(draft.name), {}
    if len(name) > text.NAME_LIMIT:
        problems["name"] = "too_long"
    if email is None:
        problems["email"] = "invalid" if text.is_visible(draft.email) else "required"
    for field, words, limit in (
        ("subject", subject, SUBJECT_LIMIT),
        ("description", description, DESCRIPTION_LIMIT),
    ):
        if not words:
            problems[field] = "required"
        elif len(words) > limit:
            problems[field] = "too_long"
    if problems or email is None:
        raise Invalid(problems)
    return replace(draft, subject=subject, description=description, email=email, name=name)


@requires(Permission.TICKET_OPEN)
def open_ticket(tx: Tx, draft: Draft) -> Opened:
    """The ticket, its rooms, its first message and the job that mails the confirmation, or none of them.

    The same `client_id` again answers with the first ticket. Of somebody blocked it lands closed, and no
    agent is told. Raises Invalid with a code a field, TicketFull, or Conflict when the id came with other
    words or files.
    """
    return _about_to_open(tx, draft)(None)


@requires(Permission.TICKET_OPEN)
def about_to_open(tx: Tx, draft: Draft) -> Callable[[Ticket | None], Opened]:
    """What comes back is `open_ticket`, of which all questions are asked with what is asked next; given a
    ticket, it is that one once more. Who wrote is remembered in any case.
    """
    return _about_to_open(tx, draft)


@requires(Permission.TICKET_OPEN_AS)
def open_as(tx: Tx, draft: Draft) -> Opened:
    """`open_ticket` for a customer who has written elsewhere: a program passes it on, and that is kept."""
    opened = _about_to_open(tx, draft)(None)
    if not opened.repeat:
        audit.record(tx, "passed_on", ticket_id=opened.ticket.ticket_id)
    return opened


def _about_to_open(tx: Tx, draft: Draft) -> Callable[[Ticket | None], Opened]:
    draft = checked(draft)
    before = store.asking_by_client_id(tx.as_system(), draft.client_id)
    wanted = notifications.asking_news(tx)
    blocked = contacts.remember(tx.as_system(), draft.email, draft.name, typed=True)
    number = workspaces.asking_ticket_number(tx.as_system())

    def open_it(same: Ticket | None) -> Opened:
        if repeat := Opened(same, repeat=True) if same else _repeat(tx, draft, before()):
            workspaces.give_back_ticket_number(tx.as_system())
            return repeat
        return _open(tx, draft, number(), blocked=blocked(), wanted=wanted())

    return open_it


def _open(tx: Tx, draft: Draft, number: int, *, blocked: bool, wanted: bool) -> Opened:
    """What is done in one name stands together: PostgreSQL is told of each."""
    ticket = _of_customer(tx, draft, number, blocked=blocked)
    customer = Actor.customer(tx.workspace_id, ticket.ticket_id, draft.email)
    first = _first_word(tx, ticket, draft, customer)
    if not ticket.quiet:
        by = tx if tx.actor.kind is Kind.AGENT else tx.acting_as(customer)
        events.record(by, *_opening(ticket, first))
        notifications.expect(tx, ticket, wanted=wanted)
        changes.tell(tx, ticket, spoke=customer.kind)
    if draft.is_confirmed:
        posting.queue(tx, CONFIRMATION, ticket)
    return Opened(ticket, repeat=False)


@requires(Permission.TICKET_OPEN_FOR)
def open_for(tx: Tx, draft: Draft) -> Opened:
    """A ticket of the address in the draft, begun by the agent, whose it is; a program's is nobody's. The
    description is what the agent says in it, and a job mails that with a link. Raises as `open_ticket`.
    """
    draft = checked(draft)
    if repeat := _repeat(tx, draft, store.by_client_id(tx.as_system(), draft.client_id)):
        return repeat
    now = clock.now()
    contacts.remember(tx.as_system(), draft.email, draft.name, typed=False)
    facts = {"status": Status.OPEN, "assignee_id": tx.actor.user_id, "first_answer_at": now}
    ticket = _new_ticket(tx, draft, workspaces.take_ticket_number(tx.as_system()), now, **facts)
    first = _first_word(tx, ticket, draft, tx.actor)
    events.record(tx, *_opening(ticket, first))
    audit.record(tx, "opened", ticket_id=ticket.ticket_id)
    posting.queue(tx, FIRST_WORD, ticket, seq=first.seq)
    changes.tell(tx, ticket, spoke=tx.actor.kind)
    return Opened(ticket, repeat=False)


def _first_word(tx: Tx, ticket: Ticket, draft: Draft, by: Actor) -> Message:
    """The description, and what was uploaded with it, as somebody's message."""
    files.hand_over(tx, draft.file_ids, ticket.chat_room_id, by)
    where, what = (ticket.ticket_id, ticket.chat_room_id), (draft.description, draft.client_id)
    return chat.begin(tx.acting_as(by), *where, *what, draft.file_ids)


def _opening(ticket: Ticket, first: Message) -> Sequence[Happened]:
    return Happened(Did.TICKET_CREATED, ticket.ticket_id), _said(ticket, first)


def _said(ticket: Ticket, message: Message) -> Happened:
    return Happened(Did.MESSAGE_CREATED, ticket.ticket_id, message_id=message.message_id)


def _repeat(tx: Tx, draft: Draft, first: Ticket | None) -> Opened | None:
    """What the form has opened before, if that was there `first`."""
    if first is None:
        return None
    if (first.subject, first.description, first.email) != (draft.subject, draft.description, draft.email):
        raise Conflict
    if not files.are_those_of(tx, first.chat_room_id, 1, draft.file_ids):
        raise Conflict
    return Opened(first, repeat=True)


def _of_customer(tx: Tx, draft: Draft, number: int, *, blocked: bool) -> Ticket:
    now = clock.now()
    status = Status.CLOSED if blocked else Status.NEW
    facts = {"waiting_since": None if blocked else now, "quiet": blocked, "typed_name": draft.name}
    return _new_ticket(tx, draft, number, now, status=status, **facts)


def _new_ticket(tx: Tx, draft: Draft, number: int, now: datetime, **facts: Any) -> Ticket:
    """With its rooms, in the public one of which the first word is to follow."""
    tx, ticket_id = tx.as_system(), clock.new_id()
    ticket = Ticket(
        ticket_id=ticket_id,
        workspace_id=tx.workspace_id,
        number=number,
        subject=draft.subject,
        description=draft.description,
        priority=Priority.MEDIUM,
        email=draft.email,
        chat_room_id=chat.open_rooms(tx, ticket_id, begun=True),
        version=1,
        created_at=now,
        updated_at=now,
        last_message_at=now,
        **({"assignee_id": None} | facts),
    )
    store.insert_ticket(tx, ticket, client_id=draft.client_id)
    return ticket


def _visible(tx: Tx, ticket: Ticket | None) -> Ticket:
    """The ticket, if this actor may see it."""
    if ticket is None or (tx.actor.kind is Kind.CUSTOMER and ticket.ticket_id != tx.actor.ticket_id):
        raise UnknownTicket
    return ticket


@requires(Permission.TICKET_READ)
def ticket(tx: Tx, ticket_id: UUID) -> Ticket:
    """As the actor knows it. Raises UnknownTicket for a missing one and for somebody else's."""
    found = _visible(tx, store.ticket(tx, ticket_id))
    return replace(found, status=found.told) if tx.actor.kind is Kind.CUSTOMER else found


@requires(Permission.TICKET_UPDATE)
def locked_all(tx: Tx, ticket_ids: Sequence[UUID]) -> Sequence[Ticket]:
    """The tickets, which nobody else changes before this transaction has ended, in the order of their ids."""
    return store.lock_all(tx, ticket_ids)


@requires(Permission.TICKET_REPLY)
def send_message(
    tx: Tx,
    ticket_id: UUID,
    content: str,
    client_id: UUID,
    *,
    file_ids: Sequence[UUID] = (),
    seen: int | None = None,
    then: Status | None = None,
) -> Sent:
    """Say something in the ticket's public room; its life follows from it, but for somebody blocked.

    An agent's `seen` is the last message on the agent's page: raises UnseenMessage when the customer
    has said more since, UnseenAnswer when a colleague has. `then` is the status that the agent sets in the
    same act. Raises TicketClosed for what is not a repeat, UnknownTicket, and what `chat.post` raises.
    """
    ticket = _visible(tx, store.lock_ticket(tx, ticket_id))
    by_customer = tx.actor.kind is Kind.CUSTOMER
    if ticket.unsaid_from and not chat.said_as(tx, ticket.chat_room_id, client_id):
        [ticket] = unsaid.say(tx, [ticket])
    follow, blocked = posting.asking_what_follows(tx, ticket, UNSEEN_REPLIES, away_after=AWAY_AFTER)
    posted = chat.post(tx, ticket.chat_room_id, content, client_id, file_ids)
    if posted.repeat:
        return Sent(posted.message, ticket.told if by_customer else ticket.status, repeat=True)
    if ticket.is_closed and not (by_customer and ticket.quiet):
        raise TicketClosed
    if by_customer and blocked():
        return _unheard(tx, ticket, posted.message)
    if by_customer:
        status = life.after_customer_message(ticket.status, quiet=ticket.quiet)
    else:
        _nothing_unseen(tx, ticket, seen)
        status = then or life.after_agent_action(ticket.status)
    changed = _spoke(tx, ticket, posted.message, status)
    changed = _heard(tx, changed) if by_customer else _taken(tx, ticket, changed)
    follow(posted.message.seq)
    changes.tell(tx, changed, spoke=tx.actor.kind)
    return Sent(posted.message, changed.status, repeat=False)


def _spoke(tx: Tx, ticket: Ticket, message: Message, status: Status) -> Ticket:
    by_customer = tx.actor.kind is Kind.CUSTOMER
    changed = life.after_word(ticket, message.created_at, by_customer=by_customer, status=status)
    store.spoke(tx, ticket, changed)
    events.record(tx, _said(ticket, message))
    changes.follow_status(tx, [ticket], changed.status)
    return changed


def _heard(tx: Tx, ticket: Ticket) -> Ticket:
    """A customer has spoken: whoever has the ticket is told."""
    if ticket.assignee_id:
        notifications.tell(tx, Told.ANSWERED, [ticket.assignee_id], [ticket])
    return ticket


def _unheard(tx: Tx, ticket: Ticket, message: Message) -> Sent:
    store.spoke_quietly(tx, ticket, message.created_at)
    whose = (tx.workspace_id, ticket.ticket_id, ticket.chat_room_id, ticket.number)
    tx.emit(SpokeUnheard(*whose, ticket.told.value))
    return Sent(message, ticket.told, repeat=False)


def _taken(tx: Tx, before: Ticket, answered: Ticket) -> Ticket:
    """Whoever answers first takes a ticket of nobody's, where the workspace chose so."""
    first = before.first_answer_at is None and before.assignee_id is None and tx.actor.user_id is not None
    if first and choices.settings(tx).auto_assign:
        [answered] = changes.assign(tx, [answered], tx.actor.user_id)
    return answered


def _nothing_unseen(tx: Tx, ticket: Ticket, seen: int | None) -> None:
    newest = None if seen is None else chat.newest_of_others(tx, ticket.chat_room_id, after=seen)
    if newest:
        raise UnseenMessage if newest.sender_type == "customer" else UnseenAnswer


@requires(Permission.NOTE_WRITE)
def add_note(
    tx: Tx, ticket_id: UUID, content: str, client_id: UUID, *, file_ids: Sequence[UUID] = ()
) -> Sent:
    """Say something among agents. Raises what `chat.post` raises, TicketMerged and UnknownTicket.

    The note itself is heard of in its own room alone. On a new ticket it is an agent's first action, so the
    ticket opens, which the customer is told as ever.
    """
    ticket = _visible(tx, store.lock_ticket(tx, ticket_id))
    posted = chat.post(tx, chat.notes_room(tx, ticket_id), content, client_id, file_ids)
    if posted.repeat:
        return Sent(posted.message, ticket.status, repeat=True)
    changes.stands_alone(ticket)
    events.record(tx, Happened(Did.NOTE_CREATED, ticket_id, message_id=posted.message.message_id))
    mentions.keep(tx, ticket, posted.message)
    [changed] = changes.touch(tx, [ticket])
    return Sent(posted.message, changed.status, repeat=False)


@requires(Permission.TICKET_UPDATE)
def locked(tx: Tx, ticket_id: UUID, *, seen_version: int) -> Ticket:
    """The ticket, which nobody else changes before this transaction has ended.

    Raises StaleTicket when somebody changed it after `seen_version`, TicketMerged, UnknownTicket.
    """
    ticket = changes.stands_alone(_visible(tx, store.lock_ticket(tx, ticket_id)))
    if ticket.version != seen_version:
        raise StaleTicket(current=ticket)
    return ticket


@requires(Permission.TICKET_UPDATE)
def update_ticket_status(tx: Tx, ticket_id: UUID, status: Status, *, seen_version: int) -> Ticket:
    """Move a ticket along its life and tell everyone who is looking at it.

    Raises StaleTicket when someone else changed the ticket after `seen_version`: an agent must never
    undo a colleague's decision without having seen it. Raises Invalid for a way back to `new`.
    """
    ticket = locked(tx, ticket_id, seen_version=seen_version)
    if status is Status.NEW and ticket.status is not Status.NEW:
        raise Invalid({"status": "never_new"})
    return changes.set_status(tx, [ticket], status)[0]


@requires(Permission.TICKET_UPDATE)
def update_ticket_priority(tx: Tx, ticket_id: UUID, priority: Priority, *, seen_version: int) -> Ticket:
    """Raises StaleTicket, UnknownTicket."""
    return changes.set_priority(tx, [locked(tx, ticket_id, seen_version=seen_version)], priority)[0]


@requires(Permission.TICKET_UPDATE)
def assign_ticket(tx: Tx, ticket_id: UUID, assignee_id: UUID | None, *, seen_version: int) -> Ticket:
    """Give the ticket to a member of the workspace who may answer it, or to nobody.

    Raises Invalid when that person may not, StaleTicket, UnknownTicket.
    """
    return changes.assign(tx, [locked(tx, ticket_id, seen_version=seen_version)], assignee_id)[0]
