"""Every mail that goes out about a ticket, from the moment at which it is queued.

A mail is known by its job, which its Message-ID names: its row is stored with the job, follows what becomes
of that, and hears of what comes back later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.outbox import Ended, Job
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.tickets import store as tickets_store
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Kind as Told
from parlour.features.tickets.outgoing import store
from parlour.features.tickets.outgoing.models import FAILED, Delivery, Mail, Outcome, Page
from parlour.features.workspaces import audit
from parlour.kernel.access import Permission, is_program, requires
from parlour.kernel.errors import Conflict, NotFound
from parlour.kernel.events import MailChanged
from parlour.kernel.graphemes import cut

PAGE = 50
SAID_LIMIT = 500
WRITERS_TOLD = 10
_AFTER = {
    Ended.PUT_BACK: Outcome.DEFERRED,
    Ended.GIVEN_UP: Outcome.REFUSED,
}


class UnknownMail(NotFound):
    code = "unknown_mail"
    message = "We could not find this mail."


class NotFailed(Conflict):
    code = "mail_not_failed"
    message = "This mail has not failed, so there is nothing to send again."


@requires(Permission.SYSTEM)
def queue(tx: Tx, kind: str, ticket: Ticket, job_id: UUID, *, seq: int = 0, to: str = "") -> None:
    """The job is to mail the customer of the ticket, or somebody else, about the message `seq` of its room if
    there is one.
    """
    store.keep(
        tx,
        job_id,
        ticket_id=ticket.ticket_id,
        kind=kind,
        recipient=to or ticket.email,
        after_seq=max(0, seq - 1),
        upto_seq=seq,
    )
    if seq:
        tx.emit(MailChanged(tx.workspace_id, ticket.chat_room_id, seq - 1, seq))


@requires(Permission.SYSTEM)
def was_queued(tx: Tx, kind: str, ticket_id: UUID, to: str, *, since: datetime) -> bool:
    """Whether a mail of this kind about the ticket went to that address, or is about to."""
    return store.was_queued(tx, kind, ticket_id, to, since=since)


@requires(Permission.SYSTEM)
def take(tx: Tx, job: Job, ticket: Ticket, *, to: str, after: int = 0, upto: int = 0) -> None:
    """The job's mail tells the customer, at this address, of these messages, and those of other jobs do not
    any more.
    """
    where = {"ticket_id": ticket.ticket_id, "recipient": to, "after_seq": after, "upto_seq": upto}
    store.keep(tx, job.job_id, kind=job.kind, **where)  # type: ignore[arg-type]
    if upto:
        store.overtake(tx, job.job_id, **where)  # type: ignore[arg-type]


@requires(Permission.SYSTEM)
def drop(tx: Tx, job_id: UUID) -> None:
    """Nothing is to be mailed after all: it was read before, or nobody may get it any more."""
    mail = store.lock(tx, job_id)
    if mail:
        store.drop(tx, job_id)
        _tell(tx, mail)


@requires(Permission.SYSTEM)
def drop_waiting(tx: Tx) -> None:
    """Of the whole workspace, whose jobs were dropped."""
    store.drop_waiting(tx)


@requires(Permission.SYSTEM)
def follow(tx: Tx, jobs: Sequence[Job], ended: Ended, said: str) -> None:
    """A run of each of these mails' jobs has ended so; of a job that mailed nothing there is no row."""
    if ended is Ended.FINISHED:
        _went_out(tx, [job.job_id for job in jobs])
        return
    for mail in filter(None, (store.lock(tx, job.job_id) for job in jobs)):
        if mail.outcome is not Outcome.BOUNCED:
            _settle(tx, mail, _AFTER[ended], said)
            if ended is Ended.GIVEN_UP:
                _tell_agents(tx, mail)


def _went_out(tx: Tx, mail_ids: Sequence[UUID]) -> None:
    """The messages show it after the commit, with which it is said."""
    sent, here = store.asking_sent(tx, mail_ids), tx.workspace_id
    tx.emit_asked(lambda: [MailChanged(here, *extent) for extent in sent() if extent.upto_seq])


