"""What a member was told of and has not seen two minutes later goes by mail, bundled, each line once.

Each line that begins stores a job for its moment. The job whose turn comes mails whatever is due by then;
as long as younger lines wait, it leaves all of them to the job of the last, but for no more than PATIENCE.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.tickets import store as tickets_store
from parlour.features.tickets.models import Status, TicketRow
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications import store
from parlour.features.tickets.notifications.mailing import store as mailing_store
from parlour.features.tickets.notifications.mailing.store import Waiting
from parlour.features.tickets.notifications.models import Chosen, Kind, Line
from parlour.features.tickets.rows import store as rows_store
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.mail.post import Post

PATIENCE = timedelta(minutes=3)
LOOKED_AT = 200
"""Lines that one mail takes in at most; the next one takes those behind them."""
LINES_A_MAIL = 10
MEMBERS_AT_ONCE = 50
CLOCKS_DIFFER = timedelta(seconds=10)
"""Tickets know when they were opened by their node's clock, jobs are due by the database's."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A mail: its lines with their tickets, the newest first, and how many more there are."""

    email: str
    lines: Sequence[tuple[Line, TicketRow]]
    more: int


@requires(Permission.SYSTEM)
def unseen(tx: Tx, job: Job) -> Unseen | None:
    """What this job is to mail; None when there is nothing, or not yet.

    The lines are this job's from now on: another one finds none of them, and this one, when its run breaks
    off and it comes again, finds the same, less what was read meanwhile. Raises Overtaken.
    """
    outbox.hold(tx, job)
    user_id = UUID(job.payload["user_id"])
    mailing_store.one_at_a_time(tx, user_id)
    [*found] = store.hearers(tx, [user_id])
    if not found:
        return None
    [hearer] = found
    lines = _again(tx, hearer, job.payload["lines"]) if "lines" in job.payload else _due(tx, hearer)
    chosen = Chosen.of(hearer.told)
    lines = [line for line in lines if chosen.by_mail(line.kind) and store.is_new_to(hearer, line)]
    if not lines:
        return None
    _take(tx, user_id, lines)
    outbox.remember(tx, job, lines=[[line.kind.value, str(line.ticket_id)] for line in lines])
    newest = sorted(lines, key=lambda line: line.at, reverse=True)[:LINES_A_MAIL]
    rows = {row.ticket_id: row for row in rows_store.these(tx, [line.ticket_id for line in newest])}
    about = [(line, rows[line.ticket_id]) for line in newest]
    return Unseen(hearer.email, about, len(lines) - len(about))


def _due(tx: Tx, hearer: store.Hearer) -> list[Line]:
    waiting = mailing_store.waiting(tx, hearer.user_id, patience=PATIENCE, limit=LOOKED_AT)
    if Chosen.of(hearer.told).by_mail(Kind.UNASSIGNED):
        waiting += _news(tx, hearer)
    if not all(each.due for each in waiting) and not any(each.overdue for each in waiting):
        return []
    return [each.line for each in waiting if each.due]


def _news(tx: Tx, hearer: store.Hearer) -> list[Waiting]:
    """New tickets that are nobody's, of which the person has neither seen anything nor been mailed."""
    now = clock.now() + CLOCKS_DIFFER - notifications.MAIL_AFTER
    since = mailing_store.news_mailed_at(tx, hearer.user_id) or now - PATIENCE - notifications.MAIL_AFTER
    return [
        Waiting(line, due=line.at <= now, overdue=line.at <= now - PATIENCE)
        for line in store.news(tx, notifications.bell_for(hearer), since=since)
        if not line.read
    ]


def _again(tx: Tx, hearer: store.Hearer, remembered: Sequence[Sequence[str]]) -> list[Line]:
    wanted = {(Kind(kind), UUID(ticket_id)) for kind, ticket_id in remembered}
    since = clock.now() - notifications.KEPT
    news = store.news(tx, notifications.bell_for(hearer), since=since)
    unread = mailing_store.unread(tx, hearer.user_id, [ticket_id for _, ticket_id in wanted])
    found = [*unread, *(line for line in news if not line.read)]
    return [line for line in found if (line.kind, line.ticket_id) in wanted]


def _take(tx: Tx, user_id: UUID, lines: Sequence[Line]) -> None:
    for kind in {line.kind for line in lines} - {Kind.UNASSIGNED}:
        mailing_store.take(tx, user_id, kind, [line.ticket_id for line in lines if line.kind is kind])
    news: list[datetime] = [line.at for line in lines if line.kind is Kind.UNASSIGNED]
    if news:
        mailing_store.set_news_mailed_at(tx, user_id, max(news))


@requires(Permission.SYSTEM)
def tell_of_new(tx: Tx, ticket_id: UUID, after: UUID | None) -> UUID | None:
    """The next members who want to hear by mail of a new ticket, if it still is nobody's: a job for each.

    Returns the last of them; None when there are no more.
    """
    ticket = tickets_store.ticket(tx, ticket_id)
    if ticket is None or ticket.status is not Status.NEW or ticket.assignee_id:
        return None
    members = store.wanting_news(tx, after=after, limit=MEMBERS_AT_ONCE)
    for user_id in members:
        tx.enqueue(notifications.MAIL, {"user_id": str(user_id)})
    return members[-1] if len(members) == MEMBERS_AT_ONCE else None


class NotificationMails:
    def __init__(self, db: Database, post: Post) -> None:
        self._db = db
        self._post = post
        self.handlers = {notifications.MAIL: self.unseen, notifications.NEWS: self.tell_of_new}

    async def tell_of_new(self, job: Job) -> None:
        """A run that breaks off begins again: whoever has a second job then finds nothing left in it."""
        system, ticket_id = Actor.system(job.workspace_id), UUID(job.payload["ticket_id"])
        after = await self._db.write(system, tell_of_new, ticket_id, None)
        while after:
            after = await self._db.write(system, tell_of_new, ticket_id, after)

    async def unseen(self, job: Job) -> None:
        """To a member, with a link to each ticket; whoever follows one still has to be signed in."""
        system = Actor.system(job.workspace_id)
        found = await self._db.write(system, unseen, job)
        if found is None:
            return
        workspace = await self._db.read(system, workspaces.workspace)
        desk = f"{self._post.base_url}/workspace/{workspace.workspace_id}"
        await self._post.send(
            job,
            "told",
            found.email,
            workspace=workspace,
            lines=[_about(line, ticket, desk) for line, ticket in found.lines],
            more=found.more,
            desk=desk,
        )


def _about(line: Line, ticket: TicketRow, desk: str) -> dict[str, Any]:
    return {
        "kind": line.kind.value,
        "times": line.times,
        "who": notifications.done_by(line, ticket),
        "number": ticket.number,
        "subject": ticket.subject,
        "link": f"{desk}/tickets/{ticket.ticket_id}",
    }
