"""What happened in a workspace, for programs that follow it: an order that has no gaps and never changes.

An event is written by the transaction of what happened, without a look at anything else. Transactions end in
another order than they began, so what was written first may be seen last; whoever goes by "greater than the
last one" would miss it. So events get their positions afterwards, when they are committed: under one lock
for each workspace, by whoever reads. What is committed late stands further back, and nothing ever moves.

Events hold ids and names of fields. What they tell of is read when somebody asks, so that words that are
erased are not kept here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.events import store
from parlour.features.events.models import FAN_OUT, Event, Happened, Kind
from parlour.kernel import access, clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import DomainError
from parlour.kernel.events import JobQueued

KEPT = timedelta(days=30)
STEP = 500
"""Events that get their positions, or are forgotten, in one transaction."""


class Forgotten(DomainError):
    status = 410
    code = "events_forgotten"
    message = (
        "What followed is not kept any more, or the database was restored. Begin anew, with all there is."
    )


@requires(Permission.PORTAL_SEE)
def record(tx: Tx, *happened: Happened) -> None:
    """Note what the transaction's actor has just done, for those who follow."""
    by_agent = tx.actor.kind is access.Kind.AGENT
    if happened:
        store.insert_all(tx, happened, actor=tx.actor.id if by_agent else tx.actor.kind.value)
        stored = store.wake(tx)
        tx.emit_asked(lambda: [JobQueued(FAN_OUT)] if stored() else [])


@requires(Permission.PORTAL_SEE)
def ticket_updated(tx: Tx, ticket_ids: Iterable[UUID], *changed: str) -> None:
    """`record` that these fields of each of the tickets are others now."""
    record(tx, *(Happened(Kind.TICKET_UPDATED, ticket_id, changed=changed) for ticket_id in ticket_ids))


@requires(Permission.TICKET_LIST)
def after(tx: Tx, position: int, *, limit: int) -> tuple[list[Event], bool]:
    """What follows, as far as it has positions, and whether `settle` would find more.

    Raises Forgotten when some of it is gone, or the position was never reached here.
    """
    head, forgotten = store.head(tx)
    if not forgotten <= position <= head:
        raise Forgotten
    found = store.following(tx, position, limit=limit)
    return found, len(found) < limit and store.has_unplaced(tx)


@requires(Permission.TICKET_LIST)
def bounds(tx: Tx) -> tuple[int, int]:
    """The position before the first event that is kept, and that of the last."""
    head, forgotten = store.head(tx)
    return forgotten, head


@requires(Permission.TICKET_LIST)
def settle(tx: Tx) -> int:
    """Give positions to what has none. Says to how many; there may be more when it was STEP."""
    tx = tx.as_system()
    head, _ = store.lock_head(tx)
    placed = store.place(tx, head, limit=STEP)
    if placed:
        store.move_head(tx, position=head + placed)
    return placed


@requires(Permission.SYSTEM)
def sequenced_after(tx: Tx, position: int, *, limit: int) -> list[Event]:
    """What follows, given positions where it has none; fewer than `limit` when there is no more.

    Raises Forgotten.
    """
    while True:
        found, more = after(tx, position, limit=limit)
        if not more:
            return found
        settle(tx)


@requires(Permission.SYSTEM)
def between(tx: Tx, after: UUID, before: UUID, *, limit: int) -> list[Event]:
    """What happened between these ids, which sort by time, as far as it has positions."""
    return store.between(tx, after, before, limit=limit)


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Give positions to what nobody has read, and forget what is too old. Says how much of it may be left."""
    return _settle_some(tx) + _forget_some(tx, clock.now() - KEPT)


def _settle_some(tx: Tx) -> int:
    """So that whoever begins to follow does not wait for a month to be put in order."""
    placed = 0
    while placed < STEP:
        workspace_id = store.first_unplaced(tx)
        if workspace_id is None:
            return 0
        placed += settle(tx.acting_as(Actor.system(workspace_id)))
    return placed


def _forget_some(tx: Tx, before: datetime) -> int:
    """In the order of positions, so that one number says up to where."""
    workspace_id = store.oldest(tx, before)
    if workspace_id is None:
        return 0
    here = tx.acting_as(Actor.system(workspace_id))
    _, forgotten = store.lock_head(here)
    old = store.old(here, forgotten, before, limit=STEP)
    if not old:
        return 0  # none of it has a position yet
    store.move_head(here, forgotten=old[-1])
    return store.forget(here, old[-1])
