"""Tenants and who belongs to them."""

import re
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.workspaces import audit, store
from parlour.features.workspaces.models import Member, Membership, MembersPage, Portal, Standing, Workspace
from parlour.kernel import clock, text
from parlour.kernel.access import ROLE_PERMISSIONS, Actor, Permission, Role, requires
from parlour.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from parlour.kernel.events import AccessChanged

MEMBERS_SHOWN = 500
MEMBERS_PAGE = 50
FIRST = ("", UUID(int=0))
"""Before all members."""
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


class UnknownWorkspace(NotFound):
    code = "unknown_workspace"
    message = "There is no support desk at this address."


class SlugTaken(Invalid):
    status = 409
    code = "slug_taken"
    message = "Another workspace already has this address."

    def __init__(self) -> None:
        super().__init__({"slug": "taken"})


class LastOwner(DomainError):
    """A workspace without an owner could never be run by anybody again."""

    status = 409
    code = "last_owner"
    message = "A workspace needs an owner. Make somebody else an owner first."


class OwnFactorFirst(DomainError):
    """Whoever asks others for a second factor would lock themselves out without one."""

    status = 409
    code = "own_factor_first"
    message = "Set up your own second step at sign-in first."


class NotTheirsToGive(Forbidden):
    """Whoever let somebody in may not give that role any more."""

    code = "not_theirs_to_give"


class AlreadyMember(DomainError):
    status = 409
    code = "already_member"
    message = "This person already belongs to the workspace."


@requires(Permission.SYSTEM)
def create_workspace(tx: Tx, slug: str, name: str) -> Workspace:
    """Raises Invalid for a slug that can't stand in an address, SlugTaken when it is in use."""
    name, problems = _checked_name(name)
    if not SLUG.fullmatch(slug):
        problems["slug"] = "slug"
    if problems:
        raise Invalid(problems)
    if store.by_slug(tx, slug):
        raise SlugTaken
    return store.insert_workspace(tx, workspace_id=clock.new_id(), slug=slug, name=name)


def _checked_name(typed: str) -> tuple[str, dict[str, str]]:
    name = text.name(typed)
    return name, {} if 1 <= len(name) <= text.NAME_LIMIT else {"name": "length"}


@requires(Permission.ACCOUNT_USE)
def slug_problem(tx: Tx, slug: str) -> str | None:
    """What keeps a new workspace from having this address: `slug`, `taken`, or nothing."""
    if not SLUG.fullmatch(slug):
        return "slug"
    return "taken" if store.by_slug(tx, slug) else None


@requires(Permission.ACCOUNT_USE)
def may_found(tx: Tx) -> bool:
    """Whoever runs one workspace may found another."""
    return any(place.role in (Role.OWNER, Role.ADMIN) for place in memberships(tx))


@requires(Permission.ACCOUNT_USE)
def found_workspace(tx: Tx, slug: str, name: str) -> Workspace:
    """A new workspace, owned by its founder. Raises Forbidden, and what `create_workspace` raises."""
    if not may_found(tx):
        raise Forbidden
    made = create_workspace(tx.acting_as(Actor.system()), slug, name)
    store.insert_member(tx.acting_as(Actor.system(made.workspace_id)), user_id=tx.user_id, role=Role.OWNER)
    founder = Actor.agent(made.workspace_id, tx.user_id, Role.OWNER, tx.actor.name)
    audit.record(tx.acting_as(founder), "workspace", after=made.name)
    return made


@requires(Permission.WORKSPACE_MANAGE)
def rename_workspace(tx: Tx, name: str) -> None:
    """Raises Invalid."""
    name, problems = _checked_name(name)
    if problems:
        raise Invalid(problems)
    before = workspace(tx).name
    if name != before:
        store.rename(tx, name)
        audit.record(tx, "workspace", before=before, after=name)


@requires(Permission.WORKSPACE_MANAGE)
def ask_for_second_factor(tx: Tx, required: bool) -> None:
    """Let in only members who have one, or everybody again; open sockets prove themselves at once.

    Raises OwnFactorFirst.
    """
    if required and not store.has_second_factor(tx, tx.user_id):
        raise OwnFactorFirst
    if store.set_second_factor_required(tx, required):
        audit.record(tx, "second_factor_required", after="yes" if required else "no")
        tx.emit(AccessChanged(tx.workspace_id))


