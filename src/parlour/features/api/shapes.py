"""What the API takes and gives. The contract, `openapi.json`, is made from these: a field that stands here
stays, and means the same, as long as there is a `/api/v1`.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from parlour.features.accounts.api_keys.service import ROLES
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.contacts.service import NOTE_LIMIT
from parlour.features.files.models import MESSAGE_FILES
from parlour.features.tickets.models import DESCRIPTION_LIMIT, SUBJECT_LIMIT, Colour, Priority, Status
from parlour.features.tickets.tags.service import TICKET_LIMIT as TAGS_LIMIT
from parlour.kernel.access import Role
from parlour.kernel.text import NAME_LIMIT

assert tuple(ROLES) == (Role.VIEWER, Role.AGENT, Role.ADMIN)  # as `Me.role` says

Moment = Annotated[datetime, Meta(tz=True)]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str, Meta(max_length=2_000, description="`next` of the page before.")]
ClientId = Annotated[UUID, Meta(description="Your own id for it: the same again makes no second one.")]


class Taken(Struct, forbid_unknown_fields=True):
    """What programs send: a field that we do not know is refused, not ignored."""


class Given(Struct):
    """What programs get."""


# ------------------------------------------------------------------------------------------------- given


class Workspace(Given):
    workspace_id: UUID
    slug: str
    name: str


class Me(Given):
    """Who a key is, and where."""

    key_id: UUID
    name: str
    role: Annotated[
        Literal["viewer", "agent", "admin"],
        Meta(description="With which it acts now; less than its own when whoever made it has less."),
    ]
    workspace: Workspace


class Who(Given):
    """The customer of a ticket."""

    contact_id: UUID
    name: Annotated[str, Meta(description="Empty when nobody has said it.")]


class Ticket(Given):
    ticket_id: UUID
    number: int
    subject: str
    description: str
    status: Status
    priority: Priority
    email: str
    contact: Who | None
    assignee_id: UUID | None
    tags: list[str]
    version: Annotated[int, Meta(description="Goes up with each change: for `If-Match`.")]
    created_at: Moment
    updated_at: Moment
    last_message_at: Moment
    waiting_since: Annotated[Moment | None, Meta(description="Since when the customer waits for an answer.")]
    snoozed_until: Annotated[Moment | None, Meta(description="Until when it is put aside.")]
    merged_into: Annotated[UUID | None, Meta(description="The ticket that goes on in place of this one.")]
    url: Annotated[str, Meta(description="The ticket's page at the desk.")]


class File(Given):
    file_id: UUID
    name: str
    media_type: str
    size: Annotated[int, Meta(description="Bytes.")]
    scan: Annotated[
        Literal["clean", "unscanned", "infected", "off"],
        Meta(
            description="What the virus scanner says; `off` where there is none, `unscanned` also for "
            "what is larger than it takes."
        ),
    ]


class Message(Given):
    message_id: UUID
    seq: Annotated[int, Meta(description="1, 2, 3 … in its room, without holes.")]
    content: Annotated[
        str, Meta(description="What was said; a machine word such as `status:open` where the system says it.")
    ]
    sender_type: Literal["customer", "agent", "system"]
    sender_name: str
    client_id: UUID | None
    files: list[File]
    created_at: Moment


class Contact(Given):
    contact_id: UUID
    email: str
    name: str
    note: Annotated[str, Meta(description="The agents' own; customers never see it.")]
    blocked: bool
    created_at: Moment


class Mail(Given):
    """A mail that is stored, and will be read in a moment."""

    mail_id: UUID
    mailbox: Annotated[str, Meta(description="The workspace's address at which it came.")]


class Member(Given):
    user_id: UUID
    name: str
    email: str
    role: Role
    disabled: bool


class Tag(Given):
    tag_id: UUID
    name: str
    colour: Colour


class CannedReply(Given):
    reply_id: UUID
    name: str
    content: str


class View(Given):
    view_id: UUID
    name: str
    query: Annotated[str, Meta(description="The address of the list at the desk, after its question mark.")]


class TicketList(Given):
    items: list[Ticket]
    next: str | None


class MessageList(Given):
    items: list[Message]
    next: str | None


class ContactList(Given):
    items: list[Contact]
    next: str | None


class Change(Given):
    """Something that happened. What it is about is here as it is now, not as it was then."""

    event_id: Annotated[UUID, Meta(description="The same however often it is read.")]
    type: Annotated[
        Literal["ticket.created", "ticket.updated", "message.created", "note.created", "contact.updated"],
        Meta(description="Others may follow: pass over what you do not know."),
    ]
    created_at: Moment
    by: Annotated[
        Literal["customer", "member", "program", "system"],
        Meta(description="`program`: it was done with a key, whose id is `key_id`."),
    ]
    user_id: UUID | None
    key_id: UUID | None
    changed: Annotated[list[str], Meta(description="Names of the fields that are others now.")]
    ticket_id: UUID | None
    message_id: UUID | None
    contact_id: UUID | None
    ticket: Annotated[Ticket | None, Meta(description="Of `ticket.created` and `ticket.updated`.")]
    message: Annotated[Message | None, Meta(description="Of `message.created` and `note.created`.")]
    contact: Annotated[Contact | None, Meta(description="Of `contact.updated`.")]


class ChangeList(Given):
    items: list[Change]
    next: Annotated[str, Meta(description="For `after`, also when nothing has happened: keep it.")]
    more: Annotated[bool, Meta(description="Whether more has happened already: ask again at once.")]


class MemberList(Given):
    items: list[Member]
    next: None = None


class TagList(Given):
    items: list[Tag]
    next: None = None


class CannedReplyList(Given):
    items: list[CannedReply]
    next: None = None


class ViewList(Given):
    items: list[View]
    next: None = None


class Problem(Given):
    """RFC 9457. `code` never changes its meaning; `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    problems: Annotated[
        dict[str, str] | UnsetType, Meta(description="What is wrong, as a code for each field.")
    ] = UNSET


# ------------------------------------------------------------------------------------------------- taken

Subject = Annotated[str, Meta(description=f"One line, up to {SUBJECT_LIMIT} characters.")]
Description = Annotated[
    str,
    Meta(description=f"What is said first, by you to the customer, up to {DESCRIPTION_LIMIT:,} characters."),
]
Tags = Annotated[
    list[str], Meta(max_length=50, description=f"Names of tags of the workspace, {TAGS_LIMIT} at most.")
]
Files = Annotated[
    list[UUID], Meta(max_length=50, description=f"Ids that `POST /files` gave, {MESSAGE_FILES} at most.")
]
Content = Annotated[str, Meta(description=f"Up to {CONTENT_LIMIT:,} characters.")]
Name = Annotated[str, Meta(description=f"Up to {NAME_LIMIT} characters.")]
Note = Annotated[str, Meta(description=f"Up to {NOTE_LIMIT:,} characters; customers never see it.")]


Blocked = Annotated[bool, Meta(description="What they send from now on lands closed and quiet.")]
Whose = Annotated[
    str,
    Meta(
        pattern="^(none|[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})$",
        description="A member's id, or `none` for nobody's.",
    ),
]
TagName = Annotated[str, Meta(max_length=200, description="The name of a tag.")]
Waiting = Annotated[bool, Meta(description="Only tickets whose customer waits for an answer.")]
Searched = Annotated[
    str,
    Meta(max_length=200, description="Words, a number such as `#12`, or how an address begins."),
]


