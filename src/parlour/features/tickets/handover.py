"""What becomes of the tickets of somebody who leaves, or who may only read from now on.

They may be hundreds of thousands. The first go with the change itself, unfinished ones before others; a job
takes the rest in steps, so that nobody's write waits for all of them. Meanwhile pages show them as nobody's.
The filter for nobody's goes by the index, so it finds each of them once the job has come to it.
"""

from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.accounts import operator
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.invitations import service as invitations
from parlour.features.events import service as events
from parlour.features.tickets import changes, store
from parlour.features.tickets.models import Status
from parlour.features.tickets.notifications import service as notifications
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Membership
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires

JOB = "tickets.handover"
AT_ONCE = 50
"""Tickets a transaction: short enough that nobody else's write waits for it."""


@requires(Permission.WORKSPACE_SEE)
def remove_member(tx: Tx, user_id: UUID) -> None:
    """Take the member out of the workspace; their tickets become nobody's.

    Raises what `workspaces.remove_member` raises.
    """
    name = workspaces.name_of(tx, user_id)
    workspaces.remove_member(tx, user_id)
    invitations.end_what_is_not_theirs(tx, user_id)
    api_keys.end_of_who_left(tx, user_id)
    notifications.forget(tx, user_id)
    _let_go(tx, user_id, name)


@requires(Permission.MEMBER_MANAGE)
def set_role(tx: Tx, user_id: UUID, role: Role) -> None:
    """Give the member another role. The tickets of one who may only read become nobody's.

    Raises what `workspaces.set_role` raises.
    """
    workspaces.set_role(tx, user_id, role)
    invitations.end_what_is_not_theirs(tx, user_id)
    if role is Role.VIEWER:
        _let_go(tx, user_id, workspaces.name_of(tx, user_id))


@requires(Permission.SYSTEM)
def disable_account(tx: Tx, email: str) -> Sequence[Membership]:
    """`operator.disable`; their tickets become nobody's, wherever they belong. Raises NoSuchAccount."""
    account, places = operator.disable(tx, email)
    for place in places:
        _let_go(tx.acting_as(Actor.system(place.workspace_id)), account.user_id, account.name)
    return places


def _let_go(tx: Tx, user_id: UUID, name: str) -> None:
    """The names go along: whoever has left is known to nobody here any more."""
    if _release_some(tx, user_id, name):
        by = str(tx.actor.user_id) if tx.actor.user_id else None
        tx.enqueue(JOB, {"user_id": str(user_id), "name": name, "by": by, "by_name": tx.actor.name})


def _release_some(tx: Tx, user_id: UUID, name: str) -> bool:
    """Make the next tickets nobody's. Says whether there are more."""
    system = tx.as_system()
    ticket_ids = store.held_by(system, user_id, active=True, limit=AT_ONCE)
    ticket_ids = ticket_ids or store.held_by(system, user_id, active=False, limit=AT_ONCE)
    released = store.release(system, ticket_ids, user_id, clock.now())
    still_of_use = [ticket for ticket in released if ticket.status is not Status.CLOSED]
    changes.note_changes(tx, "assignee", {ticket.ticket_id: (name, "") for ticket in still_of_use})
    events.ticket_updated(tx, [ticket.ticket_id for ticket in released], "assignee_id")
    for ticket in released:
        changes.tell(tx, ticket, inward=True)
    return bool(store.held_by(system, user_id, active=False, limit=1))


@requires(Permission.SYSTEM)
def carry_on(tx: Tx, user_id: UUID, name: str, by: UUID | None, by_name: str) -> bool:
    """The next tickets, in the name of whoever let the person go.

    False when none is left, or when the person may answer again: what is still theirs then stays so.
    """
    if workspaces.hold_role(tx, user_id) not in (None, Role.VIEWER):
        return False
    actor = Actor.agent(tx.workspace_id, by, Role.AGENT, by_name) if by else tx.actor
    return _release_some(tx.acting_as(actor), user_id, name)


class HandoverJobs:
    """A run that broke off is taken up where it was: what is nobody's is not found again."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {JOB: self.carry_on}

    async def carry_on(self, job: Job) -> None:
        system, facts = Actor.system(job.workspace_id), job.payload
        leaver, by = UUID(facts["user_id"]), UUID(facts["by"]) if facts["by"] else None
        while await self._db.write(system, carry_on, leaver, facts["name"], by, facts["by_name"]):
            pass
