"""One change of many tickets: each goes the way of a single change, and all can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets import changes, service
from parlour.features.tickets.bulk import store as bulk_store
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Bulk, Changed, Field, Filters, Priority, Status, Ticket
from parlour.features.tickets.unsaid import service as unsaid
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound

JOB = "tickets.bulk"
SAY = "tickets.say"
AT_ONCE = 100
"""Up to so many tickets change in the transaction that asks for it; a job takes the rest of the cases."""
LIMIT = 10_000
KEPT = timedelta(days=30)
"""How long a change can be undone; then what its tickets had before is forgotten."""
SWEEP_BATCH = 500
CHUNK = 50
"""Tickets a transaction of the job: short enough that nobody else's write waits for it."""
LISTED_AT_ONCE = 500
"""So many tickets of a large change the job writes down in a transaction, before it changes the first."""


class BulkRunning(DomainError):
    status = 409
    code = "bulk_running"
    message = "This change is still running. Wait until it is finished before you undo it."


@requires(Permission.BULK_UPDATE)
def matching(tx: Tx, filters: Filters, shown: datetime | None = None) -> list[UUID]:
    """The first LIMIT tickets of a list, less those that came or changed after it was shown."""
    found = listing.matching(tx, filters, limit=LIMIT)
    return bulk_store.unchanged_since(tx, found, shown) if shown else found


@requires(Permission.BULK_UPDATE)
def start(tx: Tx, ticket_ids: Sequence[UUID], field: Field, value: str) -> Bulk:
    """Give all these tickets one value, at once or as a job, which carries the list of them.

    Raises Invalid (`ids`: required, too_many; `value`: required, unknown) and NotFound when one of the
    tickets is not this workspace's.
    """
    ticket_ids = sorted(set(ticket_ids))
    if not ticket_ids:
        raise Invalid({"ids": "required"})
    if len(ticket_ids) > LIMIT:
        raise Invalid({"ids": "too_many"})
    _check(tx, field, value)
    if bulk_store.how_many_of(tx, ticket_ids) != len(ticket_ids):
        raise NotFound
    bulk_id = clock.new_id()
    bulk_store.insert_bulk(
        tx, bulk_id=bulk_id, user_id=tx.actor.user_id, field=field, value=value, total=len(ticket_ids)
    )
    audit.record(tx, "bulk", after=f"{field.value}:{value}")
    if len(ticket_ids) > AT_ONCE:
        return _leave_to_a_job(tx, bulk_id, ticket_ids)
    bulk_store.list_items(tx, bulk_id, ticket_ids)
    return step(tx, bulk_id, limit=AT_ONCE)


@requires(Permission.BULK_UPDATE)
def change_one(tx: Tx, ticket_id: UUID, field: Field, value: str, *, seen_version: int) -> Bulk:
    """One ticket, so that it can be undone like many. Raises Invalid, StaleTicket, UnknownTicket."""
    service.locked(tx, ticket_id, seen_version=seen_version)
    _check(tx, field, value)
    bulk_id = clock.new_id()
    bulk_store.insert_bulk(tx, bulk_id=bulk_id, user_id=tx.actor.user_id, field=field, value=value, total=1)
    bulk_store.list_items(tx, bulk_id, [ticket_id])
    return step(tx, bulk_id)


def _check(tx: Tx, field: Field, value: str) -> None:
    if field is Field.ASSIGNEE:
        if value and workspaces.role_of(tx, _member(value)) in (None, Role.VIEWER):
            raise Invalid({"value": "unknown"})
        return
    if not value:
        raise Invalid({"value": "required"})
    choices = set(Priority) if field is Field.PRIORITY else set(Status) - {Status.NEW}
    if value not in choices:
        raise Invalid({"value": "unknown"})


