"""Where the customer of a ticket is: in its room, or at their mails."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets.threads import store
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Permission, requires

_PLAIN = re.compile(r"<[!-;=?-~]{1,400}>")
"""A Message-ID that a header takes as it is, in one line."""


@dataclass(frozen=True, slots=True)
class Thread:
    """`message_id` is that of the customer's newest mail; `by_mail`, whether it was their last word."""

    message_id: str
    by_mail: bool


@requires(Permission.SYSTEM)
def of_ticket(tx: Tx, ticket_id: UUID) -> Thread | None:
    """None for a ticket to which no mail ever came."""
    found = store.of_ticket(tx, ticket_id)
    return Thread(*found) if found else None


@requires(Permission.SYSTEM)
def headers(tx: Tx, ticket_id: UUID) -> Mapping[str, str]:
    """What a mail about a ticket carries, so that it stands in its thread and its answers come here."""
    found: dict[str, str] = {}
    addresses = mailboxes.every(tx)
    if addresses:
        found["Reply-To"] = addresses[0].address
    thread = of_ticket(tx, ticket_id)
    if thread and _PLAIN.fullmatch(thread.message_id):
        found |= {"In-Reply-To": thread.message_id, "References": thread.message_id}
    return found


@requires(Permission.SYSTEM)
def came_by_mail(tx: Tx, ticket_id: UUID, message_id: str) -> None:
    """The customer's last word is this mail: what agents say goes there at once from now on."""
    store.keep(tx, ticket_id, message_id)


@requires(Permission.SYSTEM)
def came_by_room(tx: Tx, ticket_id: UUID) -> None:
    """The customer writes in the room again."""
    store.leave(tx, ticket_id)
