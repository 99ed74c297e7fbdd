"""The addresses at which a workspace gets mail. One address is one workspace's.

What a mail server of the operator's brings goes to addresses that the operator gave, or the people of the
only workspace: whoever could take any would read what others are sent. What is fetched with a password is
theirs who have it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import store
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import clean_email, mailbox_of, required_email
from parlour.kernel.errors import DomainError, Invalid, NotFound

MAILBOXES_LIMIT = 50
"""Of a workspace."""
SIGNATURE_LIMIT = 1000
"""Characters."""
ADDRESSES_ASKED = 100
"""Of one mail: it may name very many, of which one is ours."""


class AddressTaken(DomainError):
    status: ClassVar[int] = 409
    code = "address_taken"
    message = "This address is a workspace's already."


class UnknownMailbox(NotFound):
    code = "unknown_mailbox"
    message = "We could not find this address. Perhaps it was removed."


class MailboxesFull(DomainError):
    status: ClassVar[int] = 409
    code = "mailboxes_full"
    message = f"A workspace has at most {MAILBOXES_LIMIT} addresses."


@requires(Permission.SYSTEM)
def add(tx: Tx, address: str, *, handed: bool = True) -> Mailbox:
    """One that was removed here comes back. Raises Invalid (`email`), AddressTaken, MailboxesFull."""
    address = required_email(address)
    store.one_at_a_time(tx)
    known = _refuse_taken(tx, address)
    mailbox = Mailbox(tx.workspace_id, known.mailbox_id if known else clock.new_id(), address, handed)
    put = store.bring_back if known else partial(store.insert_mailbox, address=address)
    put(tx, mailbox_id=mailbox.mailbox_id, handed=handed)
    return mailbox


@requires(Permission.SYSTEM)
def refuse_taken(tx: Tx, address: str) -> None:
    """Raises what `add` would."""
    _refuse_taken(tx, required_email(address))


def _refuse_taken(tx: Tx, address: str) -> Mailbox | None:
    """What the address was here before it was removed."""
    known, removed_at = store.holder_of(tx.acting_as(Actor.system()), address) or (None, None)
    if known and (known.workspace_id != tx.workspace_id or removed_at is None):
        raise AddressTaken
    if len(store.every(tx, limit=MAILBOXES_LIMIT)) == MAILBOXES_LIMIT:
        raise MailboxesFull
    return known


@requires(Permission.SYSTEM)
def remove(tx: Tx, mailbox_id: UUID) -> None:
    """Nothing comes in there any more. What came stays."""
    store.remove(tx, mailbox_id=mailbox_id)


@requires(Permission.MAILBOX_MANAGE)
def this(tx: Tx, mailbox_id: UUID) -> Mailbox:
    """Raises UnknownMailbox."""
    for each in store.every(tx, limit=MAILBOXES_LIMIT):
        if each.mailbox_id == mailbox_id:
            return each
    raise UnknownMailbox


@requires(Permission.MAILBOX_MANAGE)
def sign(tx: Tx, mailbox_id: UUID, called: str, signature: str) -> None:
    """In whose name its answers come, and what stands below them; either may be empty.

    Raises Invalid (`called`, `signature`: too_long), UnknownMailbox.
    """
    mailbox = this(tx, mailbox_id)
    called, signature = text.name(called), text.many_lines(signature)
    problems = {}
    if len(called) > text.NAME_LIMIT:
        problems["called"] = "too_long"
    if len(signature) > SIGNATURE_LIMIT:
        problems["signature"] = "too_long"
    if problems:
        raise Invalid(problems)
    store.sign(tx.as_system(), mailbox_id=mailbox_id, called=called, signature=signature)
    audit.record(tx, "mailbox_signed", after=mailbox.address)


@requires(Permission.MAILBOX_MANAGE)
def may_take_any(tx: Tx) -> bool:
    """Whether there is nobody else whose mail an address could take."""
    return store.is_only(tx.acting_as(Actor.system()))


@requires(Permission.TICKET_LIST)
def every(tx: Tx) -> Sequence[Mailbox]:
    """The workspace's, the first one first: that is the one that its mails are answered to."""
    return asking_every(tx)()


@requires(Permission.TICKET_LIST)
def asking_every(tx: Tx) -> Callable[[], Sequence[Mailbox]]:
    """`every`, asked with what is asked next."""
    return store.asking_every(tx, limit=MAILBOXES_LIMIT)


@requires(Permission.SYSTEM)
def with_addresses(tx: Tx, addresses: Sequence[str]) -> Sequence[Mailbox]:
    """Which of these are ours, in their order, of whatever workspace. For the house, which acts in none."""
    asked = list(dict.fromkeys(addresses))[:ADDRESSES_ASKED]
    found = {each.address: each for each in store.with_addresses(tx, asked)} if asked else {}
    return [found[address] for address in asked if address in found]


@requires(Permission.SYSTEM)
def own_among(tx: Tx, addresses: Sequence[str]) -> set[str]:
    """Which of these are the workspace's. Another one's is an address like any other: whoever reads there may
    write here.
    """
    asked = {each: spellings(each) for each in list(dict.fromkeys(addresses))[:ADDRESSES_ASKED]}
    spelled = sorted(set().union(*asked.values()))
    found = store.own_among(tx, spelled) if spelled else set()
    return {address for address, known_as in asked.items() if not found.isdisjoint(known_as)}


def spellings(address: str) -> list[str]:
    """Under which it may be known: what stands behind a `+` makes no other mailbox."""
    clean = clean_email(address)
    return list(dict.fromkeys([clean, mailbox_of(clean)])) if clean else []
