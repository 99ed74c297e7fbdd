"""What a workspace is to the rest of the house."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from parlour.kernel.access import Role, is_program


class ReplyTime(StrEnum):
    """How soon customers usually hear from the team, as the workspace tells them."""

    UNSAID = ""
    MINUTES = "minutes"
    HOURS = "hours"
    DAY = "day"
    DAYS = "days"


Ink = Literal["dark", "light", ""]
"""What a logo without a ground of its own is drawn in; one that can be seen on any ground is neither."""
INKS = get_args(Ink)


class Logo(Struct, frozen=True):
    """What pages need to know of it. `mark` stands in its address; `width` and `height` are the pixels that
    it is shown in.
    """

    mark: str
    width: int
    height: int
    ink: Ink

    @property
    def is_wide(self) -> bool:
        """Then it is taken to have the name in it, and stands in its place."""
        return self.width > 2 * self.height


class AutoReply(Struct, frozen=True):
    """What a workspace answers by itself: `within` its hours and `outside` of them, either may be empty.

    The hours are those of `days` (0 is Monday) from `opens` until `closes`, as `09:00`, by the clocks of
    `zone`; 00:00 closes at the end of the day.
    """

    on: bool = False
    within: str = ""
    outside: str = ""
    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: str = "09:00"
    closes: str = "17:00"


class WorkspaceSettings(Struct, frozen=True):
    """What a workspace chose, or what holds as long as it did not.

    `welcome` is a sentence of the portal's, `accent` a colour of it like `#1d4e89`; both may be empty. With
    `auto_assign` whoever answers a ticket of nobody's first becomes its assignee. `first_steps`: the
    dashboard may still say how to begin. `close_after` and `delete_after`: for how many days tickets are kept
    as they are, and their words when they are closed; 0 is for ever.
    """

    welcome: str = ""
    reply_time: ReplyTime = ReplyTime.UNSAID
    accent: str = ""
    auto_assign: bool = False
    first_steps: bool = True
    logo: Logo | None = None
    auto_reply: AutoReply = AutoReply()
    close_after: int = 0
    delete_after: int = 0


class Workspace(Struct, frozen=True):
    workspace_id: UUID
    slug: str
    name: str


class Portal(Workspace, frozen=True):
    """A workspace as its customers meet it."""

    settings: WorkspaceSettings


class Membership(Workspace, frozen=True):
    """`told`: of what the member hears there, as `tickets/notifications` reads it."""

    role: Role
    told: int


class Member(Struct, frozen=True):
    user_id: UUID
    name: str
    email: str
    role: Role
    disabled: bool = False

    @property
    def answers(self) -> bool:
        """Whether tickets can be theirs."""
        return self.role is not Role.VIEWER and not self.disabled


class Standing(Struct, frozen=True):
    """How an account stands, for those who manage its workspace. `last_seen_at` is right to 5 minutes, and
    None for somebody who has never come in.
    """

    second_factor: bool
    last_seen_at: datetime | None


class MembersPage(Struct, frozen=True):
    """Some members, and how their accounts stand, for those who manage them. `next`: the name and id that the
    next page begins after.
    """

    members: Sequence[tuple[Member, Standing | None]]
    next: tuple[str, UUID] | None


class AuditEntry(Struct, frozen=True):
    """Who changed what, from what to what, when. `action` is a machine word such as `status`."""

    actor_name: str
    action: str
    before: str | None
    after: str | None
    created_at: datetime
    actor_id: str

    @property
    def by_program(self) -> bool:
        """Whether it was done with an API key, by whose name the actor goes."""
        return is_program(self.actor_id)


class TrailRow(Struct, frozen=True):
    """A line of what a workspace's managers read: a change, or an event and how often it came in its hour.

    `row_id` is a UUIDv7: by it the rows of both are in the order of their beginning.
    """

    row_id: UUID
    actor_name: str
    action: str
    detail: str
    times: int
    at: datetime
    actor_id: str

    @property
    def by_program(self) -> bool:
        """As for an entry."""
        return is_program(self.actor_id)


class TrailPage(Struct, frozen=True):
    rows: Sequence[TrailRow]
    newer: bool
    older: bool


class Mailbox(Struct, frozen=True):
    """An address at which a workspace gets mail. `handed`: a mail server of the operator's may bring it."""

    workspace_id: UUID
    mailbox_id: UUID
    address: str
    handed: bool = True
    called: str = ""
    """In whose name its answers come; empty for the workspace's."""
    signature: str = ""
    """What stands below its answers, with `{agent}` and `{workspace}` for their names."""
