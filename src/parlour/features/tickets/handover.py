"""What becomes of the tickets of somebody who leaves."""

from uuid import UUID

from parlour.db.database import Tx
from parlour.features.accounts.invitations import service as invitations
from parlour.features.tickets import store
from parlour.features.tickets.models import Status
from parlour.features.tickets.service import note_change, tell
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Permission, Role, requires


@requires(Permission.WORKSPACE_SEE)
def remove_member(tx: Tx, user_id: UUID) -> int:
    """Take the member out of the workspace; their tickets become nobody's. Returns how many.

    Raises what `workspaces.remove_member` raises.
    """
    name = workspaces.name_of(tx, user_id)
    workspaces.remove_member(tx, user_id)
    invitations.end_what_is_not_theirs(tx, user_id)
    return _release(tx, user_id, name)


@requires(Permission.MEMBER_MANAGE)
def set_role(tx: Tx, user_id: UUID, role: Role) -> int:
    """Give the member another role. The tickets of one who may only read become nobody's; says how many.

    Raises what `workspaces.set_role` raises.
    """
    workspaces.set_role(tx, user_id, role)
    invitations.end_what_is_not_theirs(tx, user_id)
    return _release(tx, user_id, workspaces.name_of(tx, user_id)) if role is Role.VIEWER else 0


def _release(tx: Tx, user_id: UUID, name: str) -> int:
    released = store.release(tx.as_system(), user_id, clock.now())
    for ticket in released:
        if ticket.status is not Status.CLOSED:  # of which somebody may have thousands
            note_change(tx, ticket.ticket_id, "assignee", name, "")
        tell(tx, ticket, inward=True)
    return len(released)