@requires(Permission.ACCOUNT_USE)
def asks_for_second_factor(tx: Tx) -> bool:
    """Whether a workspace of the person who acts does."""
    return store.second_factor_required_of(tx, tx.user_id)


@requires(Permission.SYSTEM)
def every(tx: Tx) -> Sequence[Workspace]:
    """All of them, by their slugs."""
    return store.every(tx)


@requires(Permission.PORTAL_SEE)
def workspace_at(tx: Tx, slug: str) -> Portal:
    """The workspace whose portal is at `slug`. Raises UnknownWorkspace."""
    workspace = store.by_slug(tx, slug) if SLUG.fullmatch(slug) else None
    if workspace is None:
        raise UnknownWorkspace
    return workspace


@requires(Permission.PORTAL_SEE)
def asking_to_be_at(tx: Tx, slug: str) -> Callable[[], None]:
    """Asked with what is asked next. What comes back raises UnknownWorkspace unless the portal of the
    transaction's own workspace is at `slug`.
    """
    found = store.asking_at(tx, slug)

    def insist() -> None:
        if found() != tx.workspace_id:
            raise UnknownWorkspace

    return insist


@requires(Permission.PORTAL_SEE)
def workspace(tx: Tx) -> Portal:
    """The transaction's own workspace."""
    return _known(store.by_id(tx, tx.workspace_id))


@requires(Permission.PORTAL_SEE)
def asking_workspace(tx: Tx) -> Callable[[], Portal]:
    """`workspace`, asked with what is asked next."""
    asked = store.asking_by_id(tx, tx.workspace_id)
    return lambda: _known(asked())


def _known(found: Portal | None) -> Portal:
    if found is None:
        raise UnknownWorkspace
    return found


@requires(Permission.TICKET_OPEN)
def take_ticket_number(tx: Tx) -> int:
    """1, 2, 3 … in its workspace, without holes."""
    return asking_ticket_number(tx)()


@requires(Permission.TICKET_OPEN)
def asking_ticket_number(tx: Tx) -> Callable[[], int]:
    """`take_ticket_number`, asked with what is asked next."""
    return store.asking_ticket_number(tx.as_system())


@requires(Permission.TICKET_OPEN)
def give_back_ticket_number(tx: Tx) -> None:
    """There is no new ticket. Nobody else has taken a number before this transaction has ended."""
    store.give_back_ticket_number(tx.as_system())


@requires(Permission.SYSTEM)
def add_member(tx: Tx, user_id: UUID, role: Role) -> None:
    """Raises AlreadyMember."""
    if store.role_of(tx, user_id):
        raise AlreadyMember
    store.insert_member(tx, user_id=user_id, role=role)


def may_give(giver: Role | None, role: Role) -> bool:
    """Whether somebody of the role `giver` may let others in as `role`: only owners make owners."""
    if giver is None or Permission.MEMBER_MANAGE not in ROLE_PERMISSIONS[giver]:
        return False
    return role is not Role.OWNER or giver is Role.OWNER


@requires(Permission.SYSTEM)
def let_in(tx: Tx, user_id: UUID, role: Role, *, given_by: UUID) -> None:
    """`add_member`, by the right that whoever gave the role has at this moment.

    Raises NotTheirsToGive, AlreadyMember.
    """
    store.lock_members(tx)
    if not may_give(store.role_now(tx, given_by), role):
        raise NotTheirsToGive
    add_member(tx, user_id, role)


def _lock_members(tx: Tx) -> None:
    """Until this transaction has ended, roles are what they are now. The actor's own was read before it:
    raises Forbidden when it has changed since.
    """
    store.lock_members(tx.as_system())
    if tx.actor.user_id and store.role_now(tx, tx.actor.user_id) is not tx.actor.role:
        raise Forbidden


def _manageable(tx: Tx, user_id: UUID) -> Role:
    """The member's role, if this actor may change it: only owners touch owners."""
    role = store.role_of(tx, user_id)
    if role is None:
        raise NotFound
    if role is Role.OWNER and tx.actor.role is not Role.OWNER:
        raise Forbidden
    return role


