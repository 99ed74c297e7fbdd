"""An agent's identity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from parlour.kernel.access import Actor, Role


class After(StrEnum):
    """Where the desk goes when an agent is done with a ticket: resolved it, sent it on, gave it away."""

    STAY = "stay"
    NEXT = "next"
    LIST = "list"


class Preferences(Struct, frozen=True):
    """What an agent chose about their own desk; the defaults are what nobody has to choose."""

    undo_send: bool = False
    shortcuts: bool = True
    notify: bool = False
    title_badge: bool = True
    after: After = After.STAY

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "Preferences":
        """From `users.settings`, which may know fewer of them, or others; also from a form's ticked boxes."""
        switches = [known for known in Preferences.__struct_fields__ if known != "after"]
        after = stored.get("after")
        return Preferences(
            **{name: stored[name] for name in switches if isinstance(stored.get(name), bool)},
            after=After(after) if after in set(After) else After.STAY,
        )


class SignedIn(Struct, frozen=True):
    """Whoever holds a valid session cookie. `stale` asks for its idle clock to be wound."""

    user_id: UUID
    name: str
    email: str
    session_hash: str
    settings: Preferences
    second_factor: bool
    stale: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account is proved with. No `totp_secret`: the password alone is enough.

    `totp_key` names the key that the secret is sealed with; empty for one that no key has sealed yet.
    """

    user_id: UUID
    name: str
    email: str
    password_hash: str = field(repr=False)
    totp_secret: str | None = field(repr=False)
    totp_key: str | None
    totp_step: int


class Account(Struct, frozen=True):
    """What an operator sees of an account."""

    user_id: UUID
    email: str
    name: str
    second_factor: bool
    disabled_at: datetime | None
    workspaces: int


class Pending(Struct, frozen=True):
    """A sign-in whose password was right and which still owes the second factor.

    `mark` stands for the password that was given: once it changes, so must the sign-in begin anew.
    """

    user_id: UUID
    mark: str


class SessionRow(Struct, frozen=True):
    """One place where the account is signed in. `public_id` may be shown: the hash can't be got from it."""

    public_id: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


class Profile(Struct, frozen=True):
    sessions: list[SessionRow]
    second_factor: bool


class SecondFactor(Struct, frozen=True):
    """Where the account stands: whether it is on, and how many recovery codes are left."""

    on: bool
    codes_left: int


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """The browser's new session, and the recovery codes, which nobody can ever read again."""

    token: str = field(repr=False)
    codes: list[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResetMail:
    """A link to a new password, on its way to the account's own address."""

    email: str
    token: str = field(repr=False)


class Desk(Struct, frozen=True):
    """A signed-in agent at the desk of one workspace, of the `workspaces` that this agent belongs to.

    What the agent wants to be told of there, and has seen, is read by `tickets/notifications`.
    """

    person: SignedIn
    role: Role
    workspace_id: UUID
    workspace_slug: str
    workspace_name: str
    workspaces: int
    second_factor_required: bool
    told: int
    bell_read_at: datetime | None

    @property
    def actor(self) -> Actor:
        return Actor.agent(self.workspace_id, self.person.user_id, self.role, self.person.name)


class Invitation(Struct, frozen=True):
    """`ended`: whoever gave it has lost the right to give this role. `mailed`: nobody but the address itself
    was given its link.
    """

    invitation_id: UUID
    workspace_id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    ended: bool
    mailed: bool


class Invited(Struct, frozen=True):
    """`again`: an earlier invitation of the same address has ended with this one."""

    invitation_id: UUID
    again: bool


class InvitationMail(Struct, frozen=True):
    """The token is the secret itself: here and in the mail, nowhere else."""

    email: str
    role: str
    token: str
