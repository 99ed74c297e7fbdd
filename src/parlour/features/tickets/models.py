"""A ticket as the rest of the house sees it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from parlour.kernel.messages import Message

SUBJECT_LIMIT = 200
DESCRIPTION_LIMIT = 20_000


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class Draft(Struct, frozen=True):
    """What a visitor typed, as typed, and uploaded; the name need not be given. Whether they are told."""

    subject: str
    description: str
    email: str
    client_id: UUID
    name: str = ""
    file_ids: Sequence[UUID] = ()
    is_confirmed: bool = True


class Ticket(Struct, frozen=True):
    ticket_id: UUID
    workspace_id: UUID
    number: int
    subject: str
    description: str
    status: Status
    priority: Priority
    email: str
    chat_room_id: UUID
    assignee_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None = None
    first_answer_at: datetime | None = None
    snoozed_until: datetime | None = None
    tagged: bool = False
    """Whether it has, or once had, a tag."""
    status_change: UUID | None = None
    """Names what last changed its status, so that only that is undone."""
    unsaid_from: str | None = None
    """The status that its room heard of last, while it has not been told of a later one."""
    unsaid_by: str | None = None
    quiet: bool = False
    """Whether somebody blocked opened it: closed for the agents until they, or the customer once unblocked,
    take it up; to the customer it is new."""
    typed_name: str | None = None
    """What whoever opened it on the portal is called, by their own word."""
    merged_into: UUID | None = None
    """The ticket that goes on in place of this one."""
    before_merge: str | None = None
    gathers: bool = False
    """Whether another one is merged into it, or once was."""

    @property
    def told(self) -> Status:
        """The status as its customer knows it."""
        return Status.NEW if self.quiet else self.status

    @property
    def begun_by_agent(self) -> bool:
        """Whether its first word is an agent's, who then waited for nobody's."""
        return self.first_answer_at == self.created_at

    @property
    def aside_until(self) -> datetime | None:
        """When it opens again. The release before may have changed the status and left the moment."""
        return self.snoozed_until if self.status is Status.PENDING else None

    @property
    def is_closed(self) -> bool:
        """A word brings a resolved ticket back; to a closed one nobody adds any."""
        return self.status is Status.CLOSED


class Colour(StrEnum):
    """What a tag can look like. The style sheet has each for both themes."""

    GREY = "grey"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    TEAL = "teal"
    BLUE = "blue"
    PURPLE = "purple"
    PINK = "pink"


class Tag(Struct, frozen=True):
    tag_id: UUID
    name: str
    colour: Colour


class WholeTicket(NamedTuple):
    """A ticket with all that is to be known of it outside; whose it is only as far as that person may answer.

    `contact_id` is None for an address whose only tickets a release before the contacts opened.
    """

    ticket_id: UUID
    number: int
    subject: str
    description: str
    status: Status
    priority: Priority
    email: str
    assignee_id: UUID | None
    contact_id: UUID | None
    contact_name: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None
    snoozed_until: datetime | None
    merged_into: UUID | None
    tagged: bool
    tags: Sequence[Tag] = ()


class TicketRow(NamedTuple):
    """A ticket in a list. A tuple: pages make them by the dozen."""

    ticket_id: UUID
    number: int
    subject: str
    email: str
    status: Status
    priority: Priority
    created_at: datetime
    last_message_at: datetime
    chat_room_id: UUID
    assignee_id: UUID | None
    version: int
    waiting_since: datetime | None
    assignee_name: str | None
    snoozed_until: datetime | None = None
    customer_name: str | None = None
    tagged: bool = False
    blocked: bool | None = None
    quiet: bool = False
    # What stands beside it, behind what is its own.
    unread: bool = False
    tags: tuple[Tag, ...] = ()


class Order(StrEnum):
    """What a list is sorted by, the newest or most urgent first."""

    ACTIVITY = "activity"
    CREATED = "created"
    PRIORITY = "priority"


class Stage(StrEnum):
    """What is no one status: `active` is every ticket that is not finished, `snoozed` the pending ones that
    were put aside until a moment.
    """

    ACTIVE = "active"
    SNOOZED = "snoozed"


class Whose(StrEnum):
    """An assignee that is no particular person."""

    NOBODY = "nobody"


PAGE_SIZES = (25, 50, 100)
COUNT_LIMIT = 1000
"""Nobody needs to know more exactly how many there are, and counting on would cost more and more."""
LOOKED_THROUGH = 1000
"""Tickets that one page looks at where no index holds all that was chosen."""


class Filters(Struct, frozen=True):
    """What a list of tickets is narrowed to, how it is sorted, and which page of it is wanted.

    `waiting`: only tickets in which the customer waits for an agent's word. `mentioned`: only those that
    this person's newest mentions are in. `after` and `before` are cursors from a page's `next` and
    `previous`.
    """

    status: Status | Stage | None = None
    priority: Priority | None = None
    assignee: UUID | Whose | None = None
    waiting: bool = False
    tag: UUID | None = None
    mentioned: UUID | None = None
    q: str = ""
    order: Order = Order.ACTIVITY
    limit: int = PAGE_SIZES[0]
    after: str | None = None
    before: str | None = None


class Page(Struct, frozen=True):
    """`count` stops at COUNT_LIMIT + 1; None where nobody counted.

    `ahead`: how many stand before these, up to COUNT_LIMIT + 1; None where nobody counted.
    `further`: what was looked at did not fill the page, and the way on leads to what was not.
    `excerpts`: of a search, for each of the rows what is shown of the words by which it was found; empty for
    one that was found otherwise.
    """

    rows: Sequence[TicketRow]
    next: str | None
    previous: str | None
    count: int | None
    further: bool = False
    ahead: int | None = 0
    excerpts: Sequence[str] = ()


class SavedView(Struct, frozen=True):
    """A way to look at the list: `query` is the list's own address, after the question mark."""

    view_id: UUID
    owner_id: UUID | None
    name: str
    query: str
    position: int = 0


