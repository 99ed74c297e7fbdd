"""What was read in a mail: facts, no judgement of what to do with them, and no way back into the mail."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from parlour.kernel.addresses import clean_email


class Kind(StrEnum):
    """What a mail is, by how it must be treated."""

    PERSON = "person"
    AUTOMATIC = "automatic"
    """A machine wrote it: an answer while away, a notification. Never answered, changes no status."""
    LIST = "list"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    """Somebody's provider says that they marked a mail of ours as spam (RFC 5965)."""
    RECEIPT = "receipt"
    """A mail program says that a mail was shown or deleted (RFC 8098)."""
    REACTION = "reaction"
    """An emoji for an earlier mail (RFC 9078, and Gmail's own way)."""
    LOOP = "loop"
    """Our own mail that comes back, or that of another Parlour which answers by itself."""


class Address(Struct, frozen=True):
    """An address as it was written, cleaned; `address` is empty where only a name stood."""

    name: str
    address: str
    odd: bool = False
    """Not written as addresses are, so that it may be meant to look like another one."""

    @property
    def mailbox(self) -> str:
        """The address in the one spelling that is stored and compared; nothing where mail cannot reach it."""
        return clean_email(self.address) or ""


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    media_type: str
    """As declared, in lower case; nobody has looked whether it is true."""
    content: bytes = field(repr=False)
    content_id: str = ""
    inline: bool = False
    """The HTML shows it by its Content-ID."""

    @property
    def size(self) -> int:
        return len(self.content)


class Bounce(Struct, frozen=True):
    """A mail of ours that did not arrive."""

    recipient: str
    status: str
    """As RFC 3463 has it, `5.1.1`; `5.0.0` or `4.0.0` where only the class is known."""
    permanent: bool
    said: str = ""
    """What the server said, in one line."""
    message_id: str = ""
    """Of the mail that did not arrive, where the report brings it along."""


class Parsed(Struct, frozen=True):
    """A mail, read. All words are clean (`kernel.text`): they can be stored and shown."""

    subject: str = ""
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    delivered_to: tuple[Address, ...] = ()
    """To whom the servers on its way brought it, whomever it names."""
    written_at: datetime | None = None
    """What the Date header says, in UTC; never in the future."""
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    verified: bool = False
    """Our own mail server says that the sender's domain stands for this mail (DMARC)."""
    odd_sender: bool = False
    """From is missing, doubled or written so that it may be meant to look like somebody else's."""
    defects: tuple[str, ...] = ()
    """What was wrong with the mail, in sentences for the ledger."""
    kind: Kind = Kind.PERSON
    list_address: str = ""
    """Of the mailing list by which it came, as that names itself."""
    posted_by: Address | None = None
    """Who wrote it, where a list has put its own address into From."""
    bounce: Bounce | None = None
    complained_of: str = ""
    """The Message-ID of the mail that a complaint is about, where it brings that along."""
    reaction: str = ""
    text: str = ""
    """The whole body."""
    reply: str = ""
    """What was newly written: the body without quotation and signature. Empty only if the body is."""
    passes_on: bool = False
    """Another mail is handed on, by what its subject says."""
    html: str = ""
    """The body as HTML that is safe to show, pictures by `cid:` and all; empty where there was none."""
    attachments: tuple[Attachment, ...] = ()

    @property
    def automatic(self) -> bool:
        """Whether no person wrote it for us to answer."""
        return self.kind is not Kind.PERSON and self.kind is not Kind.REACTION
