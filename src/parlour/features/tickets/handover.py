"""What becomes of the tickets of somebody who leaves."""

from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets import store
from parlour.features.tickets.service import tell
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires


@requires(Permission.WORKSPACE_SEE)
def remove_member(tx: Tx, user_id: UUID) -> int:
    """Take the member out of the workspace; their tickets become nobody's. Returns how many.

    Raises what `workspaces.remove_member` raises.
    """
    workspaces.remove_member(tx, user_id)
    released = store.release(tx, user_id, clock.now())
    for ticket in released:
        tell(tx, ticket)
    return len(released)