class Field(StrEnum):
    """What can be changed on many tickets at once."""

    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    TAG = "tag"
    UNTAG = "untag"
    SNOOZE = "snooze"


class Changed(Struct, frozen=True):
    """What one change of many did to one ticket. A new ticket's status changes along with anything else."""

    ticket_id: UUID
    before: str
    after: str
    status_before: Status
    done_at: datetime | None = None
    """None while it is being done."""


class Bulk(Struct, frozen=True):
    """One change of many tickets, and how far it or its undoing has come.

    `done` of `total` tickets were looked at; `changed` of them had another value before. While it is
    being undone, `done` counts again. `put_back`: how many have their old value again. `position`: the last
    ticket that was dealt with, in the order of their ids.
    """

    bulk_id: UUID
    user_id: UUID
    field: Field
    value: str
    total: int
    done: int
    changed: int
    created_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    put_back: int
    position: UUID | None

    @property
    def running(self) -> bool:
        return self.finished_at is None

    @property
    def to_undo(self) -> UUID | None:
        """By which it can be undone; None when there is nothing to undo."""
        return self.bulk_id if self.changed else None


class Opened(Struct, frozen=True):
    """`repeat`: this very ticket had been opened before; nothing was written."""

    ticket: Ticket
    repeat: bool


class Sent(Struct, frozen=True):
    """A message that is on disk, and what it made of its ticket."""

    message: Message
    status: Status
    repeat: bool


class Link(Struct, frozen=True):
    """A mailed way into one ticket. The token is the secret itself: here and in the mail, nowhere else."""

    ticket_id: UUID
    number: int
    email: str
    token: str
    opened_at: datetime


class UnseenReplies(Struct, frozen=True):
    """What a customer who is away should be mailed, and where."""

    link: Link
    to: str
    subject: str
    messages: Sequence[Message]
    earlier: int
    """How many came before `messages` that are not in the mail, up to 1,000."""
    answered: Message | None = None
    """What the customer had said last before them."""


class MailedLinks(Struct, frozen=True):
    """Links to tickets of one customer, the newest first, and how many `older` ones have none here."""

    links: Sequence[Link]
    older: int


class Reply(Struct, frozen=True):
    """A canned reply: its owner's alone, or the workspace's when it is nobody's.

    `cut`: `content` is only its beginning, as in lists.
    """

    reply_id: UUID
    name: str
    content: str
    owner_id: UUID | None
    cut: bool = False

    @property
    def shared(self) -> bool:
        return self.owner_id is None
