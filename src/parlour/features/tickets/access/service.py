"""How a customer gets into one ticket without an account.

A mailed link holds a 256-bit secret, kept here only as its hash. Exchanging it, or opening a ticket,
gives the browser a fresh secret for that ticket, in a cookie of its own. So tabs that do this at once add
to what the browser holds, and a cookie that somebody planted there never opens what came later.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.outbox import Job
from parlour.features.chat import service as chat
from parlour.features.tickets import finding, store
from parlour.features.tickets.access import store as access_store
from parlour.features.tickets.models import Draft, Link, MailedLinks, Status, Ticket, TicketRow, UnseenReplies
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.rows import store as rows_store
from parlour.features.tickets.service import UnknownTicket
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Thread
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Portal
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import DomainError, Forbidden
from parlour.kernel.events import AccessChanged
from parlour.kernel.keys import KEYS_A_BROWSER, Keys
from parlour.kernel.messages import Message
from parlour.kernel.secrets import hash_of, new_secret

FRESH_LINKS = "mail.fresh_links"
LINK_LIFE = timedelta(days=7)
VISIT_LIFE = timedelta(days=30)
SAME_FORM = timedelta(hours=12)
"""How long the same words from the same browser are the same form, and no second ticket."""
LINKS_A_MAIL = 20
OLDER_COUNTED = 100
"""Tickets beyond those of a mail that are counted, to say how many there are."""
REPLIES_A_MAIL = 10
QUOTED_WITHIN = 10
"""Messages above an answer among which what it answers is looked for."""
SWEEP_BATCH = 500


class LinkExpired(DomainError):
    """Expired, revoked or never issued: one answer for the three."""

    status = 410
    code = "link_expired"
    message = "This link no longer works. We can mail you a fresh one."


class NoAccess(Forbidden):
    """This browser has not shown that it may see such a ticket; whether there is one is not said."""

    code = "no_access"
    message = "To see this ticket, open the link in the mail we sent you."


@requires(Permission.TICKET_OPEN)
def admit_opener(tx: Tx, ticket: Ticket, keys: Keys, prints: Sequence[str] = ()) -> str:
    """Let the browser that has just opened `ticket` into it. Returns the secret for its cookie.

    The words that opened it, with the `prints` of what was uploaded, are kept with the browser's own secret,
    and no cookie can hold both: they lead back to the ticket by the form alone.
    """
    form = keys.hashes_of_form(ticket.email, ticket.subject, ticket.description, *prints)[:1]
    return _admit(tx, ticket.ticket_id, ticket.email, keys, form)


def _admit(tx: Tx, ticket_id: UUID, email: str, keys: Keys, form: Sequence[str] = ()) -> str:
    """Only the house gives access: what a visitor may store opens nothing.

    A browser that is in the ticket for another two weeks keeps the secret that it has. The hash of a `form`
    leads back to the ticket for as long as that is the same form.
    """
    tx, now = tx.as_system(), clock.now()
    secret, until = keys.of_tickets.get(ticket_id), dict.fromkeys(form, now + SAME_FORM)
    lasts = secret and access_store.granted_email(tx, hash_of(secret), ticket_id, at=now + VISIT_LIFE / 2)
    if not secret or not lasts:
        secret = new_secret()
        until[hash_of(secret)] = now + VISIT_LIFE
    access_store.insert_grants(tx, ticket_id, email, until)
    return secret


@requires(Permission.TICKET_READ)
def follow_merge(tx: Tx, ticket_id: UUID, keys: Keys) -> tuple[UUID, str]:
    """The ticket in which the customer's own goes on, and the secret for the browser's cookie.

    Raises UnknownTicket where it goes on in none, or in another person's.
    """
    ticket = store.ticket(tx, ticket_id)
    if ticket is None or ticket_id != tx.actor.ticket_id:
        raise UnknownTicket
    kept = finding.going_on(tx.as_system(), ticket)
    if kept.ticket_id == ticket_id or kept.email != ticket.email:
        raise UnknownTicket
    return kept.ticket_id, _admit(tx, kept.ticket_id, kept.email, keys)


@requires(Permission.PORTAL_SEE)
def exchange_link(tx: Tx, token: str, keys: Keys) -> tuple[UUID, str]:
    """The ticket that a mailed secret opens, and the secret for the browser's cookie. Raises LinkExpired."""
    link = access_store.valid_link(tx.as_system(), hash_of(token))
    if link is None:
        raise LinkExpired
    ticket_id, email = link
    return ticket_id, _admit(tx, ticket_id, email, keys)


