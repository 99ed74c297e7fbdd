"""The addresses at which a workspace gets mail. One address is one workspace's.

Only the operator gives a workspace an address: whoever could take any would read what others are sent.
"""

from collections.abc import Sequence
from typing import ClassVar

from parlour.db.database import Tx
from parlour.features.workspaces.mailboxes import store
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import DomainError

MAILBOXES_LIMIT = 50
"""Of a workspace."""
ADDRESSES_ASKED = 100
"""Of one mail: it may name very many, of which one is ours."""


class AddressTaken(DomainError):
    status: ClassVar[int] = 409
    code = "address_taken"
    message = "This address is a workspace's already."


class MailboxesFull(DomainError):
    status: ClassVar[int] = 409
    code = "mailboxes_full"
    message = f"A workspace has at most {MAILBOXES_LIMIT} addresses."


@requires(Permission.SYSTEM)
def add(tx: Tx, address: str) -> Mailbox:
    """Raises Invalid (`email`), AddressTaken, MailboxesFull."""
    address = required_email(address)
    if store.with_addresses(tx, [address]):
        raise AddressTaken
    if len(store.every(tx, limit=MAILBOXES_LIMIT)) == MAILBOXES_LIMIT:
        raise MailboxesFull
    mailbox = Mailbox(tx.workspace_id, clock.new_id(), address)
    store.insert_mailbox(tx, mailbox_id=mailbox.mailbox_id, address=address)
    return mailbox


@requires(Permission.TICKET_LIST)
def every(tx: Tx) -> Sequence[Mailbox]:
    """The workspace's, the first one first: that is the one that its mails are answered to."""
    return store.every(tx, limit=MAILBOXES_LIMIT)


@requires(Permission.SYSTEM)
def with_addresses(tx: Tx, addresses: Sequence[str]) -> Sequence[Mailbox]:
    """Which of these are ours, in their order, of whatever workspace."""
    asked = list(dict.fromkeys(addresses))[:ADDRESSES_ASKED]
    found = {each.address: each for each in store.with_addresses(tx, asked)} if asked else {}
    return [found[address] for address in asked if address in found]