def _not_the_last_owner(tx: Tx, user_id: UUID, role: Role) -> None:
    if role is Role.OWNER and not store.has_owner_besides(tx, user_id):
        raise LastOwner


@requires(Permission.MEMBER_MANAGE)
def set_role(tx: Tx, user_id: UUID, role: Role) -> None:
    """Raises NotFound, LastOwner, and Forbidden for an admin who would make or touch an owner."""
    _lock_members(tx)
    before = _manageable(tx, user_id)
    if not may_give(tx.actor.role, role):
        raise Forbidden
    if role is before:
        return
    _not_the_last_owner(tx, user_id, before)
    store.set_role(tx, user_id, role)
    _changed(tx, user_id, name_of(tx, user_id), before, role)


@requires(Permission.WORKSPACE_SEE)
def remove_member(tx: Tx, user_id: UUID) -> None:
    """Somebody else (for those who may manage members), or oneself. Their sockets close.

    Raises NotFound, Forbidden, LastOwner. What becomes of their tickets: `tickets.handover`.
    """
    _lock_members(tx)
    if user_id != tx.actor.user_id:
        if not tx.actor.may(Permission.MEMBER_MANAGE):
            raise Forbidden
        _manageable(tx, user_id)
    role = store.role_of(tx, user_id)
    if role is None:
        raise NotFound
    _not_the_last_owner(tx, user_id, role)
    name = name_of(tx, user_id)
    store.delete_member(tx, user_id)
    _changed(tx, user_id, name, role, None)


def _changed(tx: Tx, user_id: UUID, name: str, before: Role, after: Role | None) -> None:
    about = f"{name}: {before.value}"
    audit.record(tx, "member", before=about, after=after.value if after else None)
    tx.emit(AccessChanged(tx.workspace_id, user_id=user_id))


@requires(Permission.WORKSPACE_SEE)
def members(tx: Tx) -> Sequence[Member]:
    found = store.members_of(tx, limit=MEMBERS_SHOWN)
    return sorted(found, key=lambda member: text.order_of(member.name))


@requires(Permission.MEMBER_SEE)
def members_page(tx: Tx, after: tuple[str, UUID] = FIRST) -> MembersPage:
    """Those after this name and id, each with how the account stands for those who manage members."""
    found = store.members_after(tx, *after, limit=MEMBERS_PAGE + 1)
    page = sorted(found[:MEMBERS_PAGE], key=lambda one: text.order_of(one[0].name))
    last = found[MEMBERS_PAGE - 1][0] if len(found) > MEMBERS_PAGE else None
    sees = tx.actor.may(Permission.MEMBER_MANAGE)
    return MembersPage(
        [(member, standing if sees else None) for member, standing in page],
        (last.name, last.user_id) if last else None,
    )


@requires(Permission.MEMBER_MANAGE)
def standings(tx: Tx) -> Mapping[UUID, Standing]:
    """How the accounts of `members` stand."""
    return store.standings_of(tx, limit=MEMBERS_SHOWN)


@requires(Permission.MEMBER_SEE)
def is_member(tx: Tx, user_id: UUID) -> bool:
    """Whether the person belongs here, disabled or not."""
    return store.role_of(tx, user_id) is not None


@requires(Permission.WORKSPACE_SEE)
def role_of(tx: Tx, user_id: UUID) -> Role | None:
    """What the person may do here now; None for a disabled account."""
    return store.role_now(tx, user_id)


@requires(Permission.WORKSPACE_SEE)
def hold_role(tx: Tx, user_id: UUID) -> Role | None:
    """The member's role, who stays a member until this transaction has ended."""
    return store.hold_role(tx.as_system(), user_id)


@requires(Permission.WORKSPACE_SEE)
def name_of(tx: Tx, user_id: UUID | None) -> str:
    """The name of a member; empty for anybody else, and for nobody."""
    return store.name_of(tx, user_id) if user_id else ""


@requires(Permission.ACCOUNT_USE)
def memberships(tx: Tx) -> Sequence[Membership]:
    """The workspaces that the person who acts belongs to."""
    return store.memberships(tx, tx.user_id)
