"""Saved views: a person's own, and those that everyone at the desk sees."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.tickets.models import Filters, SavedView
from parlour.features.tickets.notifications.models import Bell
from parlour.features.tickets.views import store as views_store
from parlour.features.workspaces import audit
from parlour.kernel import clock, seen, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Forbidden, Invalid, NotFound

NAME_LIMIT = 60
QUERY_LIMIT = 500
OWNER_LIMIT = 50
"""Views of one person, and of everyone: more than anybody finds again."""
COUNTED = 100
"""Where the count of a view ends: beyond 99 nobody plans by it."""


@requires(Permission.TICKET_LIST)
def views(tx: Tx) -> Sequence[SavedView]:
    """What the actor may choose from: their own, then everyone's, each as they were put in order."""
    found = views_store.seen_by(tx, tx.actor.user_id, limit=2 * OWNER_LIMIT)
    return sorted(found, key=lambda view: (view.owner_id is None, view.position, text.order_of(view.name)))


@requires(Permission.TICKET_LIST)
def counts(tx: Tx, lists: Sequence[Filters], bell: Bell) -> tuple[list[int | None], int]:
    """How many tickets stand in each list, up to COUNTED; None where that is not to be had from an index.
    And how many lines under the bell are unread.
    """
    counted = [each for each in lists if views_store.is_counted(each)]
    *found, unread = views_store.counts(tx, counted, bell, most=COUNTED)
    numbers = iter(found)
    return [next(numbers) if views_store.is_counted(each) else None for each in lists], unread


@requires(Permission.TICKET_LIST)
def save_view(tx: Tx, name: str, query: str, *, for_everyone: bool) -> SavedView:
    """Keep a way to look at the list. Whoever may only look keeps it for themselves alone.

    Raises Invalid (`name`: required, too_long; `view`: too_many), Forbidden.
    """
    if for_everyone and not tx.actor.may(Permission.TICKET_UPDATE):
        raise Forbidden
    name = _name(name)
    owner_id = None if for_everyone else tx.actor.user_id
    if len(query) > QUERY_LIMIT:
        raise Invalid({"view": "too_long"})
    if views_store.how_many_of(tx, owner_id) >= OWNER_LIMIT:
        raise Invalid({"view": "too_many"})
    others = [view.position for view in views(tx) if view.owner_id == owner_id]
    view = SavedView(clock.new_id(), owner_id, name, query, max(others, default=0))
    views_store.insert_view(tx, view)
    audit.record(tx, "view_saved", after=name)
    return view


def _name(name: str) -> str:
    name = text.name(name)
    if not name:
        raise Invalid({"name": "required"})
    if len(name) > NAME_LIMIT:
        raise Invalid({"name": "too_long"})
    return name


def _own(tx: Tx, view_id: UUID) -> SavedView:
    """One that the actor may change."""
    view = views_store.view(tx, view_id)
    if view is None or view.owner_id not in (None, tx.actor.user_id):
        raise NotFound
    if view.owner_id is None and not tx.actor.may(Permission.TICKET_UPDATE):
        raise Forbidden
    return view


@requires(Permission.TICKET_LIST)
def rename_view(tx: Tx, view_id: UUID, name: str, seen_mark: str = "") -> SavedView:
    """`seen_mark` is that of the name before. Raises what `delete_view` raises, ChangedMeanwhile, and
    Invalid (`name`: required, too_long).
    """
    _own(tx, view_id)
    view = views_store.lock(tx, view_id)
    if view is None:
        raise NotFound
    seen.insist(seen_mark, view.name)
    name = _name(name)
    if name != view.name:
        views_store.set_name(tx, view_id, name)
        audit.record(tx, "view_renamed", before=view.name, after=name)
    return replace(view, name=name)


@requires(Permission.TICKET_LIST)
def move_view(tx: Tx, view_id: UUID, *, up: bool) -> SavedView:
    """Change places with its neighbour among its owner's. Raises what `delete_view` raises."""
    view = _own(tx, view_id)
    order = [each.view_id for each in views(tx) if each.owner_id == view.owner_id]
    here = order.index(view_id)
    there = here - 1 if up else here + 1
    if 0 <= there < len(order):
        order[here], order[there] = order[there], order[here]
        views_store.set_positions(tx, order)
    return view


@requires(Permission.TICKET_LIST)
def delete_view(tx: Tx, view_id: UUID) -> None:
    """Raises NotFound also for somebody else's own view, Forbidden for everyone's when only looking."""
    view = _own(tx, view_id)
    views_store.delete_view(tx, view_id)
    audit.record(tx, "view_deleted", before=view.name)