@requires(Permission.SYSTEM)
def came_back(tx: Tx, mail_id: UUID, said: str, *, final: bool) -> None:
    """A mail server reports that it could not hand on a mail of ours, for ever or up to now.

    Of a mail that is not known any more, or for which another one went, nothing is noted.
    """
    mail = store.lock(tx, mail_id)
    if mail is None or mail.outcome is Outcome.REPLACED:
        return
    if final:
        _settle(tx, mail, Outcome.BOUNCED, said)
        _tell_agents(tx, mail)
    elif mail.outcome not in FAILED:
        _settle(tx, mail, Outcome.DEFERRED, said)


@requires(Permission.SYSTEM)
def complained(tx: Tx, mail_id: UUID) -> None:
    """Whoever got this mail marked it as spam."""
    mail = store.lock(tx, mail_id)
    if mail:
        contacts.complained(tx, mail.recipient)


def _tell_agents(tx: Tx, mail: Mail) -> None:
    """Whose ticket it is; of nobody's, those who wrote what the mail told of."""
    ticket = tickets_store.ticket(tx, mail.ticket_id)
    if ticket is None:
        return
    hearers = {ticket.assignee_id} - {None}
    if not hearers and mail.upto_seq:
        told = {"after": mail.after_seq, "upto": mail.upto_seq}
        said = chat.answers(tx, mail.room_id, **told, limit=WRITERS_TOLD).newest
        hearers = {UUID(each.sender_id) for each in said if not is_program(each.sender_id)}
    notifications.tell(tx, Told.RETURNED, {each for each in hearers if each}, [ticket])


def _settle(tx: Tx, mail: Mail, outcome: Outcome, said: str) -> None:
    store.settle(tx, mail.mail_id, outcome=outcome.value, said=cut(said, SAID_LIMIT))
    _tell(tx, mail)


def _tell(tx: Tx, mail: Mail) -> None:
    if mail.upto_seq:
        tx.emit(MailChanged(tx.workspace_id, mail.room_id, mail.after_seq, mail.upto_seq))


@requires(Permission.NOTE_READ)
def deliveries(tx: Tx, ticket_id: UUID, *, after: int, upto: int) -> Mapping[int, Delivery]:
    """How the mails stand with which the messages behind `after` and up to `upto` went out, by their numbers.

    Of several mails with one message it is the one that fares worst.
    """
    found: dict[int, Delivery] = {}
    for first, last, delivery in store.deliveries(tx, ticket_id, after=after, upto=upto):
        for seq in range(max(first, after) + 1, min(last, upto) + 1):
            if seq not in found or found[seq].badness < delivery.badness:
                found[seq] = delivery
    return found


@requires(Permission.TICKET_LIST)
def page(tx: Tx, *, outcome: Outcome | None = None, before: UUID | None = None) -> Page:
    """The newest mails, or those before that one; of one outcome or all."""
    found = store.newest(tx, outcome=outcome, before=before, limit=PAGE + 1)
    return Page(found[:PAGE], found[PAGE - 1].mail_id if len(found) > PAGE else None)


@requires(Permission.TICKET_UPDATE)
def send_again(tx: Tx, mail_id: UUID) -> None:
    """A mail that was refused, or came back, is tried once more: by its own job while that is kept, else by
    another one, which then tells of the same messages. Raises UnknownMail, NotFailed.
    """
    system = tx.as_system()
    mail = store.lock(system, mail_id)
    if mail is None:
        raise UnknownMail
    if mail.outcome not in FAILED:
        raise NotFailed
    audit.record(tx, "mail_sent_again", after=mail.recipient)
    if mail.outcome is Outcome.REFUSED and outbox.revive_one(system, mail_id):
        _settle(system, mail, Outcome.WAITING, "")
        return
    told = {"after": mail.after_seq, "upto": mail.upto_seq} if mail.upto_seq else {}
    to_whom = {"ticket_id": str(mail.ticket_id), "email": mail.recipient}
    again = system.enqueue(mail.kind, to_whom | told)
    store.settle(system, mail_id, outcome=Outcome.REPLACED.value, after_seq=0, upto_seq=0)
    store.keep(
        system,
        again,
        ticket_id=mail.ticket_id,
        kind=mail.kind,
        recipient=mail.recipient,
        after_seq=mail.after_seq,
        upto_seq=mail.upto_seq,
    )
    _tell(system, mail)
