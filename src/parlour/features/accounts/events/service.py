"""What happened around accounts: sign-ins, failures and refusals, for those who manage a workspace.

A row is one person, one kind and one hour, with how often and where from the last time: however often
somebody tries, the rows stay few. Addresses that nobody has leave none.
"""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.accounts import store as accounts_store
from parlour.features.accounts.events import store
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import TrailPage
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires

KEEP = timedelta(days=180)
SWEEP_BATCH = 500
PAGE = 50


class Event(StrEnum):
    SIGNED_IN = "signed_in"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 a word
    WRONG_CODE = "wrong_code"
    TOO_MANY_TRIES = "too_many_tries"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    REFUSED = "refused"


@requires(Permission.SYSTEM)
def user_at(tx: Tx, email: str) -> UUID | None:
    """Whose address it is, disabled or not."""
    return accounts_store.user_id_of(tx, email)


@requires(Permission.SYSTEM)
def is_noted(tx: Tx, user_id: UUID, event: Event) -> bool:
    """Whether there was one in this hour, wherever the person works: what costs nothing to repeat is noted
    once an hour and not counted.
    """
    places = workspaces.memberships(tx.acting_as(Actor.person(user_id)))
    here = [tx.acting_as(Actor.system(place.workspace_id)) for place in places]
    return all(store.is_counted(one, actor_id=str(user_id), action=event.value) for one in here)


@requires(Permission.SYSTEM)
def note(tx: Tx, user_id: UUID, event: Event, detail: str) -> None:
    """In every workspace that the person belongs to."""
    name = store.name_of(tx, user_id)
    for place in workspaces.memberships(tx.acting_as(Actor.person(user_id))):
        here = tx.acting_as(Actor.system(place.workspace_id))
        store.count(here, actor_id=str(user_id), actor_name=name, action=event.value, detail=detail)


@requires(Permission.WORKSPACE_SEE)
def note_refused(tx: Tx, detail: str) -> None:
    """In the workspace whose page refused."""
    who = tx.actor
    store.count(
        tx.as_system(), actor_id=who.id, actor_name=who.name, action=Event.REFUSED.value, detail=detail
    )


@requires(Permission.MEMBER_MANAGE)
def trail(
    tx: Tx,
    *,
    action: str = "",
    actor_id: str = "",
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE,
) -> TrailPage:
    """A page of the changes that are about no ticket and of the events, as one list, the newest first.

    A row stands where it began: an event that comes again within its hour stays there.
    """
    limit = size + 1
    found = [
        *store.events(tx, action=action, actor_id=actor_id, before=before, after=after, limit=limit),
        *audit.of_no_ticket(tx, action=action, actor_id=actor_id, before=before, after=after, limit=limit),
    ]
    found.sort(key=lambda row: row.row_id, reverse=after is None)
    more, rows = len(found) > size, found[:size]
    if after is not None:
        rows.reverse()
        return TrailPage(rows, newer=more, older=True)
    return TrailPage(rows, newer=before is not None, older=more)


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Remove some of the events that are too old; says how many, nothing when all are gone."""
    return store.delete_old(tx, before=clock.now() - KEEP, limit=SWEEP_BATCH)
