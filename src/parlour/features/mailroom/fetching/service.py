"""Mailboxes that are fetched by IMAP: where each lies, who fetches it now, and how far it is.

The place moves in the transaction that makes a mail ours, and only from where its mover saw it: whoever
fetches beside somebody else, or after a kill, can store no mail a second time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.db.inspection import SILENT_AFTER
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.fetching import store, telling
from parlour.features.mailroom.fetching.models import Claim, Failing, Place, Standing
from parlour.features.mailroom.models import Arrival
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import Conflict, NotFound
from parlour.kernel.keyring import Keyring, Sealed
from parlour.mail.imap import Server

SILENT_SHOWN = 100
NO_KEY = (
    "This server has no key that opens the mailbox's password: is PARLOUR_SECRET_KEY the one that it was "
    "stored with, or in PARLOUR_SECRET_KEY_PREVIOUS?"
)


class TakenOver(Exception):
    """Somebody else has fetched on from here."""


class NotFetched(NotFound):
    code = "mailbox_not_fetched"
    message = "This mailbox is not fetched by IMAP."


class AddressElsewhere(Conflict):
    code = "address_taken"
    message = "This address is another workspace's already."


def keyring(secret_keys: Sequence[bytes]) -> Keyring:
    """What seals the passwords of mailboxes; the newest key first."""
    return Keyring(secret_keys, "mailbox")


@requires(Permission.SYSTEM)
def fetch_from(
    tx: Tx, address: str, url: str, password: str, keys: Keyring, place: Place, since: datetime
) -> Mailbox:
    """Fetch the mail of this address, which becomes the workspace's if it is nobody's, from there: what came
    after that place, and after that moment. Raises what `mailboxes.add` does, and AddressElsewhere.
    """
    address = required_email(address)
    mailbox = next((each for each in mailboxes.every(tx) if each.address == address), None)
    if mailbox is None:
        try:
            mailbox = mailboxes.add(tx, address)
        except mailboxes.AddressTaken:
            raise AddressElsewhere from None
    put(tx, mailbox, url, seal(password, mailbox.mailbox_id, "", keys), place, since, bounded=False)
    return mailbox


@requires(Permission.SYSTEM)
def put(
    tx: Tx,
    mailbox: Mailbox,
    url: str,
    sealed: Sealed,
    place: Place,
    since: datetime,
    *,
    bounded: bool,
    provider: str = "",
) -> None:
    """Of the same folder as before the place stays: then only the password is another one. With a `provider`
    it is a grant.
    """
    before = store.this(tx, mailbox.mailbox_id)
    if before and before.url == url and before.place.validity == place.validity:
        place, since = before.place, before.since
    if before and not provider and Server.at(before.url).opens_like(Server.at(url)):
        bounded = bounded and before.bounded
    store.put(
        tx,
        mailbox_id=mailbox.mailbox_id,
        url=url,
        sealed=sealed,
        place=place,
        since=since,
        bounded=bounded,
        provider=provider,
    )


@requires(Permission.SYSTEM)
def stop(tx: Tx, mailbox_id: UUID) -> None:
    """Fetch it no more. What came stays. Raises NotFetched."""
    if not store.drop(tx, mailbox_id=mailbox_id):
        raise NotFetched


@requires(Permission.SYSTEM)
def account(tx: Tx, mailbox_id: UUID) -> Claim:
    """Where it lies and what it is opened with. Raises NotFetched."""
    found = store.this(tx, mailbox_id)
    if found is None:
        raise NotFetched
    return found


@requires(Permission.TICKET_LIST)
def standings(tx: Tx) -> dict[UUID, Standing]:
    """How each of the workspace's mailboxes fares that is fetched, by its id."""
    return {each.mailbox_id: each for each in store.every(tx.as_system())}


@requires(Permission.TICKET_LIST)
def silent_here(tx: Tx) -> list[Failing]:
    """The workspace's mailboxes from which nothing came for too long, for whoever waits for mail."""
    silent = [each for each in standings(tx).values() if each.is_silent]
    addresses = {each.mailbox_id: each.address for each in mailboxes.every(tx)} if silent else {}
    return [Failing(addresses[each.mailbox_id], each.looked_at, each.error) for each in silent]


@requires(Permission.SYSTEM)
def silent(tx: Tx) -> list[tuple[UUID, Standing]]:
    """Of every workspace the mailboxes that have to be looked after, with their workspaces."""
    return store.silent(tx, after=SILENT_AFTER, limit=SILENT_SHOWN)


