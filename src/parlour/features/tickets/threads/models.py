"""The thread of mails that a ticket is to its customer."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct


class Arrived(Struct, frozen=True):
    """What a mail of the customer's says of its thread. `reply_to` is empty where it says no other address
    than the customer's; `mailbox_id`, at which address of ours it came.
    """

    message_id: str
    references: tuple[str, ...] = ()
    subject: str = ""
    reply_to: str = ""
    mailbox_id: UUID | None = None


class Thread(Struct, frozen=True):
    """`message_id` is that of the customer's newest mail, and `lineage` ends with it; `by_mail`, whether it
    was their last word.
    """

    message_id: str
    by_mail: bool
    lineage: str = ""
    subject: str = ""
    reply_to: str = ""
    mailbox_id: UUID | None = None


class Letterhead(Struct, frozen=True):
    """What a mail about a ticket begins and ends with. `subject` is empty where no mail has named one yet;
    `called`, where it comes in the workspace's name.
    """

    subject: str
    headers: Mapping[str, str]
    called: str = ""
    signature: str = ""

    def signed_by(self, agent: str, workspace: str) -> str:
        return self.signature.replace("{agent}", agent).replace("{workspace}", workspace)
