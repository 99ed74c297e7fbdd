"""Webhooks: where a workspace's events are posted to, and what became of each."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from parlour.features.events.models import Kind
from parlour.kernel.keyring import Sealed

TEST = "webhook.test"
"""What is posted to see whether a receiver works. It happened to nothing."""


class Off(StrEnum):
    """Why nothing is posted to a webhook. ON: it is. FAILING: nothing came through for days, or the receiver
    said that it is gone.
    """

    ON = ""
    BY_HAND = "by_hand"
    FAILING = "failing"


class State(StrEnum):
    """PENDING: to be tried, again or for the first time. FAILED: given up until somebody asks again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """`previous_until`: until when what is posted is signed with the secret before this one as well.
    `failing_since`: the first failure after the last success.
    """

    webhook_id: UUID
    url: str
    events: tuple[Kind, ...]
    off: Off
    except_key: UUID | None
    secret: Sealed = field(repr=False)
    previous: Sealed | None = field(repr=False)
    previous_until: datetime | None
    failing_since: datetime | None
    created_at: datetime
    position: int
    slow: bool
    job_id: UUID | None


@dataclass(frozen=True, slots=True)
class Made:
    """The secret is here, and nowhere else that anybody can read."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Of one event to one webhook; `failure` says why there was no answer to the last try."""

    event_id: UUID
    kind: str
    body: str = field(repr=False)
    state: State
    tries: int
    status: int | None
    answer: str = field(repr=False)
    failure: str
    milliseconds: int | None
    tried_at: datetime | None
    next_try_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be posted: the same at every try. `tries`: how many there have been."""

    event_id: UUID
    body: str = field(repr=False)
    tries: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended: with a status, or with a failure. `again`: it may go better later, after as many
    seconds as the receiver asked for.
    """

    parcel: Parcel
    status: int | None
    answer: str = field(repr=False)
    failure: str
    milliseconds: int
    again: bool
    retry_after: int = 0

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is posted; none of `ticket_id` and `contact_id` for what is about neither."""

    event_id: UUID
    kind: str
    body: str = field(repr=False)
    ticket_id: UUID | None = None
    contact_id: UUID | None = None
