"""The ledger: every mail that came, and what became of it."""

from uuid import UUID

from parlour.db.database import Tx
from parlour.features.mailroom import store
from parlour.features.mailroom.models import HELD, Arrival, LedgerPage, Mail, Outcome
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Conflict, NotFound

READ = "work.read_mail"
PAGE = 50


class UnknownMail(NotFound):
    code = "unknown_mail"
    message = "We could not find this mail."


class NotHeld(Conflict):
    code = "mail_not_held"
    message = "This mail is not held back."


class NoTicket(Conflict):
    code = "mail_about_no_ticket"
    message = "This mail is about no ticket."


@requires(Permission.SYSTEM)
def receive(tx: Tx, arrival: Arrival) -> None:
    """A mail whose bytes are stored: when this is committed it is ours, and whoever brought it may go."""
    store.insert_mail(tx, arrival)
    if arrival.unread_because:
        store.settle(tx, arrival.mail_id, outcome=Outcome.QUARANTINED.value, reason=arrival.unread_because)
    else:
        tx.enqueue(READ, {"mail_id": str(arrival.mail_id), **({"late": True} if arrival.late else {})})


@requires(Permission.MAIL_BRING)
def receive_from(tx: Tx, arrival: Arrival) -> None:
    """`receive` what a program brought."""
    receive(tx.as_system(), arrival)


@requires(Permission.TICKET_LIST)
def mail(tx: Tx, mail_id: UUID) -> Mail:
    """Raises UnknownMail."""
    found = store.mail(tx, mail_id)
    if found is None:
        raise UnknownMail
    return found


@requires(Permission.TICKET_LIST)
def mail_of(tx: Tx, ticket_id: UUID, client_id: UUID) -> UUID:
    """The mail that a message of the ticket was, by the id that its sender gave it. Raises UnknownMail."""
    found = store.said_by(tx, ticket_id, client_id)
    if found is None:
        raise UnknownMail
    return found


@requires(Permission.TICKET_LIST)
def ledger(tx: Tx, *, outcome: Outcome | None = None, before: UUID | None = None) -> LedgerPage:
    """The newest mails, or those before that one; of one outcome or all."""
    found = store.newest(tx, outcome=outcome, before=before, limit=PAGE + 1)
    first = next((each.address for each in mailboxes.every(tx)), "")
    return LedgerPage(found[:PAGE], found[PAGE - 1].mail_id if len(found) > PAGE else None, first)


@requires(Permission.TICKET_UPDATE)
def release(tx: Tx, mail_id: UUID) -> None:
    """Somebody has looked at a mail that was held back: it is a person's. Raises UnknownMail, NotHeld."""
    _let_wait(tx, mail_id)
    audit.record(tx, "mail_released", after=mail(tx, mail_id).sender)
    tx.as_system().enqueue(READ, {"mail_id": str(mail_id), "released": True})


@requires(Permission.TICKET_UPDATE)
def read_again(tx: Tx, mail_id: UUID) -> None:
    """A mail that was held back is read and judged anew, as if it had come now: what kept it may be mended.
    Raises UnknownMail, NotHeld.
    """
    _let_wait(tx, mail_id)
    audit.record(tx, "mail_read_again", after=mail(tx, mail_id).sender)
    tx.as_system().enqueue(READ, {"mail_id": str(mail_id)})


@requires(Permission.NOTE_WRITE)
def into_note(tx: Tx, mail_id: UUID) -> None:
    """A mail that was held back, and is about a ticket, is shown there as a note of whoever asks.

    Raises UnknownMail, NotHeld, NoTicket.
    """
    found = mail(tx, mail_id)
    _let_wait(tx, mail_id)
    if found.ticket_id is None:
        raise NoTicket
    audit.record(tx, "mail_noted", after=found.sender)
    wanted = {"noted_by": str(tx.actor.user_id), "about": str(found.ticket_id)}
    tx.as_system().enqueue(READ, {"mail_id": str(mail_id), "released": True, **wanted})


def _let_wait(tx: Tx, mail_id: UUID) -> None:
    """As if it had just come: it stands in no ticket."""
    held = store.lock(tx, mail_id)
    if held is None:
        raise UnknownMail
    if held not in HELD:
        raise NotHeld
    store.settle(tx, mail_id, outcome=Outcome.WAITING.value, reason="", tries=0, ticket_id=None)


@requires(Permission.SYSTEM)
def note_waiting(tx: Tx, mail_id: UUID, why: str) -> None:
    """Say in the ledger why it waits. That counts as no try: the fault is not the mail's."""
    if store.lock(tx, mail_id) is Outcome.WAITING:
        store.settle(tx, mail_id, reason=why)


@requires(Permission.SYSTEM)
def note_failure(tx: Tx, mail_id: UUID, why: str, *, most: int) -> bool:
    """A try to read it broke off. After `most` of them it is quarantined, and this says True."""
    waits = store.lock(tx, mail_id)
    found = mail(tx, mail_id)
    if waits is not Outcome.WAITING:
        return True
    tries = found.tries + 1
    if tries < most:
        store.settle(tx, mail_id, tries=tries, reason=why)
        return False
    store.settle(tx, mail_id, tries=tries, outcome=Outcome.QUARANTINED.value, reason=why)
    return True
