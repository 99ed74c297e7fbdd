"""The audit trail: every change, stored by the transaction that made it, and never changed afterwards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.workspaces import store
from parlour.features.workspaces.models import AuditEntry, TrailRow
from parlour.kernel.access import Permission, requires

SHOWN = 50


@requires(Permission.PORTAL_SEE)
def record(
    tx: Tx, action: str, *, ticket_id: UUID | None = None, before: str | None = None, after: str | None = None
) -> None:
    """Note what the transaction's actor has just done."""
    store.insert_audit_entries(tx, action=action, changes=[(ticket_id, before, after)])


@requires(Permission.PORTAL_SEE)
def record_all(tx: Tx, action: str, changes: Mapping[UUID, tuple[str | None, str | None]]) -> None:
    """`record` for each of these tickets, {ticket: (before, after)}."""
    told = [(ticket_id, before, after) for ticket_id, (before, after) in changes.items()]
    store.insert_audit_entries(tx, action=action, changes=told)


@requires(Permission.PORTAL_SEE)
def record_ends(tx: Tx, action: str, before: Sequence[str]) -> None:
    """`record` for each of these, which are no more."""
    store.insert_audit_entries(tx, action=action, changes=[(None, what, None) for what in before])


@requires(Permission.TICKET_LIST)
def of_ticket(tx: Tx, ticket_id: UUID) -> Sequence[AuditEntry]:
    """The newest changes of a ticket, the newest first."""
    return store.audit_entries(tx, ticket_id=ticket_id, limit=SHOWN)


@requires(Permission.TICKET_LIST)
def last_changes(
    tx: Tx, action: str, ticket_ids: Sequence[UUID], *, named: str | None = None
) -> Mapping[UUID, datetime]:
    """When each of the tickets last had this done to it, with what is `named`; the others are left out."""
    return store.last_changes(tx, ticket_ids, action=action, named=named) if ticket_ids else {}


@requires(Permission.MEMBER_MANAGE)
def of_no_ticket(
    tx: Tx, *, action: str, actor_id: str, before: UUID | None, after: UUID | None, limit: int
) -> Sequence[TrailRow]:
    """What was changed of the workspace, its people and their accounts, in the order that the store says."""
    return store.other_entries(tx, action=action, actor_id=actor_id, before=before, after=after, limit=limit)


@requires(Permission.TICKET_LIST)
def known_as(tx: Tx, user_id: UUID) -> str:
    """The last name here of somebody who may have left; empty for whom the trail does not know."""
    return store.known_as(tx, str(user_id)) or ""
