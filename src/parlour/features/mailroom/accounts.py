"""Mailboxes that those set up who manage a workspace, as the operator does with `parlour mailbox`.

Where they lie is bounded: nobody leads us into the operator's own network that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.mailroom.fetching import service, store
from parlour.features.mailroom.fetching.models import Claim, Place, Standing
from parlour.features.mailroom.leaving import store as leaving
from parlour.features.mailroom.places import port_in
from parlour.features.mailroom.signing import service as signing
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import ascii_host, clean_host
from parlour.kernel.errors import Invalid
from parlour.kernel.keyring import Keyring
from parlour.kernel.text import one_line
from parlour.mail.imap import INBOX, PORTS, Server

PASSWORD_LIMIT = 1_000
"""Characters."""
_TEXT_LIMIT = 250


@dataclass(frozen=True, slots=True)
class Account:
    """`password` is empty where the one is meant that is kept. With a `provider` it is a grant."""

    server: Server
    password: str = field(repr=False)
    provider: str = ""


def account_in(typed: Mapping[str, str], address: str, *, plain: bool) -> Account:
    """What a form says of the account behind that address; `plain` lets it go without TLS. Raises Invalid."""
    problems = {}
    host = clean_host(typed.get("host", ""))
    scheme = typed.get("encryption", "")
    if not host:
        problems["host"] = "not_a_host" if typed.get("host", "").strip() else "required"
    if scheme not in PORTS or (scheme == "imap" and not plain):
        problems["encryption"] = "unknown"
    port = port_in(typed.get("port", ""), PORTS.get(scheme, 0))
    if port is None:
        problems["port"] = "not_a_port"
    user = one_line(typed.get("user", "")) or address
    folder = one_line(typed.get("folder", "")) or INBOX
    password = typed.get("password", "")
    lengths = {"user": (user, _TEXT_LIMIT), "folder": (folder, _TEXT_LIMIT)}
    lengths["password"] = (password, PASSWORD_LIMIT)
    problems |= {name: "too_long" for name, (value, most) in lengths.items() if len(value) > most}
    if any(ord(letter) < 32 for letter in password):
        problems["password"] = "not_a_password"  # noqa: S105 a word
    if problems or port is None:
        raise Invalid(problems)
    return Account(Server(scheme, host, port, user, folder), password)


@requires(Permission.MAILBOX_MANAGE)
def one(tx: Tx, mailbox_id: UUID) -> tuple[Mailbox, Standing | None]:
    """An address, and how the fetching goes. Raises UnknownMailbox."""
    return mailboxes.this(tx, mailbox_id), service.standings(tx).get(mailbox_id)


@requires(Permission.MAILBOX_MANAGE)
def kept(tx: Tx, mailbox_id: UUID) -> Claim | None:
    """The account that it is fetched from. Raises UnknownMailbox."""
    mailboxes.this(tx, mailbox_id)
    return store.this(tx.as_system(), mailbox_id)


@requires(Permission.MAILBOX_MANAGE)
def refuse_taken(tx: Tx, address: str, house: str, *, handed: bool) -> None:
    """Before anybody is asked for a password. Raises what `add` does."""
    _refuse_others(tx, address, house, handed=handed)
    mailboxes.refuse_taken(tx.as_system(), address)


@requires(Permission.MAILBOX_MANAGE)
def add(tx: Tx, address: str, house: str, *, handed: bool) -> Mailbox:
    """An address whose mail programs bring, or the operator's mail server. Raises what `mailboxes.add` does,
    and Invalid (`way`) where only the operator gives such an address: one that a mail server brings mail for,
    or one of `house`, the domain that the house's own mails come from, or of a domain that it signs for.
    """
    _refuse_others(tx, address, house, handed=handed)
    made = mailboxes.add(tx.as_system(), address, handed=handed)
    audit.record(tx, "mailbox_added", after=made.address)
    return made


def _refuse_others(tx: Tx, address: str, house: str, *, handed: bool) -> None:
    """Where several workspaces share a house, none of them speaks or listens as another, or as the house."""
    domain = address.rpartition("@")[2]
    is_the_houses = domain == house or signing.of_domain(tx.acting_as(Actor.system()), ascii_host(domain))
    if (handed or is_the_houses) and not mailboxes.may_take_any(tx):
        raise Invalid({"way": "not_yours"})


@requires(Permission.MAILBOX_MANAGE)
def add_fetched(tx: Tx, address: str, house: str, account: Account, keys: Keyring, place: Place) -> Mailbox:
    """An address whose mail is fetched, from that place on. Raises what `add` does."""
    made = add(tx, address, house, handed=False)
    _put(tx, made, account, keys, place)
    return made


@requires(Permission.MAILBOX_MANAGE)
def change(tx: Tx, mailbox_id: UUID, account: Account, keys: Keyring, place: Place) -> None:
    """Fetch it from there. Raises UnknownMailbox."""
    mailbox = mailboxes.this(tx, mailbox_id)
    _put(tx, mailbox, account, keys, place)
    audit.record(tx, "mailbox_changed", after=mailbox.address)


def _put(tx: Tx, mailbox: Mailbox, account: Account, keys: Keyring, place: Place) -> None:
    sealed = service.seal(account.password, mailbox.mailbox_id, account.provider, keys)
    service.put(
        tx.as_system(),
        mailbox,
        account.server.url,
        sealed,
        place,
        clock.now(),
        bounded=True,
        provider=account.provider,
    )


@requires(Permission.MAILBOX_MANAGE)
def stop(tx: Tx, mailbox_id: UUID) -> None:
    """Fetch it no more, and forget its password. Raises UnknownMailbox, NotFetched."""
    mailbox = mailboxes.this(tx, mailbox_id)
    service.stop(tx.as_system(), mailbox_id)
    audit.record(tx, "mailbox_stopped", before=mailbox.address)


@requires(Permission.MAILBOX_MANAGE)
def remove(tx: Tx, mailbox_id: UUID) -> None:
    """Its mail becomes tickets no more; what came stays. Raises UnknownMailbox."""
    mailbox = mailboxes.this(tx, mailbox_id)
    store.drop(tx.as_system(), mailbox_id=mailbox_id)
    leaving.drop(tx.as_system(), mailbox_id=mailbox_id)
    mailboxes.remove(tx.as_system(), mailbox_id)
    audit.record(tx, "mailbox_removed", before=mailbox.address)
