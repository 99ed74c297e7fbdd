"""What a program's key is to the rest of the house."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from parlour.kernel.access import Actor, Role


class ApiKey(Struct, frozen=True):
    """`worth` is the role with which it acts today: its own, or less when whoever made it has less by now;
    None while that person may do nothing here. `maker` is their name; empty for the operator.
    """

    key_id: UUID
    name: str
    role: Role
    worth: Role | None
    maker: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """The token is the key itself: here and before whoever made it, nowhere else."""

    name: str
    token: str = field(repr=False)


class Program(Struct, frozen=True):
    """Whoever shows a key. `stale`: when it was last used has to be written anew."""

    key_id: UUID
    actor: Actor
    workspace_slug: str
    workspace_name: str
    stale: bool