def _member(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({"value": "unknown"}) from None


def _leave_to_a_job(tx: Tx, bulk_id: UUID, ticket_ids: Sequence[UUID]) -> Bulk:
    """It acts in the name of whoever asked, on the tickets that it is to write down first, if any."""
    ids = [ticket_id.hex for ticket_id in ticket_ids]
    tx.enqueue(JOB, {"bulk_id": str(bulk_id), "user_id": str(tx.actor.user_id), "ids": ids})
    return bulk(tx, bulk_id)


@requires(Permission.SYSTEM)
def write_down(tx: Tx, bulk_id: UUID, ticket_ids: Sequence[UUID]) -> None:
    """Some of the tickets of a change. Those that are written down already stay as they are."""
    if bulk_store.lock_bulk(tx, bulk_id) is not None:
        bulk_store.list_items(tx, bulk_id, ticket_ids)


@requires(Permission.BULK_UPDATE)
def bulk(tx: Tx, bulk_id: UUID) -> Bulk:
    """How far it has come. Raises NotFound."""
    found = bulk_store.bulk(tx, bulk_id)
    if found is None:
        raise NotFound
    return found


@requires(Permission.BULK_UPDATE)
def step(tx: Tx, bulk_id: UUID, *, limit: int = CHUNK) -> Bulk:
    """Change the next tickets, or put the next ones back. It is over when `running` is false."""
    found = bulk_store.lock_bulk(tx, bulk_id)
    if found is None:
        raise NotFound
    if found.running:
        (_undo_some if found.undone_at else _change_some)(tx, found, limit)
    return bulk(tx, bulk_id)


def _change_some(tx: Tx, found: Bulk, limit: int) -> None:
    ticket_ids = bulk_store.waiting(tx, found.bulk_id, beyond=found.position, limit=limit)
    locked = service.locked_all(tx, ticket_ids)
    others = [ticket for ticket in locked if value_of(ticket, found.field) != found.value]
    changed = others if _set(tx, others, found, found.value) is not None else []
    unchanged = sorted({ticket.ticket_id for ticket in locked} - {ticket.ticket_id for ticket in changed})
    noted = [
        Changed(ticket.ticket_id, value_of(ticket, found.field), found.value, ticket.status)
        for ticket in changed
    ]
    bulk_store.note_changes(tx, found.bulk_id, noted)
    bulk_store.note_unchanged(tx, found.bulk_id, unchanged)
    now = replace(found, done=found.done + len(ticket_ids), changed=found.changed + len(changed))
    _note_progress(tx, now, ticket_ids, found.total)


def _undo_some(tx: Tx, found: Bulk, limit: int) -> None:
    items = bulk_store.to_put_back(tx, found.bulk_id, beyond=found.position, limit=limit)
    ticket_ids = [change.ticket_id for change in items]
    tickets = {ticket.ticket_id: ticket for ticket in service.locked_all(tx, ticket_ids)}
    put_back: set[UUID] = set()
    for before in {change.before for change in items}:
        group = [change for change in items if change.before == before]
        put_back |= _put_back(tx, tickets, group, found)
    left = [ticket_id for ticket_id in ticket_ids if ticket_id not in put_back]
    bulk_store.note_undone(tx, found.bulk_id, sorted(put_back), put_back=True)
    bulk_store.note_undone(tx, found.bulk_id, left, put_back=False)
    now = replace(found, done=found.done + len(items), put_back=found.put_back + len(put_back))
    _note_progress(tx, now, ticket_ids, found.changed)


def _note_progress(tx: Tx, now: Bulk, ticket_ids: Sequence[UUID], of: int) -> None:
    """None that is left although fewer are done than there are: they have been dealt with all the same."""
    over = now.done >= of or not ticket_ids
    now = replace(now, position=ticket_ids[-1] if ticket_ids else now.position)
    if over:
        _finish(tx, now)
    else:
        bulk_store.set_progress(tx, now, finished_at=None)


def _finish(tx: Tx, now: Bulk) -> None:
    """The rooms are told a moment later: until then it can be taken back without a line in any of them."""
    bulk_store.set_progress(tx, now, finished_at=clock.now())
    if unsaid.of_change(tx, now.bulk_id, limit=1):
        tx.enqueue(SAY, {"bulk_id": str(now.bulk_id)}, after=unsaid.WAITS)


@requires(Permission.SYSTEM)
def say_some(tx: Tx, bulk_id: UUID) -> bool:
    """Tell the next rooms what the change, or its undoing, has left to say. False when that is all.

    While it is being undone nothing is said: the end of that has its own job for it.
    """
    found = bulk_store.lock_bulk(tx, bulk_id)
    return found is not None and not found.running and unsaid.say_some(tx, bulk_id, limit=CHUNK)


def _put_back(tx: Tx, tickets: Mapping[UUID, Ticket], items: Sequence[Changed], bulk: Bulk) -> set[UUID]:
    """Those that have the value again that all of these had before.

    Not what somebody has changed again since: theirs is not ours to undo.
    """
    field = bulk.field
    standing = [each for each in items if _stands(tickets[each.ticket_id], each, bulk)]
    theirs = [tickets[each.ticket_id] for each in standing]
    was_status = field is Field.STATUS and any(each.before == Status.NEW for each in standing)
    now = theirs if was_status else _set(tx, theirs, bulk, items[0].before)
    if now is None:
        return set()
    new_again = [
        ticket
        for ticket, each in zip(now, standing, strict=True)
        if each.status_before is Status.NEW
        and tickets[each.ticket_id].status is _followed(each, field)
        and _moved_by(tickets[each.ticket_id], bulk)
    ]
    changes.make_new_again(tx, new_again, change_id=bulk.bulk_id)
    return {each.ticket_id for each in standing}


def _stands(ticket: Ticket, change: Changed, bulk: Bulk) -> bool:
    """A status that was left and came back to the same is somebody else's decision."""
    same = value_of(ticket, bulk.field) == change.after
    return same and (bulk.field is not Field.STATUS or _moved_by(ticket, bulk))


def _moved_by(ticket: Ticket, bulk: Bulk) -> bool:
    """Whether this gave the ticket its status; the release before did not write down what had."""
    return ticket.status_change in (bulk.bulk_id, None)


def _followed(change: Changed, field: Field) -> Status:
    """The status that a new ticket came to by the change."""
    return Status(change.after) if field is Field.STATUS else Status.OPEN


def _set(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk, value: str) -> Sequence[Ticket] | None:
    """As they are then; None when they were left alone."""
    try:
        if bulk.field is Field.STATUS:
            return changes.set_status(tx, tickets, Status(value), change_id=bulk.bulk_id)
        if bulk.field is Field.PRIORITY:
            return changes.set_priority(tx, tickets, Priority(value), change_id=bulk.bulk_id)
        return changes.assign(tx, tickets, UUID(value) if value else None, change_id=bulk.bulk_id)
    except Invalid:  # to somebody who has left since
        return None


def value_of(ticket: Ticket, field: Field) -> str:
    """As `bulk_items` keeps it; nobody is the empty text."""
    if field is Field.STATUS:
        return ticket.status.value
    if field is Field.PRIORITY:
        return ticket.priority.value
    return str(ticket.assignee_id) if ticket.assignee_id else ""


@requires(Permission.BULK_UPDATE)
def undo(tx: Tx, bulk_id: UUID) -> Bulk:
    """Put back what was changed, where nobody has changed it again since. Once is enough.

    Raises BulkRunning while the change itself is not finished, NotFound.
    """
    found = bulk_store.lock_bulk(tx, bulk_id)
    if found is None:
        raise NotFound
    if found.undone_at:
        return bulk(tx, bulk_id)
    if found.running:
        raise BulkRunning
    bulk_store.turn_round(tx, bulk_id)
    audit.record(tx, "bulk_undone", before=f"{found.field.value}:{found.value}")
    if found.changed > AT_ONCE:
        return _leave_to_a_job(tx, bulk_id, [])
    return step(tx, bulk_id, limit=AT_ONCE)


@requires(Permission.SYSTEM)
def carry_on(tx: Tx, bulk_id: UUID, user_id: UUID) -> bool:
    """The next tickets, by the rights that whoever asked for the change has now and keeps until it is stored.

    False when it is over, or when they lost those rights: then the rest stays as it is.
    """
    role = workspaces.hold_role(tx, user_id)
    if role is not None:
        actor = Actor.agent(tx.workspace_id, user_id, role, workspaces.name_of(tx, user_id))
        if actor.may(Permission.BULK_UPDATE):
            return step(tx.acting_as(actor), bulk_id).running
    found = bulk_store.lock_bulk(tx, bulk_id)
    if found and found.running:
        _finish(tx, found)
    return False


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what nobody can undo any more; says how much, nothing when it is all gone."""
    return bulk_store.delete_old(tx, before=clock.now() - KEPT, limit=SWEEP_BATCH)
