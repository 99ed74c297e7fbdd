"""What a change of a ticket brings with it. One ticket or many: each statement is made once for all of them.

The tickets are locked, and come back as they are now, in the order in which they were given.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import Audience
from parlour.features.events import service as events
from parlour.features.tickets import life, store
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Kind as Told
from parlour.features.tickets.unsaid import service as unsaid
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Kind, Permission, Role, requires
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.events import TicketChanged


class TicketMerged(DomainError):
    """Another ticket goes on in place of this one."""

    status = 409
    code = "ticket_merged"
    message = "This ticket was merged into another one. Go on there, or undo that first."


def stands_alone(ticket: Ticket) -> Ticket:
    """Raises TicketMerged for one that goes on in another."""
    if ticket.merged_into:
        raise TicketMerged
    return ticket


@requires(Permission.PORTAL_SEE)
def tell(tx: Tx, ticket: Ticket, *, spoke: Kind | None = None, inward: bool = False) -> None:
    """Let everyone who is looking know how the ticket is now, and who has just said something in public.

    `inward`: nothing changed that a customer can see, so customers hear nothing, as of a quiet ticket.
    """
    tx.emit(
        TicketChanged(
            workspace_id=tx.workspace_id,
            ticket_id=ticket.ticket_id,
            room_id=ticket.chat_room_id,
            number=ticket.number,
            status=ticket.status.value,
            priority=ticket.priority.value,
            assignee_id=ticket.assignee_id,
            version=ticket.version,
            spoke=spoke.value if spoke else None,
            inward=inward or ticket.quiet,
        )
    )


@requires(Permission.TICKET_UPDATE)
def set_status(
    tx: Tx,
    tickets: Sequence[Ticket],
    status: Status,
    *,
    change_id: UUID | None = None,
    until: datetime | None = None,
) -> list[Ticket]:
    """The rooms are told at once; of a change that can be undone, which has an id, only after a moment.
    Those that are merged into others stay closed.

    `until`: how long a pending one is put aside.
    """
    return _set_statuses(tx, tickets, lambda _: status, change_id, until)


@requires(Permission.TICKET_UPDATE)
def touch(tx: Tx, tickets: Sequence[Ticket], *, change_id: UUID | None = None) -> list[Ticket]:
    """An agent did something with them: those that are new open."""
    return _set_statuses(tx, tickets, lambda ticket: life.after_agent_action(ticket.status), change_id)


@requires(Permission.TICKET_UPDATE)
def make_new_again(tx: Tx, tickets: Sequence[Ticket], *, change_id: UUID) -> list[Ticket]:
    """Undo what made new tickets others; `open` once an agent has answered one, which nothing undoes."""
    return _set_statuses(
        tx, tickets, lambda ticket: Status.OPEN if ticket.first_answer_at else Status.NEW, change_id
    )


def _set_statuses(
    tx: Tx,
    tickets: Sequence[Ticket],
    to: Callable[[Ticket], Status],
    change_id: UUID | None,
    until: datetime | None = None,
) -> list[Ticket]:
    now: dict[UUID, Ticket] = {}
    alone = [ticket for ticket in tickets if not ticket.merged_into]
    for status in Status:
        moving = [ticket for ticket in alone if to(ticket) is status and ticket.status is not status]
        if not moving:
            continue
        if change_id:
            told = unsaid.held(tx, status, change_id)
        else:
            moving, told = unsaid.say(tx, moving), {"status_change": clock.new_id()}
        now |= _change(tx, moving, status=status.value, snoozed_until=until, **told)
        _note_statuses(tx, moving, status)
        if not change_id:
            _say_statuses(tx, moving, status)
    for ticket in now.values():
        tell(tx, ticket)
    return [now.get(ticket.ticket_id, ticket) for ticket in tickets]


def _change(tx: Tx, tickets: Sequence[Ticket], **values: object) -> dict[UUID, Ticket]:
    if not tickets:
        return {}
    ticket_ids = [ticket.ticket_id for ticket in tickets]
    if "status" in values:
        values.setdefault("quiet", False)
    return {each.ticket_id: each for each in store.change_all(tx, ticket_ids, clock.now(), **values)}


@requires(Permission.TICKET_UPDATE)
def put_aside(
    tx: Tx, tickets: Sequence[Ticket], until: datetime, *, change_id: UUID | None = None
) -> list[Ticket]:
    """Pending until then, which is the agents' affair: the customers' rooms hear nothing of it."""
    return _quietly(tx, tickets, Status.PENDING, until, change_id)


@requires(Permission.TICKET_UPDATE)
def bring_back(
    tx: Tx, tickets: Sequence[Ticket], status: Status = Status.OPEN, *, change_id: UUID | None = None
) -> list[Ticket]:
    """Open again, or what they were before, as quietly as they were put aside."""
    return _quietly(tx, tickets, status, None, change_id)


def _quietly(
    tx: Tx, tickets: Sequence[Ticket], status: Status, until: datetime | None, change_id: UUID | None
) -> list[Ticket]:
    values = {
        "status": status.value,
        "status_change": change_id or clock.new_id(),
        "snoozed_until": until,
    }
    now = _change(tx, unsaid.say(tx, tickets), **values)
    after = until.isoformat() if until else ""
    moments = {
        ticket.ticket_id: (ticket.aside_until.isoformat() if ticket.aside_until else "", after)
        for ticket in tickets
    }
    audit.record_all(tx, "snooze", moments)
    moved = {ticket.ticket_id for ticket in tickets if ticket.status is not status}
    events.ticket_updated(tx, moved, "status", "snoozed_until")
    events.ticket_updated(tx, now.keys() - moved, "snoozed_until")
    chat.announce_to_all(tx, list(now), Audience.INTERNAL, "snooze:on" if until else "snooze:off")
    for ticket in now.values():
        tell(tx, ticket)
    return [now[ticket.ticket_id] for ticket in tickets]


@requires(Permission.TICKET_REPLY)
def follow_status(tx: Tx, before: Sequence[Ticket], after: Status) -> None:
    """What a change of status brings with it: rooms open or close, the rooms and the trail say so."""
    moved = [ticket for ticket in before if ticket.status is not after]
    _say_statuses(tx, moved, after)
    _note_statuses(tx, moved, after)


def _say_statuses(tx: Tx, moved: Sequence[Ticket], after: Status) -> None:
    for status in {ticket.told for ticket in moved}:
        these = [ticket.ticket_id for ticket in moved if ticket.told is status]
        chat.announce_to_all(tx, these, Audience.PUBLIC, f"status:{life.word_for(status, after)}")


def _note_statuses(tx: Tx, moved: Sequence[Ticket], after: Status) -> None:
    turned = [
        ticket.chat_room_id
        for ticket in moved
        if Status.CLOSED in (ticket.status, after) and not ticket.quiet  # whose room was never closed
    ]
    if turned:
        chat.set_open(tx, turned, after is not Status.CLOSED)
    audit.record_all(tx, "status", {each.ticket_id: (each.status.value, after.value) for each in moved})
    events.ticket_updated(tx, [each.ticket_id for each in moved], "status")


@requires(Permission.TICKET_UPDATE)
def set_priority(
    tx: Tx, tickets: Sequence[Ticket], priority: Priority, *, change_id: UUID | None = None
) -> list[Ticket]:
    others = [ticket for ticket in tickets if ticket.priority is not priority]
    changed = _change(tx, others, priority=priority.value, priority_rank=store.RANKS[priority])
    store.follow_on_tags(tx, others, priority_rank=store.RANKS[priority])
    note_changes(tx, "priority", {each.ticket_id: (each.priority.value, priority.value) for each in others})
    events.ticket_updated(tx, changed, "priority")
    for ticket in changed.values():
        tell(tx, ticket, inward=True)
    touched = touch(tx, list(changed.values()), change_id=change_id)
    now = {ticket.ticket_id: ticket for ticket in touched}
    return [now.get(ticket.ticket_id, ticket) for ticket in tickets]


@requires(Permission.TICKET_UPDATE)
def assign(
    tx: Tx, tickets: Sequence[Ticket], assignee_id: UUID | None, *, change_id: UUID | None = None
) -> list[Ticket]:
    """Give them to a member of the workspace who may answer them, or to nobody.

    Raises Invalid when that person may not.
    """
    others = [ticket for ticket in tickets if ticket.assignee_id != assignee_id]
    if others and assignee_id and workspaces.hold_role(tx, assignee_id) in (None, Role.VIEWER):
        raise Invalid({"assignee": "unknown"})
    changed = _change(tx, others, assignee_id=assignee_id)
    names = {
        who: workspaces.name_of(tx, who) for who in {assignee_id, *(each.assignee_id for each in others)}
    }
    told = {each.ticket_id: (names[each.assignee_id], names[assignee_id]) for each in others}
    note_changes(tx, "assignee", told)
    events.ticket_updated(tx, changed, "assignee_id")
    for ticket in changed.values():
        tell(tx, ticket, inward=True)
    notifications.withdraw(tx, others, assignee_id)
    if assignee_id:
        notifications.tell(tx, Told.ASSIGNED, [assignee_id], list(changed.values()))
    touched = touch(tx, list(changed.values()), change_id=change_id)
    now = {ticket.ticket_id: ticket for ticket in touched}
    return [now.get(ticket.ticket_id, ticket) for ticket in tickets]


@requires(Permission.TICKET_UPDATE)
def note_changes(tx: Tx, what: str, changes: Mapping[UUID, tuple[str, str]]) -> None:
    """What only agents need to know, {ticket: (before, after)}, goes into the rooms that only agents see."""
    for after in {after for _, after in changes.values()}:
        these = [ticket_id for ticket_id, values in changes.items() if values[1] == after]
        chat.announce_to_all(tx, these, Audience.INTERNAL, f"{what}:{after}")
    audit.record_all(tx, what, changes)
