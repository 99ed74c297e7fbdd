"""Who is acting, what they may do, and the check that stands before every service function."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from parlour.kernel.errors import Forbidden, NotFound


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


class Kind(StrEnum):
    """`visitor` is anybody on a portal; `customer` holds access to exactly one ticket; `person` is somebody
    who is signed in and uses nothing but the own account, which belongs to no workspace.
    """

    VISITOR = "visitor"
    CUSTOMER = "customer"
    PERSON = "person"
    AGENT = "agent"
    SYSTEM = "system"


class Permission(StrEnum):
    PORTAL_SEE = "portal:see"
    TICKET_OPEN = "ticket:open"
    TICKET_OPEN_FOR = "ticket:open-for"
    TICKET_OPEN_AS = "ticket:open-as"
    TICKET_READ = "ticket:read"
    TICKET_LIST = "ticket:list"
    TICKET_REPLY = "ticket:reply"
    TICKET_UPDATE = "ticket:update"
    TICKET_MERGE = "ticket:merge"
    ROOM_READ = "room:read"
    FILE_ATTACH = "file:attach"
    FILE_RELEASE = "file:release"
    NOTE_READ = "note:read"
    NOTE_WRITE = "note:write"
    NOTIFICATION_READ = "notification:read"
    BULK_UPDATE = "ticket:bulk"
    REPLY_TEMPLATES = "reply:templates"
    CONTACT_EDIT = "contact:edit"
    CONTACT_BLOCK = "contact:block"
    TAG_MANAGE = "tag:manage"
    MEMBER_SEE = "member:see"
    MEMBER_MANAGE = "member:manage"
    WORKSPACE_MANAGE = "workspace:manage"
    KEY_MANAGE = "key:manage"
    MAIL_BRING = "mail:bring"
    MAILBOX_MANAGE = "mailbox:manage"
    WEBHOOK_MANAGE = "webhook:manage"
    WORKSPACE_SEE = "workspace:see"
    SIGN_IN = "account:sign-in"
    ACCOUNT_USE = "account:use"
    SYSTEM = "system"


_VISITOR = {Permission.PORTAL_SEE, Permission.TICKET_OPEN, Permission.FILE_ATTACH, Permission.SIGN_IN}
_PERSON = {Permission.SIGN_IN, Permission.ACCOUNT_USE}
_CUSTOMER = {
    Permission.PORTAL_SEE,
    Permission.TICKET_READ,
    Permission.TICKET_REPLY,
    Permission.ROOM_READ,
    Permission.FILE_ATTACH,
}
_VIEWER = {
    Permission.PORTAL_SEE,
    Permission.WORKSPACE_SEE,
    Permission.TICKET_LIST,
    Permission.TICKET_READ,
    Permission.ROOM_READ,
    Permission.NOTE_READ,
    Permission.NOTIFICATION_READ,
    Permission.MEMBER_SEE,
}
_AGENT = _VIEWER | {
    Permission.TICKET_OPEN_FOR,
    Permission.TICKET_OPEN_AS,
    Permission.CONTACT_EDIT,
    Permission.CONTACT_BLOCK,
    Permission.TICKET_REPLY,
    Permission.FILE_ATTACH,
    Permission.FILE_RELEASE,
    Permission.TICKET_UPDATE,
    Permission.TICKET_MERGE,
    Permission.NOTE_WRITE,
    Permission.BULK_UPDATE,
    Permission.REPLY_TEMPLATES,
}
_ADMIN = _AGENT | {
    Permission.TAG_MANAGE,
    Permission.MEMBER_MANAGE,
    Permission.WORKSPACE_MANAGE,
    Permission.KEY_MANAGE,
    Permission.MAIL_BRING,
    Permission.MAILBOX_MANAGE,
    Permission.WEBHOOK_MANAGE,
}

ROLE_PERMISSIONS: dict[Role, set[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.AGENT: _AGENT,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN,
}


def lesser(one: Role, other: Role) -> Role:
    """Of two roles the one that may do no more than the other."""
    return one if ROLE_PERMISSIONS[one] <= ROLE_PERMISSIONS[other] else other


PROGRAM = "key:"
"""What the id of a program begins with, wherever it is remembered as the one who acted."""


def is_program(actor_id: str) -> bool:
    """Whether this is the id of a program, not of a person or of the system."""
    return actor_id.startswith(PROGRAM)


_OTHERS = {Kind.VISITOR: _VISITOR, Kind.CUSTOMER: _CUSTOMER, Kind.PERSON: _PERSON}


class Actor(Struct, frozen=True):
    """Whoever acts. `id` is stable and is what a message remembers of its sender."""

    kind: Kind
    id: str
    name: str = ""
    workspace_id: UUID | None = None
    user_id: UUID | None = None
    role: Role | None = None
    ticket_id: UUID | None = None

    @staticmethod
    def system(workspace_id: UUID | None = None) -> "Actor":
        return Actor(Kind.SYSTEM, "system", workspace_id=workspace_id)

    @staticmethod
    def visitor(workspace_id: UUID | None = None, holding: str = "visitor") -> "Actor":
        """`holding`: what is kept of the browser's secret, for what only its holder may look at."""
        return Actor(Kind.VISITOR, holding, workspace_id=workspace_id)

    @staticmethod
    def person(user_id: UUID, name: str = "") -> "Actor":
        """Whoever has proved to be the owner of this account."""
        return Actor(Kind.PERSON, str(user_id), name=name, user_id=user_id)

    @staticmethod
    def customer(workspace_id: UUID, ticket_id: UUID, email: str) -> "Actor":
        return Actor(Kind.CUSTOMER, email, name=email, workspace_id=workspace_id, ticket_id=ticket_id)

    @staticmethod
    def agent(workspace_id: UUID, user_id: UUID, role: Role, name: str) -> "Actor":
        return Actor(
            Kind.AGENT, str(user_id), name=name, workspace_id=workspace_id, user_id=user_id, role=role
        )

    @staticmethod
    def program(workspace_id: UUID, key_id: UUID, role: Role, name: str) -> "Actor":
        """A program that holds a key: an agent without an account, to which nothing personal belongs."""
        return Actor(Kind.AGENT, f"{PROGRAM}{key_id}", name=name, workspace_id=workspace_id, role=role)

    @property
    def side(self) -> str:
        """Of the two in a room: "customer" or "agent"."""
        return "customer" if self.kind is Kind.CUSTOMER else "agent"

    @property
    def other_side(self) -> str:
        return "agent" if self.side == "customer" else "customer"

    def may(self, permission: Permission) -> bool:
        if self.kind is Kind.SYSTEM:
            return True
        if self.kind is Kind.AGENT and self.role is not None:
            return permission in ROLE_PERMISSIONS[self.role]
        return permission in _OTHERS.get(self.kind, set())


class ActsFor(Protocol):
    @property
    def actor(self) -> Actor: ...


def _insist(actor: Actor, permission: Permission) -> None:
    if not actor.may(permission):
        raise Forbidden if actor.kind is Kind.AGENT else NotFound


def permitted(actor: Actor, function: Callable[..., object]) -> None:
    """Raises what a call of the service function in the actor's name would, for want of the permission."""
    _insist(actor, function.permission)  # type: ignore[attr-defined]


T = TypeVar("T", bound=ActsFor)
P = ParamSpec("P")
R = TypeVar("R")


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[T, P], R]], Callable[Concatenate[T, P], R]]:
    """Refuse the call unless the transaction's actor holds `permission`.

    An agent learns that it is forbidden; anybody else gets the same answer as for a thing that does not
    exist. The permission stays readable as `function.permission`.
    """

    def guard(function: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
        @wraps(function)
        def checked(tx: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
            _insist(tx.actor, permission)
            return function(tx, *args, **kwargs)

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return guard