@requires(Permission.PORTAL_SEE)
def customer_of(tx: Tx, ticket_id: UUID, keys: Keys) -> Actor:
    """The customer that this browser is for this ticket.

    Raises NoAccess for one that isn't the browser's, and alike for an id that isn't in the workspace.
    """
    for visitor_hash in keys.hashes_for(ticket_id):
        holding = _holding(tx, [visitor_hash])
        if email := access_store.granted_email(holding, visitor_hash, ticket_id, at=clock.now()):
            return Actor.customer(tx.workspace_id, ticket_id, email)
    raise NoAccess


@requires(Permission.PORTAL_SEE)
def customer_at(tx: Tx, slug: str, ticket_id: UUID, keys: Keys) -> tuple[Portal, Actor]:
    """Whose portal is at `slug`, and the customer that this browser is there.

    Raises UnknownWorkspace and what `customer_of` raises.
    """
    workspace = workspaces.workspace_at(tx, slug)
    there = tx.acting_as(Actor.visitor(workspace.workspace_id))
    return workspace, customer_of(there, ticket_id, keys)


def _holding(tx: Tx, hashes: Sequence[str]) -> Tx:
    """In the name of whoever has these secrets."""
    return tx.acting_as(Actor.visitor(tx.workspace_id, " ".join(hashes)))


@requires(Permission.PORTAL_SEE)
def tickets_of_browser(tx: Tx, keys: Keys) -> Sequence[TicketRow]:
    """The tickets that this browser may see, newest activity first, with what is unread in them."""
    if not keys.hashes:
        return []
    tx = _holding(tx, keys.hashes)
    granted = access_store.asking_granted_tickets(tx, keys.hashes, limit=KEYS_A_BROWSER)()
    emails = dict(granted)
    rows = rows_store.these(tx, list(emails))
    rooms: dict[str, list[UUID]] = {}
    for row in rows:
        rooms.setdefault(emails[row.ticket_id], []).append(row.chat_room_id)
    unread = {
        room_id
        for email, theirs in rooms.items()
        for room_id in chat.unread_by_customer(tx.as_system(), email, theirs)
    }
    return [
        row._replace(unread=row.chat_room_id in unread, status=Status.NEW if row.quiet else row.status)
        for row in rows
    ]


@requires(Permission.TICKET_OPEN)
def asking_opened_in_these_words(
    tx: Tx, draft: Draft, keys: Keys, prints: Sequence[str] = ()
) -> Callable[[], Ticket | None]:
    """The ticket that this browser has just opened in the same words, with files of these prints, unless it
    is closed. Forms with these words are taken one after the other: the second finds what the first has
    opened.

    Whoever goes back to the form and sends it once more finds the words still there, as browsers restore
    them, under the id of a new form. Also before the first answer has come, when the browser has no key to
    the ticket yet: what opened it there is remembered by `admit_opener`. `draft` is `tickets.checked`.
    Asked with what is asked next.
    """
    words = (draft.email, draft.subject, draft.description)
    hashes = keys.hashes_of_form(*words, *prints)
    holding = _holding(tx, hashes)
    access_store.one_at_a_time(holding, *words)
    if not hashes:
        return _no_ticket
    granted = access_store.asking_granted_tickets(holding, hashes, limit=KEYS_A_BROWSER)

    def opened() -> Ticket | None:
        these = [ticket_id for ticket_id, _ in granted()]
        since = clock.now() - SAME_FORM
        return store.in_these_words(tx.as_system(), these, draft, since=since) if these else None

    return opened


def _no_ticket() -> None:
    """A browser without any secret has opened none."""


@requires(Permission.SYSTEM)
def forget_secrets(tx: Tx, secrets: Sequence[str]) -> None:
    """What whoever holds these could open, in whatever workspace, nobody opens with them any more. To have
    them is the right to give them up; whoever shows others of his own ends nothing of anybody else's.
    """
    for workspace_id, ticket_id in access_store.delete_grants_of(tx, [hash_of(one) for one in secrets]):
        tx.emit(AccessChanged(workspace_id, ticket_id=ticket_id))


@requires(Permission.PORTAL_SEE)
def ask_for_links(tx: Tx, email: str) -> None:
    """Mail the address a link to each of its tickets. Says the same whether or not it has any.

    Raises Invalid for what isn't an address.
    """
    tx.enqueue(FRESH_LINKS, {"email": required_email(email)})


@requires(Permission.SYSTEM)
def issue_links(tx: Tx, email: str, secret: Callable[[UUID], str]) -> MailedLinks:
    """Links to the newest tickets of an address. `secret` says the one for a ticket, the same each time."""
    newest = store.of_email(tx, email, limit=LINKS_A_MAIL)
    links = [_issue(tx, ticket, secret(ticket.ticket_id))() for ticket in newest]
    known = store.count_of_email(tx, email, limit=LINKS_A_MAIL + OLDER_COUNTED)
    return MailedLinks([link for link in links if link], older=known - len(newest))


