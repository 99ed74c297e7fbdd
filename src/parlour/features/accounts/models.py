"""An agent's identity."""

from dataclasses import dataclass
from uuid import UUID

from parlour.kernel.access import Role


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whoever holds a valid session cookie. `stale` asks for its idle clock to be wound."""

    user_id: UUID
    name: str
    email: str
    session_hash: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    user_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A signed-in agent at the desk of one workspace, of the `workspaces` that this agent belongs to."""

    person: SignedIn
    role: Role
    workspace_id: UUID
    workspace_slug: str
    workspace_name: str
    workspaces: int
