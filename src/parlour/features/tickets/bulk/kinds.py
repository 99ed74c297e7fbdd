"""What a change of tickets can be about: how each field stands on them, and how it is set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets import changes, life
from parlour.features.tickets.models import Bulk, Field, Priority, Status, Ticket
from parlour.features.tickets.snooze import service as snoozing
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Permission, Role, requires
from parlour.kernel.errors import Invalid

ON, OFF = "on", "off"
"""How a tag stands on a ticket."""
_TAGGING = {Field.TAG: ON, Field.UNTAG: OFF}


@requires(Permission.BULK_UPDATE)
def check(tx: Tx, field: Field, value: str) -> None:
    """Raises Invalid (`value`: required, unknown) for what no ticket can become."""
    if field is Field.ASSIGNEE:
        fits = not value or workspaces.role_of(tx, _id(value)) not in (None, Role.VIEWER)
    elif not value:
        raise Invalid({"value": "required"})
    elif field in _TAGGING:
        fits = tags.known(tx, _id(value)) is not None
    elif field is Field.SNOOZE:
        fits = snoozing.can_be(_moment(value))
    else:
        fits = value in (set(Priority) if field is Field.PRIORITY else set(Status) - {Status.NEW})
    if not fits:
        raise Invalid({"value": "unknown"})


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({"value": "unknown"}) from None


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Invalid({"value": "unknown"}) from None
    if moment.tzinfo is None:
        raise Invalid({"value": "unknown"})
    return moment


def target(bulk: Bulk) -> str:
    """How the field stands where the change was made."""
    return _TAGGING.get(bulk.field, bulk.value)


@requires(Permission.BULK_UPDATE)
def standing(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk) -> Mapping[UUID, str]:
    """How the field stands on each of them, as `bulk_items` keeps it; nobody and no moment are empty."""
    if bulk.field in _TAGGING:
        tagged = tags.have(tx, [ticket.ticket_id for ticket in tickets if ticket.tagged], UUID(bulk.value))
        return {ticket.ticket_id: ON if ticket.ticket_id in tagged else OFF for ticket in tickets}
    return {ticket.ticket_id: _value_of(ticket, bulk.field) for ticket in tickets}


def _value_of(ticket: Ticket, field: Field) -> str:
    until = ticket.aside_until.isoformat() if ticket.aside_until else ""
    if field is Field.SNOOZE:
        return until
    if field is Field.PRIORITY:
        return ticket.priority.value
    if field is Field.ASSIGNEE:
        return str(ticket.assignee_id) if ticket.assignee_id else ""
    return f"{ticket.status.value}@{until}" if until else ticket.status.value


@requires(Permission.BULK_UPDATE)
def last_changed(tx: Tx, ticket_ids: Sequence[UUID], bulk: Bulk) -> Mapping[UUID, datetime]:
    """When the field last became another on each. Of a status the ticket itself says by what."""
    if bulk.field in _TAGGING:
        tag = tags.known(tx, UUID(bulk.value))
        return audit.last_changes(tx, "tag", ticket_ids, named=tag.name) if tag else {}
    if bulk.field in (Field.PRIORITY, Field.ASSIGNEE):
        return audit.last_changes(tx, bulk.field.value, ticket_ids)
    return {}


def same(stands: str, wanted: str) -> bool:
    """A pending ticket is no other for being put aside."""
    return stands.partition("@")[0] == wanted.partition("@")[0]


@requires(Permission.BULK_UPDATE)
def put(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk, value: str) -> Sequence[Ticket]:
    """Those on which the field stands so now, as they are then. The others were left alone."""
    if bulk.field in _TAGGING:
        move = tags.put_on_all if value == ON else tags.take_off_all
        return move(tx, tickets, UUID(bulk.value))
    if bulk.field is Field.SNOOZE:
        unfinished = [ticket for ticket in tickets if ticket.status not in life.FINISHED]
        return snoozing.put_aside(tx, unfinished, _moment(value), change_id=bulk.bulk_id)
    if bulk.field is Field.STATUS:
        status, _, until = value.partition("@")
        return _back_aside(tx, tickets, bulk, _moment(until)) if until else _set(tx, tickets, bulk, status)
    try:
        if bulk.field is Field.PRIORITY:
            return changes.set_priority(tx, tickets, Priority(value), change_id=bulk.bulk_id)
        return changes.assign(tx, tickets, UUID(value) if value else None, change_id=bulk.bulk_id)
    except Invalid:  # to somebody who has left since
        return []


def _set(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk, status: str) -> Sequence[Ticket]:
    return changes.set_status(tx, tickets, Status(status), change_id=bulk.bulk_id)


def _back_aside(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk, until: datetime) -> Sequence[Ticket]:
    """Pending until then as before; when that moment is over, it would be open again."""
    if until <= clock.now():
        return _set(tx, tickets, bulk, Status.OPEN.value)
    return changes.set_status(tx, tickets, Status.PENDING, change_id=bulk.bulk_id, until=until)
