"""A mailbox that is fetched from an IMAP server, as the rest of the house sees it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from parlour.db.inspection import SILENT_AFTER
from parlour.kernel import clock
from parlour.kernel.keyring import Sealed


class Place(Struct, frozen=True):
    """How far a folder was fetched. UIDs say nothing without the validity that they were given under.

    Up to `known` its mails may have come before, under other UIDs.
    """

    validity: int
    last: int
    known: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A mailbox that is this process's to fetch. `stuck_uid` is the mail at which it failed last time."""

    workspace_id: UUID
    mailbox_id: UUID
    url: str
    password: Sealed = field(repr=False)
    since: datetime
    place: Place
    failures: int
    stuck_uid: int
    bounded: bool = False
    """Whether the URL is not the operator's own."""
    provider: str = ""
    """At which access was granted, which is sealed in the password's place; none where it is a password."""


class Standing(Struct, frozen=True):
    """How the fetching of one mailbox goes; `error` is the last one since it last went well."""

    mailbox_id: UUID
    url: str
    looked_at: datetime
    failures: int
    error: str
    provider: str = ""

    @property
    def is_silent(self) -> bool:
        return clock.now() - self.looked_at > SILENT_AFTER


class Outage(Struct, frozen=True):
    """A mailbox that fails, since when; `told_at` is when its owners were told of it."""

    mailbox_id: UUID
    looked_at: datetime
    told_at: datetime | None
    error: str


class Failing(Struct, frozen=True):
    """A mailbox from which nothing came since `looked_at`; without an error nobody fetches it."""

    address: str
    looked_at: datetime
    error: str
