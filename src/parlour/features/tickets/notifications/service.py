"""What members are told of: who hears it, what they have read, and when it is forgotten.

It is written with what caused it. A ticket that comes new and is nobody's is written down for nobody: whoever
wants to hear of those finds them among the tickets, as long as they are new and nobody's.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.tickets.models import Ticket, TicketRow
from parlour.features.tickets.notifications import store
from parlour.features.tickets.notifications.models import Bell, Chosen, Kind, Line, Lines, Place
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.events import BellRang

PAGE = 20
KEPT = timedelta(days=30)
MAIL = "mail.told"
MAIL_AFTER = timedelta(minutes=2)
NEWS = "tickets.tell_of_new"
FORGET = "tickets.forget_told"
FORGOTTEN_AT_ONCE = 500
SWEEP_BATCH = 500


@requires(Permission.PORTAL_SEE)
def tell(tx: Tx, kind: Kind, user_ids: Collection[UUID], tickets: Sequence[Ticket]) -> None:
    """Let these members know, as far as they want to; nobody hears of what they did themselves."""
    others = set(user_ids) - {tx.actor.user_id}
    if not others or not tickets:
        return
    system = tx.as_system()
    ticket_ids = [ticket.ticket_id for ticket in tickets]
    for hearer in sorted(store.hearers(system, others), key=lambda each: str(each.user_id)):
        if not _may_hear(hearer.role, kind) or not Chosen.of(hearer.told).hears(kind):
            continue
        mail_after = MAIL_AFTER if Chosen.of(hearer.told).by_mail(kind) else None
        began = store.tell(system, kind, hearer, ticket_ids, by_name=tx.actor.name, mail_after=mail_after)
        if began and mail_after:
            tx.enqueue(MAIL, {"user_id": str(hearer.user_id), "email": hearer.email}, after=mail_after)
        for ticket in tickets:
            tx.emit(BellRang(tx.workspace_id, hearer.user_id, kind.value, ticket.ticket_id, ticket.number))


def _may_hear(role: Role, kind: Kind) -> bool:
    """Whoever may only look has no tickets, and need not take any."""
    return kind is Kind.MENTIONED or role is not Role.VIEWER


@requires(Permission.TICKET_UPDATE)
def withdraw(tx: Tx, tickets: Sequence[Ticket], holder: UUID | None) -> None:
    """They were somebody's, and are the holder's from now on, or nobody's: what the others have not read yet
    is not about them any more.
    """
    theirs = [ticket.ticket_id for ticket in tickets if ticket.assignee_id]
    for user_id in sorted(store.withdraw(tx.as_system(), theirs, holder), key=str) if theirs else ():
        tx.emit(BellRang(tx.workspace_id, user_id))


def bell_of(role: Role, user_id: UUID, told: int, read_at: datetime | None) -> Bell:
    news = Chosen.of(told).hears(Kind.UNASSIGNED) and _may_hear(role, Kind.UNASSIGNED)
    return Bell(user_id, news, read_at)


def bell_for(hearer: store.Hearer) -> Bell:
    return bell_of(hearer.role, hearer.user_id, hearer.told, hearer.bell_read_at)


def done_by(line: Line, ticket: TicketRow) -> str:
    """Whose doing a line tells of: a customer is called as their tickets call them now."""
    by_customer = line.kind in (Kind.ANSWERED, Kind.UNASSIGNED)
    return ticket.customer_name or ticket.email if by_customer else line.by_name


@requires(Permission.PORTAL_SEE)
def asking_news(tx: Tx) -> Callable[[], bool]:
    """Whether anybody wants to hear of a new ticket by mail."""
    return store.asking_news(tx.as_system())


@requires(Permission.PORTAL_SEE)
def expect(tx: Tx, ticket: Ticket, *, wanted: bool) -> None:
    """A customer has opened a ticket: whoever wants to hear of it by mail will, if nobody takes it before."""
    if wanted:
        tx.enqueue(NEWS, {"ticket_id": str(ticket.ticket_id)}, after=MAIL_AFTER)


@requires(Permission.NOTIFICATION_READ)
def page(tx: Tx, bell: Bell, before: Place | None = None) -> Lines:
    """What the actor was told of in the last 30 days, the newest first."""
    since = clock.now() - KEPT
    found = store.lines(tx, bell, since=since, before=before, limit=PAGE + 1)
    if bell.news:
        new = store.news(tx, bell, since=since)
        found += [line for line in new if before is None or line.place < before]
        found.sort(key=lambda line: line.place, reverse=True)
    more = len(found) > PAGE
    return Lines(found[:PAGE], found[PAGE - 1].place if more else None)


@requires(Permission.NOTIFICATION_READ)
def read_ticket(tx: Tx, ticket_id: UUID) -> None:
    """The actor has looked at the ticket, and so read whatever was told of it."""
    read = store.reading_ticket(tx, tx.user_id, ticket_id)
    tx.emit_asked(lambda: [BellRang(tx.workspace_id, tx.user_id)] if read() else [])


@requires(Permission.NOTIFICATION_READ)
def read_all(tx: Tx, upto: datetime) -> None:
    """All that the actor was told of up to that moment, of which there may be no end, by one mark."""
    if store.read_all(tx.as_system(), tx.user_id, min(upto, clock.now())):
        tx.emit(BellRang(tx.workspace_id, tx.user_id))


@requires(Permission.NOTIFICATION_READ)
def choose(tx: Tx, chosen: Chosen) -> None:
    store.choose(tx.as_system(), tx.user_id, chosen.told)


@requires(Permission.WORKSPACE_SEE)
def forget(tx: Tx, user_id: UUID) -> None:
    """Whoever leaves takes nothing along, and finds nothing should they come back. The rest goes by a job."""
    now = clock.now()
    if forget_some(tx.as_system(), user_id, now):
        tx.enqueue(FORGET, {"user_id": str(user_id), "before": now.isoformat()})


@requires(Permission.SYSTEM)
def forget_some(tx: Tx, user_id: UUID, before: datetime) -> bool:
    """Of what the person was told until then; says whether there is more."""
    return store.forget(tx, user_id, before=before, limit=FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what is too old to be shown; says how much, nothing when it is all gone."""
    return store.delete_old(tx, before=clock.now() - KEPT, limit=SWEEP_BATCH)


class NotificationJobs:
    """A run that broke off is taken up where it was."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {FORGET: self.forget}

    async def forget(self, job: Job) -> None:
        system, user_id = Actor.system(job.workspace_id), UUID(job.payload["user_id"])
        before = datetime.fromisoformat(job.payload["before"])
        while await self._db.write(system, forget_some, user_id, before):
            pass