@requires(Permission.SYSTEM)
def any_due(tx: Tx) -> bool:
    return store.any_due(tx)


@requires(Permission.SYSTEM)
def claim(tx: Tx, holder: UUID, *, lease: timedelta, limit: int) -> list[Claim]:
    return store.claim(tx, holder=holder, lease=lease, limit=limit)


@requires(Permission.SYSTEM)
def renew(tx: Tx, holder: UUID, *, lease: timedelta) -> set[UUID]:
    """Hold on to what is held; which mailboxes that still are."""
    return store.renew(tx, holder=holder, lease=lease)


@requires(Permission.SYSTEM)
def release(tx: Tx, mailbox_id: UUID, holder: UUID, *, after: timedelta) -> None:
    store.release(tx, mailbox_id=mailbox_id, holder=holder, after=after)


@requires(Permission.SYSTEM)
def note_look(tx: Tx, mailbox_id: UUID, holder: UUID) -> None:
    """It was looked into, and all that is new is ours. Whoever was told that it failed is told."""
    over = store.note_look(tx, mailbox_id=mailbox_id, holder=holder)
    if over and over.told_at:
        store.set_told_at(tx, mailbox_id=mailbox_id, at=None)
        telling.tell(tx, over, works=True)


@requires(Permission.SYSTEM)
def note_failure(
    tx: Tx, mailbox_id: UUID, holder: UUID, error: str, *, stuck_uid: int, again: timedelta
) -> None:
    """It could not be looked into, or not wholly; `again` is how long until the next try. Its owners are told
    of an outage once.
    """
    found = store.note_failure(tx, mailbox_id=mailbox_id, holder=holder, error=error, stuck_uid=stuck_uid)
    if found and not found.told_at and clock.now() - found.looked_at > telling.TELL_AFTER:
        store.set_told_at(tx, mailbox_id=mailbox_id, at=clock.now())
        telling.tell(tx, found, works=False)
    store.release(tx, mailbox_id=mailbox_id, holder=holder, after=again)


@requires(Permission.SYSTEM)
def known(tx: Tx, message_ids: Sequence[str]) -> set[str]:
    """Which of these mails stand in the ledger."""
    return store.known(tx, message_ids=message_ids)


@requires(Permission.SYSTEM)
def move(tx: Tx, mailbox_id: UUID, before: Place, to: Place) -> None:
    """Nothing between the two places is new. Raises TakenOver."""
    if not store.move(tx, mailbox_id=mailbox_id, before=before, to=to):
        raise TakenOver


@requires(Permission.SYSTEM)
def take(tx: Tx, before: Place, to: Place, arrival: Arrival) -> None:
    """The mail is ours and the place behind it: both or neither. Raises TakenOver."""
    move(tx, arrival.mailbox_id, before, to)
    mailroom.receive(tx, arrival)


def password_of(claimed: Claim, keys: Keyring) -> str:
    """Or the grant. Raises Unreadable."""
    return keys.open(claimed.password.text, _owner(claimed.mailbox_id, claimed.provider))


def seal(secret: str, mailbox_id: UUID, provider: str, keys: Keyring) -> Sealed:
    return keys.seal(secret, _owner(mailbox_id, provider))


def _owner(mailbox_id: UUID, provider: str) -> str:
    """A grant never opens as a password, which would be told to a mail server."""
    return f"{mailbox_id.hex}.{provider}" if provider else mailbox_id.hex


@requires(Permission.SYSTEM)
def begin_renewal(tx: Tx, claimed: Claim, renewal: UUID, *, lease: timedelta) -> bool:
    """For so long nobody else asks the provider for new access. False where another does, or did since."""
    before = claimed.password.text
    return store.begin_renewal(tx, mailbox_id=claimed.mailbox_id, before=before, renewal=renewal, lease=lease)


@requires(Permission.SYSTEM)
def end_renewal(tx: Tx, mailbox_id: UUID, renewal: UUID, sealed: Sealed | None = None) -> None:
    """What the provider gave is kept from now on; without `sealed` it gave nothing, and another may ask."""
    store.end_renewal(tx, mailbox_id=mailbox_id, renewal=renewal, sealed=sealed)


@requires(Permission.SYSTEM)
def reseal(tx: Tx, claimed: Claim, sealed: Sealed) -> None:
    """Keep the password under the newest key."""
    store.reseal(tx, mailbox_id=claimed.mailbox_id, before=claimed.password.text, sealed=sealed)
