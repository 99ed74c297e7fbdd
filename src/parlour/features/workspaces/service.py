"""Tenants and who belongs to them."""

import re
from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.workspaces import store
from parlour.features.workspaces.models import Member, Membership, Workspace
from parlour.kernel import clock
from parlour.kernel.access import Permission, Role, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


class UnknownWorkspace(NotFound):
    code = "unknown_workspace"
    message = "There is no support desk at this address."


class SlugTaken(DomainError):
    status = 409
    code = "slug_taken"
    message = "Another workspace already has this address."


class AlreadyMember(DomainError):
    status = 409
    code = "already_member"
    message = "This person already belongs to the workspace."


@requires(Permission.SYSTEM)
def create_workspace(tx: Tx, slug: str, name: str) -> Workspace:
    """Raises Invalid for a slug that can't stand in an address, SlugTaken when it is in use."""
    problems = {}
    if not SLUG.fullmatch(slug):
        problems["slug"] = "slug"
    if not 1 <= len(name.strip()) <= 80:
        problems["name"] = "length"
    if problems:
        raise Invalid(problems)
    if store.by_slug(tx, slug):
        raise SlugTaken
    return store.insert_workspace(tx, workspace_id=clock.new_id(), slug=slug, name=name.strip())


@requires(Permission.PORTAL_SEE)
def workspace_at(tx: Tx, slug: str) -> Workspace:
    """The workspace whose portal is at `slug`. Raises UnknownWorkspace."""
    workspace = store.by_slug(tx, slug)
    if workspace is None:
        raise UnknownWorkspace
    return workspace


@requires(Permission.PORTAL_SEE)
def workspace(tx: Tx) -> Workspace:
    """The transaction's own workspace."""
    found = store.by_id(tx, tx.workspace_id)
    if found is None:
        raise UnknownWorkspace
    return found


@requires(Permission.TICKET_OPEN)
def take_ticket_number(tx: Tx) -> int:
    """1, 2, 3 … in its workspace, without holes."""
    return store.next_ticket_number(tx)


@requires(Permission.SYSTEM)
def add_member(tx: Tx, user_id: UUID, role: Role) -> None:
    if store.role_of(tx, user_id):
        raise AlreadyMember
    store.insert_member(tx, user_id=user_id, role=role)


@requires(Permission.WORKSPACE_SEE)
def members(tx: Tx) -> Sequence[Member]:
    return store.members_of(tx)


@requires(Permission.WORKSPACE_SEE)
def role_of(tx: Tx, user_id: UUID) -> Role | None:
    return store.role_of(tx, user_id)


@requires(Permission.WORKSPACE_SEE)
def name_of(tx: Tx, user_id: UUID | None) -> str:
    """The name of a member or former member; empty for nobody."""
    return store.name_of(tx, user_id) if user_id else ""


@requires(Permission.ACCOUNT_USE)
def memberships(tx: Tx, user_id: UUID) -> Sequence[Membership]:
    """The workspaces this person belongs to; the caller must have proved to be that person."""
    return store.memberships(tx, user_id)
