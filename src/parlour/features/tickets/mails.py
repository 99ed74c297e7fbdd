"""The mails that a ticket's life sends, each a job: stored with what caused it, run at least once."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from msgspec import Struct

from parlour.db.database import Database, Tx, Unit
from parlour.db.outbox import Job
from parlour.db.together import Together
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.auto_reply import service as auto_reply
from parlour.features.tickets.enclosures import Encloser, Enclosures
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Link
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Letterhead, Thread
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.auto_reply import service as hours
from parlour.features.workspaces.models import Portal
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.messages import Message
from parlour.mail.post import Post
from parlour.mail.quoting import quotation
from parlour.mail.relay import TooLarge
from parlour.mail.send import Enclosed

AUTO_REPLIED = "auto-replied"
P = ParamSpec("P")
R = TypeVar("R")


class Paper(Struct, frozen=True):
    """What a mail about a ticket is written on."""

    workspace: Portal
    head: Letterhead


Papers = Callable[[Thread | None, UUID], Paper]
"""Says what a mail about the ticket of this thread is written on."""
Confirmation = tuple[tuple[Callable[[], Link | None], str], Paper]
"""The link, if it works, and whom it is mailed to."""


class TicketMails:
    def __init__(self, db: Database, post: Post, encloser: Encloser) -> None:
        self._db = db
        self._confirming = Together(db, self._confirmations)
        self._post = post
        self._encloser = encloser
        self.handlers = {
            tickets.CONFIRMATION: self.confirm,
            access.FRESH_LINKS: self.fresh_links,
            tickets.UNSEEN_REPLIES: self.unseen_replies,
            tickets.FIRST_WORD: self.first_word,
            participants.COPY: self.copy,
            merging.MERGED: self.merged,
            auto_reply.AUTO_REPLY: self.auto_reply,
        }
        self.followers = dict.fromkeys(self.handlers.keys() - {access.FRESH_LINKS}, outgoing.follow)

    async def confirm(self, job: Job) -> None:
        """To whoever opened the ticket. Holds nothing that a visitor typed: it may go to a stranger."""
        found = await self._confirming.write(job)
        if found is None:
            return
        (issued, to), paper = found
        link = issued()
        if link is None:
            await self._db.write(Actor.system(job.workspace_id), outgoing.drop, job.job_id)
            return
        said = hours.text_at(paper.workspace.settings.auto_reply, clock.now())
        await self._send_link(job, "confirmation", to, link, paper, auto_reply=said)

    def _confirmations(self, tx: Tx, jobs: Sequence[Job]) -> Sequence[Confirmation | None]:
        """All of them ask before the first one answers, so that they are waited for together; what all mails
        of a workspace are written on is asked once.
        """
        papers: dict[UUID | None, Papers] = {}
        asked = []
        for job in jobs:
            there = tx.acting_as(Actor.system(job.workspace_id))
            if job.workspace_id not in papers:
                papers[job.workspace_id] = self._asking_papers(there)
            asked.append(self._asking_confirmation(there, job, papers[job.workspace_id]))
        return [answer() for answer in asked]

    def _asking_confirmation(self, tx: Tx, job: Job, papers: Papers) -> Callable[[], Confirmation | None]:
        ticket_id = UUID(job.payload["ticket_id"])
        thread = threads.asking_of_ticket(tx, ticket_id)
        confirmation = access.asking_confirmation(tx, job, self._secret(job, ticket_id), thread)

        def confirmed() -> Confirmation | None:
            found = confirmation()
            return (found, papers(thread(), ticket_id)) if found else None

        return confirmed

    async def auto_reply(self, job: Job) -> None:
        """What the workspace answers by itself, in the thread of the mail that it answers."""
        found = await self._on_paper(job, auto_reply.to_mail, job)
        if found is None:
            return
        (ticket, said), paper = found
        context = {
            "workspace": paper.workspace,
            "ticket": {"number": ticket.number},
            "thread": paper.head.subject,
            "auto_reply": said,
        }
        headers = {**paper.head.headers, "Auto-Submitted": AUTO_REPLIED}
        await self._post.send_about(
            ticket.ticket_id, job, "auto_reply", job.payload["email"], context, headers
        )

    async def fresh_links(self, job: Job) -> None:
        """To an address that somebody typed; silence when it has no tickets here."""
        system, email = Actor.system(job.workspace_id), job.payload["email"]
        mailed = await self._db.write(
            system, access.issue_links, email, lambda ticket_id: self._secret(job, ticket_id)
        )
        if not mailed.links:
            return
        workspace = await self._db.read(system, workspaces.workspace)
        portal = self._portal(workspace)
        context = {
            **_about_access(workspace, portal),
            "tickets": [_facts(portal, one) for one in mailed.links],
            "older": mailed.older,
            "older_counted": access.OLDER_COUNTED,
        }
        await self._post.send(job, "fresh_links", mailed.links[0].email, **context)

    async def unseen_replies(self, job: Job) -> None:
        """What agents said while the customer was away."""
        await self._mail_answers(job, "replies")

    async def first_word(self, job: Job) -> None:
        """What an agent began a ticket with; nothing when it was seen before the mail could leave."""
        await self._mail_answers(job, "first_word")

    async def copy(self, job: Job) -> None:
        """What an agent said, to somebody else who takes part by mail: without a way into the ticket."""
        found = await self._on_paper(job, participants.copy, job)
        if found is None:
            return
        copied, paper = found
        ticket, workspace, head = copied.ticket, paper.workspace, paper.head
        headers = {**head.headers, "Auto-Submitted": "no"}
        context = {
            "workspace": workspace,
            "ticket": {"number": ticket.number, "subject": ticket.subject},
            "thread": head.subject,
            "called": head.called or workspace.name,
            "signature": head.signed_by(copied.messages[-1].sender_name, workspace.name),
            "answerable": "Reply-To" in headers,
        }

        async def send(enclosures: Enclosures) -> None:
            said = [enclosures.said(message) for message in copied.messages]
            about = {**context, "replies": said}
            files = list(enclosures.enclosed.values())
            await self._post.send_about(ticket.ticket_id, job, "copy", copied.email, about, headers, files)

        await self._with_files(job, copied.messages, send)

    async def merged(self, job: Job) -> None:
        """Where a ticket goes on, with a way in if that is the same customer's."""
        ticket_id = UUID(job.payload["ticket_id"])
        found = await self._on_paper(job, merging.to_mail, job, self._secret(job, ticket_id))
        if found is None:
            return
        (ticket, link), paper = found
        to = job.payload.get("to") or job.payload["email"]  # jobs of the release before name none
        if link:
            await self._send_link(job, "merged", to, link, paper)
            return
        headers = paper.head.headers
        context = {
            "workspace": paper.workspace,
            "ticket": {"number": ticket.number},
            "answerable": "Reply-To" in headers,
            "link": "",
        }
        await self._post.send_about(ticket_id, job, "merged", to, context, headers)

    async def _mail_answers(self, job: Job, template: str) -> None:
        ticket_id = UUID(job.payload["ticket_id"])
        found = await self._on_paper(job, access.unseen_replies, job, self._secret(job, ticket_id))
        if found is None:
            return
        unseen, paper = found

        async def send(enclosures: Enclosures) -> None:
            await self._send_link(
                job,
                template,
                unseen.to,
                unseen.link,
                paper,
                subject=unseen.subject,
                enclosed=list(enclosures.enclosed.values()),
                replies=[enclosures.said(message) for message in unseen.messages],
                earlier=unseen.earlier,
                quoted=quotation(unseen.answered) if unseen.answered else None,
            )

        await self._with_files(job, unseen.messages, send)

    async def _with_files(
        self, job: Job, messages: Sequence[Message], send: Callable[[Enclosures], Awaitable[None]]
    ) -> None:
        """A mail that is too large with them goes without."""
        enclosures = await self._encloser.of(Actor.system(job.workspace_id), messages)
        try:
            await send(enclosures)
        except TooLarge:
            if not enclosures.enclosed:
                raise
            await send(enclosures.without_files())

    async def _on_paper(
        self, job: Job, unit: Unit[P, R | None], /, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[R, Paper] | None:
        """What the unit finds for the mail of the job, if anything, and what that is written on."""
        ticket_id = UUID(job.payload["ticket_id"])

        def look(tx: Tx) -> tuple[R, Paper] | None:
            papers, thread = self._asking_papers(tx), threads.asking_of_ticket(tx, ticket_id)
            found = unit(tx, *args, **kwargs)
            return None if found is None else (found, papers(thread(), ticket_id))

        return await self._db.write(Actor.system(job.workspace_id), look)

    def _asking_papers(self, tx: Tx) -> Papers:
        """Asked with what is asked next."""
        workspace, head = cache(workspaces.asking_workspace(tx)), threads.asking_letterheads(tx)
        return lambda thread, ticket_id: Paper(workspace(), head(thread, self._post.anchor(ticket_id)))

    def _secret(self, job: Job, ticket_id: UUID) -> str:
        return self._post.secret(job, ticket_id)

    def _portal(self, workspace: Portal) -> str:
        return f"{self._post.base_url}/support/{workspace.slug}"

    async def _send_link(
        self,
        job: Job,
        template: str,
        to: str,
        link: Link,
        paper: Paper,
        *,
        subject: str = "",
        enclosed: Sequence[Enclosed] = (),
        **context: Any,
    ) -> None:
        """`subject` is the ticket's, for mails about what an agent has said: it is no stranger's any more."""
        workspace, head = paper.workspace, paper.head
        portal = self._portal(workspace)
        headers = dict(head.headers)
        if subject:
            headers["Auto-Submitted"] = "no"
        elif context.get("auto_reply"):
            headers["Auto-Submitted"] = AUTO_REPLIED
        context |= _about_access(workspace, portal)
        context |= {"answerable": "Reply-To" in headers, **_facts(portal, link)}
        context |= {"ticket": {"number": link.number, "subject": subject}, "thread": head.subject}
        context |= {"called": head.called or workspace.name}
        if "replies" in context:
            agent = context["replies"][-1]["sender_name"]
            context["signature"] = head.signed_by(agent, workspace.name)
        await self._post.send_about(link.ticket_id, job, template, to, context, headers, enclosed)


def _about_access(workspace: Portal, portal: str) -> dict[str, Any]:
    return {"workspace": workspace, "portal": portal, "days": access.LINK_LIFE.days}


def _facts(portal: str, link: Link) -> dict[str, Any]:
    """A secret stands in the link's fragment: no server, proxy or log on the way ever sees it."""
    way_in = {"link": f"{portal}/access#{link.token}", "code": link.token}
    return {"number": link.number, "opened_at": link.opened_at, **way_in}