class NewTicket(Taken):
    subject: Subject
    description: Description
    email: Annotated[str, Meta(description="Whose ticket it is; they are mailed a link to it.")]
    from_customer: Annotated[
        bool,
        Meta(description="The description is what the customer says, as from a contact form: they wait."),
    ] = False
    name: Name = ""
    priority: Priority = Priority.MEDIUM
    assignee_id: UUID | None = None
    tags: Tags = []
    files: Files = []
    client_id: ClientId | None = None


class TicketChange(Taken):
    """Only what is sent changes; null takes the assignee away."""

    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: UUID | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class Merging(Taken):
    into: Annotated[UUID, Meta(description="The `ticket_id` of the one that goes on.")]
    two_people: Annotated[
        bool,
        Meta(description="You know that they are of two people, who both get what is answered from now on."),
    ] = False


class NewMessage(Taken):
    """Words, files, or both."""

    content: Content = ""
    note: Annotated[bool, Meta(description="Among agents: customers never see it.")] = False
    client_id: ClientId | None = None
    files: Files = []


class NewContact(Taken):
    email: str
    name: Name = ""
    note: Note = ""


class ContactChange(Taken):
    """Only what is sent changes; null empties it."""

    name: Name | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET
    blocked: Blocked | UnsetType = UNSET


class TicketQuery(Taken):
    status: Annotated[
        Literal["new", "open", "pending", "resolved", "closed", "active", "snoozed"] | None,
        Meta(description="`active`: all that are not finished; `snoozed`: put aside until a moment."),
    ] = None
    priority: Priority | None = None
    assignee_id: Whose | None = None
    tag: TagName | None = None
    waiting: Waiting = False
    q: Searched = ""
    sort: Annotated[
        Literal["activity", "created", "priority"], Meta(description="The newest or most urgent first.")
    ] = "activity"
    limit: Limit = 25
    cursor: Cursor | None = None


class MessageQuery(Taken):
    after: Annotated[int, Meta(ge=0, le=2**53, description="Only messages with a higher `seq`.")] = 0
    note: Annotated[bool, Meta(description="The notes among agents instead of the public room.")] = False
    limit: Limit = 50
    cursor: Cursor | None = None


class FileQuery(Taken):
    name: Annotated[str, Meta(min_length=1, max_length=255, description="What it is called.")]
    ticket_id: Annotated[
        UUID | None,
        Meta(description="In which ticket it is to be sent; none for one that you are about to open."),
    ] = None
    note: Annotated[bool, Meta(description="It is to be sent with a note.")] = False


class MailQuery(Taken):
    to: Annotated[
        str,
        Meta(max_length=320, description="To whom it was delivered; else its own headers say so."),
    ] = ""


class ContactQuery(Taken):
    email: Annotated[str, Meta(max_length=320, description="What the address begins with.")] = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class ChangeQuery(Taken):
    after: Annotated[
        str,
        Meta(
            max_length=2_000,
            description="`next` of the answer before; `now` for what happens from now on. "
            "Without it you get everything that is kept.",
        ),
    ] = ""
    wait: Annotated[
        int,
        Meta(
            ge=0,
            le=30,
            description="Where nothing has happened, wait for so many seconds until something does.",
        ),
    ] = 0
    limit: Limit = 100


class NoQuery(Taken):
    """Nothing can be asked for."""
