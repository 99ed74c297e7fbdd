"""Saved views: a person's own, and those that everyone at the desk sees."""

from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets.models import SavedView
from parlour.features.tickets.views import store as views_store
from parlour.features.workspaces import audit
from parlour.kernel import clock, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Forbidden, Invalid, NotFound

NAME_LIMIT = 60
QUERY_LIMIT = 500
OWNER_LIMIT = 50
"""Views of one person, and of everyone: more than anybody finds again."""


@requires(Permission.TICKET_LIST)
def views(tx: Tx) -> Sequence[SavedView]:
    """What the actor may choose from, by name."""
    return views_store.seen_by(tx, tx.actor.user_id, limit=2 * OWNER_LIMIT)


@requires(Permission.TICKET_LIST)
def save_view(tx: Tx, name: str, query: str, *, for_everyone: bool) -> SavedView:
    """Keep a way to look at the list. Whoever may only look keeps it for themselves alone.

    Raises Invalid (`name`: required, too_long; `view`: too_many), Forbidden.
    """
    if for_everyone and not tx.actor.may(Permission.TICKET_UPDATE):
        raise Forbidden
    name = text.name(name)
    owner_id = None if for_everyone else tx.actor.user_id
    if not name:
        raise Invalid({"name": "required"})
    if len(name) > NAME_LIMIT:
        raise Invalid({"name": "too_long"})
    if len(query) > QUERY_LIMIT:
        raise Invalid({"view": "too_long"})
    if views_store.how_many_of(tx, owner_id) >= OWNER_LIMIT:
        raise Invalid({"view": "too_many"})
    view = SavedView(clock.new_id(), owner_id, name, query)
    views_store.insert_view(tx, view)
    audit.record(tx, "view_saved", after=name)
    return view


@requires(Permission.TICKET_LIST)
def delete_view(tx: Tx, view_id: UUID) -> None:
    """Raises NotFound also for somebody else's own view, Forbidden for everyone's when only looking."""
    view = views_store.view(tx, view_id)
    if view is None or view.owner_id not in (None, tx.actor.user_id):
        raise NotFound
    if view.owner_id is None and not tx.actor.may(Permission.TICKET_UPDATE):
        raise Forbidden
    views_store.delete_view(tx, view_id)
    audit.record(tx, "view_deleted", before=view.name)
