"""What a member was told of and has not seen two minutes later goes by mail, bundled, each line once.

Each line that begins stores a job for its moment. The job whose turn comes mails whatever is due by then;
as long as younger lines wait, it leaves all of them to the job of the last, but for no more than PATIENCE.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from parlour.db import outbox
from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.chat import service as chat
from parlour.features.tickets import store as tickets_store
from parlour.features.tickets.models import Status, TicketRow
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications import store
from parlour.features.tickets.notifications.mailing import store as mailing_store
from parlour.features.tickets.notifications.mailing.store import Waiting
from parlour.features.tickets.notifications.models import Chosen, Kind, Line
from parlour.features.tickets.rows import store as rows_store
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.messages import Message
from parlour.mail.post import Post

PATIENCE = timedelta(minutes=3)
LOOKED_AT = 200
"""Lines that one mail takes in at most; the next one takes those behind them."""
LINES_A_MAIL = 10
MEMBERS_AT_ONCE = 50
CLOCKS_DIFFER = timedelta(seconds=10)
"""Tickets know when they were opened by their node's clock, jobs are due by the database's."""


class Asked(Struct, frozen=True):
    """What a customer said, which the member may answer by answering the mail, at that address of ours."""

    user_id: UUID
    answer_to: str
    said: Message


class Unseen(Struct, frozen=True):
    """A mail: its lines with their tickets, the newest first, and how many more there are. `asked`: what it
    is about, if that can be answered.
    """

    email: str
    lines: Sequence[tuple[Line, TicketRow]]
    more: int
    asked: Asked | None = None


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
    asked = _asked(tx, hearer, about) if len(lines) == len(about) else None
    return Unseen(hearer.email, about, len(lines) - len(about), asked)


def _asked(tx: Tx, hearer: store.Hearer, about: Sequence[tuple[Line, TicketRow]]) -> Asked | None:
    """None where it is about several tickets, the newest word is not the customer's, or no mail comes in."""
    _, ticket = about[0]
    alone = all(other.ticket_id == ticket.ticket_id for _, other in about)
    if not alone or all(line.kind is not Kind.ANSWERED for line, _ in about):
        return None
    addresses = mailboxes.every(tx)
    if not addresses or workspaces.role_of(tx, hearer.user_id) in (None, Role.VIEWER):
        return None
    newest = chat.history(tx, ticket.chat_room_id, limit=1).messages
    if not newest or newest[0].sender_type != "customer":
        return None
    return Asked(hearer.user_id, addresses[0].address, newest[0])


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
        context = {
            "workspace": workspace,
            "lines": [_about(line, ticket, desk) for line, ticket in found.lines],
            "more": found.more,
            "desk": desk,
        }
        if found.asked and self._post.verifies:
            await self._ask(job, found, found.asked, context)
        else:
            await self._post.send(job, "told", found.email, **context)

    async def _ask(self, job: Job, found: Unseen, asked: Asked, context: Mapping[str, Any]) -> None:
        """A mail that can be answered, which says so and holds what it is about."""
        _, ticket = found.lines[0]
        said = {"content": asked.said.content, "customer": ticket.email}
        headers = {"Reply-To": asked.answer_to}
        await self._post.send_about(
            ticket.ticket_id,
            job,
            "told",
            found.email,
            {**context, "asked": said},
            headers,
            told=asked.user_id,
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
