"""What a workspace is to the rest of the house."""

from dataclasses import dataclass
from uuid import UUID

from parlour.kernel.access import Role


@dataclass(frozen=True, slots=True)
class Workspace:
    workspace_id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Membership(Workspace):
    role: Role


@dataclass(frozen=True, slots=True)
class Member:
    user_id: UUID
    name: str
    email: str
    role: Role
