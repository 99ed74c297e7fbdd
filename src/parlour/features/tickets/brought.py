"""Tickets that come with their history from elsewhere: dated as they were, and nobody is told of anything."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.files import service as files
from parlour.features.tickets import store
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.features.tickets.tags import store as tag_store
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires

UNFINISHED = (Status.NEW, Status.OPEN, Status.PENDING)


class Brought(Struct, frozen=True):
    """A ticket as it is to stand here. `client_id` knows it again; `origin` says where it came from."""

    client_id: UUID
    origin: str
    subject: str
    description: str
    email: str
    name: str
    status: Status
    priority: Priority
    assignee_id: UUID | None
    created_at: datetime
    tag_ids: Sequence[UUID] = ()


class Said(Struct, frozen=True):
    """A message as it is to stand here; `client_id` knows it again. `sender_id` is a customer's address or an
    agent's UUID.
    """

    client_id: UUID
    at: datetime
    by_customer: bool
    internal: bool
    sender_id: str
    sender_name: str
    content: str
    file_ids: Sequence[UUID] = ()


@requires(Permission.SYSTEM)
def known(tx: Tx, client_id: UUID) -> Ticket | None:
    return store.by_client_id(tx, client_id)


@requires(Permission.SYSTEM)
def rest(tx: Tx, ticket: Ticket, said: Sequence[Said]) -> list[Said]:
    """Those of the messages that are not there yet, whoever is their sender by now: a colleague who became a
    member since, a customer who was erased.
    """
    notes = chat.notes_room(tx, ticket.ticket_id)
    there = {room_id: chat.client_ids(tx, room_id) for room_id in (notes, ticket.chat_room_id)}
    return [one for one in said if one.client_id not in there[notes if one.internal else ticket.chat_room_id]]


@requires(Permission.SYSTEM)
def bring(tx: Tx, brought: Brought) -> Ticket:
    """The ticket, in which nothing is said yet; the one that another import has just made, if one has."""
    if there := known(tx, brought.client_id):
        return there
    contacts.remember(tx, brought.email, brought.name, typed=False)
    ticket_id, moment = clock.new_id(), brought.created_at
    ticket = Ticket(
        ticket_id=ticket_id,
        workspace_id=tx.workspace_id,
        number=workspaces.take_ticket_number(tx),
        subject=brought.subject,
        description=brought.description,
        status=brought.status,
        priority=brought.priority,
        email=brought.email,
        chat_room_id=chat.open_rooms(tx, ticket_id),
        assignee_id=brought.assignee_id,
        version=1,
        created_at=moment,
        updated_at=moment,
        last_message_at=moment,
    )
    store.insert_ticket(tx, ticket, client_id=brought.client_id)
    for tag_id in brought.tag_ids:
        if tag_store.lock(tx, tag_id):  # nobody has deleted it while the import runs
            tag_store.put_on(tx, [ticket], tag_id)
    audit.record(tx, "brought", ticket_id=ticket_id, after=brought.origin)
    return ticket


@requires(Permission.SYSTEM)
def say(tx: Tx, ticket: Ticket, said: Sequence[Said], stranger: Actor, every: Sequence[Said] = ()) -> None:
    """What of it is not there yet follows what is there, in this order. The files were staged by `stranger`.

    With the last of it comes `every` message: the ticket gets its moments by them in the same transaction,
    because one that is complete is not looked at again. Raises TicketFull.
    """
    notes = chat.notes_room(tx, ticket.ticket_id)
    for one in rest(tx, ticket, said):
        room_id = notes if one.internal else ticket.chat_room_id
        brought = files.chosen(tx.acting_as(stranger), None, one.file_ids)
        files.hand_over(tx.acting_as(stranger), one.file_ids, room_id, _speaker(ticket, one))
        chat.bring(
            tx,
            room_id,
            one.content,
            by=(one.by_customer, one.sender_id, one.sender_name),
            client_id=one.client_id,
            at=one.at,
            brought=brought,
        )
    if every:
        _settle(tx, ticket.ticket_id, every)


def _speaker(ticket: Ticket, one: Said) -> Actor:
    if one.by_customer:
        return Actor.customer(ticket.workspace_id, ticket.ticket_id, one.sender_id)
    return Actor.agent(ticket.workspace_id, UUID(one.sender_id), Role.AGENT, one.sender_name)


def _settle(tx: Tx, ticket_id: UUID, said: Sequence[Said]) -> None:
    """Note when was what, by all that was said in it; where somebody has spoken here since, as it is."""
    ticket = store.lock_ticket(tx, ticket_id)
    spoken = [one for one in said if not one.internal]
    if ticket is None or not spoken:
        return
    if ticket.last_message_at > max(spoken[-1].at, ticket.created_at):
        return
    answers = [one.at for one in spoken if not one.by_customer]
    unanswered = [one.at for one in spoken if one.by_customer and not (answers and one.at <= answers[-1])]
    waits = ticket.status in UNFINISHED and unanswered
    dated = replace(
        ticket,
        last_message_at=spoken[-1].at,
        updated_at=spoken[-1].at,
        waiting_since=unanswered[0] if waits else None,
        first_answer_at=answers[0] if answers else None,
    )
    store.date(tx, dated)
