"""One change of many tickets: each goes the way of a single change, and all can be undone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.tickets import changes, service
from parlour.features.tickets.bulk import kinds
from parlour.features.tickets.bulk import store as bulk_store
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Bulk, Changed, Field, Filters, Status, Ticket
from parlour.features.tickets.snooze import service as snoozing
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.unsaid import service as unsaid
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
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
    kinds.check(tx, field, value)
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
    kinds.check(tx, field, value)
    return _of_one(tx, ticket_id, field, value)


@requires(Permission.BULK_UPDATE)
def snooze_one(tx: Tx, ticket_id: UUID, until: datetime, *, seen_version: int) -> Bulk:
    """Raises Invalid (`until`: past, too_far, finished), StaleTicket, UnknownTicket."""
    snoozing.check(service.locked(tx, ticket_id, seen_version=seen_version), until)
    return _of_one(tx, ticket_id, Field.SNOOZE, until.astimezone(UTC).isoformat())


@requires(Permission.BULK_UPDATE)
def tag_one(tx: Tx, ticket_id: UUID, name: str) -> Bulk:
    """What colleagues do to its other tags meanwhile stays done.

    Raises Invalid (`tag`: required, unknown, too_many), UnknownTicket.
    """
    locked = service.locked_all(tx, [ticket_id])
    if not locked:
        raise service.UnknownTicket
    return _of_one(tx, ticket_id, Field.TAG, str(tags.fitting(tx, locked[0], name).tag_id))


@requires(Permission.BULK_UPDATE)
def untag_one(tx: Tx, ticket_id: UUID, tag_id: UUID) -> Bulk:
    """Nothing happens when a colleague was quicker. Raises UnknownTag, UnknownTicket."""
    if not service.locked_all(tx, [ticket_id]):
        raise service.UnknownTicket
    if tags.known(tx, tag_id) is None:
        raise tags.UnknownTag
    return _of_one(tx, ticket_id, Field.UNTAG, str(tag_id))


def _of_one(tx: Tx, ticket_id: UUID, field: Field, value: str) -> Bulk:
    bulk_id = clock.new_id()
    bulk_store.insert_bulk(tx, bulk_id=bulk_id, user_id=tx.actor.user_id, field=field, value=value, total=1)
    bulk_store.list_items(tx, bulk_id, [ticket_id])
    return step(tx, bulk_id)


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
    stands, wanted = kinds.standing(tx, locked, found), kinds.target(found)
    others = [ticket for ticket in locked if not kinds.same(stands[ticket.ticket_id], wanted)]
    changed = {ticket.ticket_id for ticket in kinds.put(tx, others, found, wanted)}
    unchanged = sorted({ticket.ticket_id for ticket in locked} - changed)
    noted = [
        Changed(ticket.ticket_id, stands[ticket.ticket_id], wanted, ticket.status)
        for ticket in others
        if ticket.ticket_id in changed
    ]
    bulk_store.note_changes(tx, found.bulk_id, noted)
    bulk_store.note_unchanged(tx, found.bulk_id, unchanged)
    now = replace(found, done=found.done + len(ticket_ids), changed=found.changed + len(changed))
    _note_progress(tx, now, ticket_ids, found.total)


def _undo_some(tx: Tx, found: Bulk, limit: int) -> None:
    items = bulk_store.to_put_back(tx, found.bulk_id, beyond=found.position, limit=limit)
    ticket_ids = [change.ticket_id for change in items]
    tickets = {ticket.ticket_id: ticket for ticket in service.locked_all(tx, ticket_ids)}
    stands = kinds.standing(tx, list(tickets.values()), found)
    last = kinds.last_changed(tx, ticket_ids, found)
    ours = [
        each
        for each in items
        if stands[each.ticket_id] == each.after
        and _is_ours(tickets[each.ticket_id], found, each.done_at, last.get(each.ticket_id))
    ]
    put_back: set[UUID] = set()
    for kept in dict.fromkeys((each.before, each.status_before) for each in ours):
        these = [tickets[each.ticket_id] for each in ours if (each.before, each.status_before) == kept]
        put_back |= {ticket.ticket_id for ticket in _put_back(tx, these, found, *kept)}
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
    if found is None or found.running:
        return False
    no_longer_quiet, more = unsaid.say_some(tx, bulk_id, limit=CHUNK)
    for ticket in no_longer_quiet:
        changes.tell(tx, ticket)
    return more


def _is_ours(ticket: Ticket, bulk: Bulk, done_at: datetime | None, last_changed: datetime | None) -> bool:
    """Whether nobody has changed it again since: theirs is not ours to undo.

    What was left and came back to the same is somebody else's decision.
    """
    if bulk.field in (Field.STATUS, Field.SNOOZE):
        return _moved_by(ticket, bulk)
    return done_at is None or last_changed is None or last_changed <= done_at


def _moved_by(ticket: Ticket, bulk: Bulk) -> bool:
    """Whether this gave the ticket its status; the release before did not write down what had."""
    return ticket.status_change in (bulk.bulk_id, None)


def _put_back(tx: Tx, tickets: Sequence[Ticket], bulk: Bulk, before: str, status: Status) -> Sequence[Ticket]:
    """Those that have the value again that all of these had before. What was new is so again."""
    if bulk.field is Field.SNOOZE and not before:
        answered = [ticket for ticket in tickets if status is Status.NEW and ticket.first_answer_at]
        back = changes.bring_back(tx, answered, change_id=bulk.bulk_id)
        others = [ticket for ticket in tickets if ticket not in answered]
        return [*back, *changes.bring_back(tx, others, status, change_id=bulk.bulk_id)]
    if bulk.field is Field.STATUS and status is Status.NEW:
        return changes.make_new_again(tx, tickets, change_id=bulk.bulk_id)
    moved = {ticket.ticket_id for ticket in tickets if _moved_by(ticket, bulk)}
    now = kinds.put(tx, tickets, bulk, before)
    if status is Status.NEW and bulk.field in (Field.PRIORITY, Field.ASSIGNEE):
        opened = [each for each in now if each.status is Status.OPEN and each.ticket_id in moved]
        changes.make_new_again(tx, opened, change_id=bulk.bulk_id)
    return now


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