@requires(Permission.SYSTEM)
def issue_link(tx: Tx, ticket_id: UUID, secret: str) -> Link | None:
    """None when there is no such ticket, or the link was revoked since an earlier copy of the mail left."""
    ticket = store.ticket(tx, ticket_id)
    return _issue(tx, ticket, secret)() if ticket else None


@requires(Permission.SYSTEM)
def asking_confirmation(
    tx: Tx, job: Job, secret: str, thread: Callable[[], Thread | None]
) -> Callable[[], tuple[Callable[[], Link | None], str] | None]:
    """Where it is mailed that a ticket of this thread was opened, and the link into it: None if that was
    revoked, which is heard with the commit. None for no ticket. Asked with what is asked next.
    """
    ticket = store.asking_ticket(tx, UUID(job.payload["ticket_id"]))
    return lambda: _confirmation(tx, job, secret, ticket(), thread())


def _confirmation(
    tx: Tx, job: Job, secret: str, ticket: Ticket | None, thread: Thread | None
) -> tuple[Callable[[], Link | None], str] | None:
    if ticket is None:
        outgoing.drop(tx, job.job_id)
        return None
    link, to = _issue(tx, ticket, secret), threads.address_in(thread, ticket)
    if to != job.payload["email"]:  # for whom it was queued
        outgoing.take(tx, job, ticket, to=to)
    return link, to


def _issue(tx: Tx, ticket: Ticket, secret: str) -> Callable[[], Link | None]:
    """Asked with what is asked next. A mail that goes out again holds the same link, which then works as long
    as the mail says.
    """
    works = access_store.keep_link(
        tx,
        token_hash=hash_of(secret),
        ticket_id=ticket.ticket_id,
        email=ticket.email,
        expires_at=clock.now() + LINK_LIFE,
    )
    made = Link(ticket.ticket_id, ticket.number, ticket.email, secret, ticket.created_at)
    return lambda: made if works() else None


@requires(Permission.SYSTEM)
def unseen_replies(tx: Tx, job: Job, secret: str) -> UnseenReplies | None:
    """What agents said that the customer has neither seen here nor been mailed, with a link to it.

    The answers are this job's to mail from now on: another job finds none of them, and this one, when
    its run breaks off and it comes again, finds the same. Raises Overtaken.
    """
    outbox.hold(tx, job)
    ticket = store.lock_ticket(tx, UUID(job.payload["ticket_id"]))
    if ticket is None:
        return None
    mailed = job.payload.get("after", store.mailed_seq(tx, ticket.ticket_id))
    known = max(mailed, chat.seen_by_customer(tx, ticket.chat_room_id))
    upto = job.payload.get("upto")
    said = chat.answers(tx, ticket.chat_room_id, after=known, upto=upto, limit=REPLIES_A_MAIL)
    link = _issue(tx, ticket, secret)() if said.newest else None
    if link is None:
        outgoing.drop(tx, job.job_id)
        return None
    newest = said.newest[-1].seq
    outbox.remember(tx, job, after=mailed, upto=newest)
    store.set_mailed_seq(tx, ticket.ticket_id, newest)
    to = threads.address(tx, ticket)
    outgoing.take(tx, job, ticket, to=to, after=known, upto=newest)
    answered = _last_word(tx, ticket, before=said.newest[0].seq)
    return UnseenReplies(link, to, ticket.subject, said.newest, said.earlier, answered)


def _last_word(tx: Tx, ticket: Ticket, *, before: int) -> Message | None:
    """Of the customer's, if it is among the messages just above."""
    above = chat.history(tx, ticket.chat_room_id, before=before, limit=QUOTED_WITHIN).messages
    return next((each for each in reversed(above) if each.sender_type == "customer"), None)


@requires(Permission.TICKET_UPDATE)
def revoke_access(tx: Tx, ticket_id: UUID) -> None:
    """End every link and every browser's way into the ticket; open sockets close.

    The form that opened it is no way back in either: sent again, it opens another ticket. With the ticket
    locked, nobody is being let in at the same moment: a new grant refers to it.
    """
    if store.lock_ticket(tx, ticket_id) is None:
        raise UnknownTicket
    access_store.revoke_links(tx, ticket_id)
    access_store.delete_grants(tx, ticket_id)
    store.forget_form(tx, ticket_id)
    audit.record(tx, "access", ticket_id=ticket_id)
    tx.emit(AccessChanged(tx.workspace_id, ticket_id=ticket_id))


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what stopped working a month ago; says how much, nothing when it is all gone."""
    return access_store.delete_expired(tx, before=clock.now() - timedelta(days=30), limit=SWEEP_BATCH)
