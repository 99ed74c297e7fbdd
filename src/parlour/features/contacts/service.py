"""The people who write to a workspace, and what its agents know of them.

Anybody can type anybody's address: a name that comes with a ticket is that ticket's alone. The person's page
offers the first one, as somebody's word, and shows nothing of what is known to whoever types another. What an
agent has saved holds on every ticket.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.contacts import store
from parlour.features.contacts.models import Contact, ContactPage
from parlour.features.events import service as events
from parlour.features.events.models import Happened, Kind
from parlour.features.workspaces import audit
from parlour.kernel import clock, seen, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.addresses import beginning_of_email, required_email
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.kernel.events import ContactChanged

PAGE = 50
NOTE_LIMIT = 2_000


class UnknownContact(NotFound):
    code = "unknown_contact"
    message = "We could not find this person."


class KnownContact(DomainError):
    status = 409
    code = "known_contact"
    message = "Somebody with this address is known already."


@requires(Permission.SYSTEM)
def remember(tx: Tx, email: str, name: str, *, typed: bool) -> Callable[[], bool]:
    """Somebody has written from this address, perhaps under a name. What comes back says whether they are
    blocked.

    `typed`: the name is no more than somebody's word on the portal.
    """
    return store.remember(tx, email, name, typed=typed)


@requires(Permission.SYSTEM)
def is_blocked(tx: Tx, email: str) -> bool:
    """Whether whoever has this address is blocked; nobody changes that before this transaction has ended."""
    return store.asking_blocked(tx, email)()


@requires(Permission.SYSTEM)
def asking_blocked(tx: Tx, email: str) -> Callable[[], bool]:
    """`is_blocked`, asked with what is asked next."""
    return store.asking_blocked(tx, email)


@requires(Permission.SYSTEM)
def complained(tx: Tx, email: str) -> None:
    """Whoever has this address marked a mail of ours as spam."""
    store.complained(tx, email)


@requires(Permission.TICKET_LIST)
def contact(tx: Tx, contact_id: UUID) -> Contact:
    """Raises UnknownContact."""
    found = store.contact(tx, contact_id)
    if found is None:
        raise UnknownContact
    return found


@requires(Permission.TICKET_LIST)
def at(tx: Tx, email: str) -> Contact | None:
    """Whose address this is; None for one whose only tickets a release before this one opened."""
    return store.by_email(tx, email)


@requires(Permission.TICKET_LIST)
def these(tx: Tx, contact_ids: Collection[UUID]) -> Mapping[UUID, Contact]:
    """Those of them that there are."""
    return store.these(tx, contact_ids) if contact_ids else {}


@requires(Permission.TICKET_LIST)
def page(
    tx: Tx, *, beginning: str = "", after: str = "", blocked: bool = False, limit: int = PAGE
) -> ContactPage:
    """Those whose addresses begin so, by address; all, or those who are blocked."""
    begins = beginning_of_email(beginning) if beginning else ""
    found = store.following(tx, beginning=begins, after=after, blocked=blocked, limit=limit + 1)
    return ContactPage(found[:limit], found[limit - 1].email if len(found) > limit else None)


@requires(Permission.CONTACT_EDIT)
def add(tx: Tx, email: str, name: str, note: str) -> Contact:
    """Somebody who has not written yet.

    Raises KnownContact, Invalid (`email`: required, invalid; `name`, `note`: too_long).
    """
    address = required_email(email)
    if store.by_email(tx, address):
        raise KnownContact
    contact_id = clock.new_id()
    store.insert_contact(tx.as_system(), contact_id, address)
    _note(tx, contact_id, "email")
    change(tx, contact_id, name, note)
    return contact(tx, contact_id)


@requires(Permission.CONTACT_EDIT)
def locked(tx: Tx, contact_id: UUID) -> Contact:
    """Whom nobody else changes before this transaction has ended. Raises UnknownContact."""
    found = store.lock(tx, contact_id)
    if found is None:
        raise UnknownContact
    return found


@requires(Permission.CONTACT_EDIT)
def change(tx: Tx, contact_id: UUID, name: str, note: str, seen_mark: str = "") -> None:
    """What the person is called here, and what the agents note. `seen_mark` is that of both before.

    Raises UnknownContact, ChangedMeanwhile, Invalid (too_long).
    """
    before = locked(tx, contact_id)
    seen.insist(seen_mark, before.name, before.note)
    name, note = text.name(name), text.many_lines(note)
    lengths = {"name": (name, text.NAME_LIMIT), "note": (note, NOTE_LIMIT)}
    problems = {field: "too_long" for field, (words, limit) in lengths.items() if len(words) > limit}
    if problems:
        raise Invalid(problems)
    store.change(tx, contact_id, name=name, note=note)
    now = {"name": name, "note": note}
    _note(tx, contact_id, *(field for field, value in now.items() if value != getattr(before, field)))
    if name != before.name:
        audit.record(tx, "contact_named", before=before.name, after=name)


def _note(tx: Tx, contact_id: UUID, *changed: str) -> None:
    """For those who follow, if anything is another now."""
    if changed:
        events.record(tx, Happened(Kind.CONTACT_UPDATED, contact_id=contact_id, changed=changed))
        tx.emit(ContactChanged(tx.workspace_id))


@requires(Permission.CONTACT_BLOCK)
def block(tx: Tx, contact_id: UUID) -> None:
    """From now on what they send lands closed and quiet. They learn nothing. Raises UnknownContact."""
    _block(tx, contact_id, clock.now())


@requires(Permission.CONTACT_BLOCK)
def unblock(tx: Tx, contact_id: UUID) -> None:
    """What they sent meanwhile stays as it is, until they write again. Raises UnknownContact."""
    _block(tx, contact_id, None)


def _block(tx: Tx, contact_id: UUID, at: datetime | None) -> None:
    who = contact(tx, contact_id)
    if store.block(tx, contact_id, at):
        audit.record(tx, "blocked" if at else "unblocked", after=who.email)
        _note(tx, contact_id, "blocked")
