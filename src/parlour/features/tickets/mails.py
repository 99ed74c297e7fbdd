"""The mails that a ticket's life sends, each a job: stored with what caused it, run at least once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.auto_reply import service as auto_reply
from parlour.features.tickets.enclosures import Encloser, Enclosures
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Link
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Letterhead
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.auto_reply import service as hours
from parlour.kernel.access import Actor
from parlour.kernel.messages import Message
from parlour.mail.post import Post
from parlour.mail.quoting import quotation
from parlour.mail.relay import TooLarge
from parlour.mail.send import Enclosed

AUTO_REPLIED = "auto-replied"


class TicketMails:
    def __init__(self, db: Database, post: Post, encloser: Encloser) -> None:
        self._db = db
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
        system, ticket_id = Actor.system(job.workspace_id), UUID(job.payload["ticket_id"])
        confirmed = await self._db.write(system, access.confirmation, job, self._secret(job, ticket_id))
        if confirmed:
            link, to = confirmed
            said = await self._db.read(system, hours.text_now)
            await self._send(job, "confirmation", to, link=link, auto_reply=said)

    async def auto_reply(self, job: Job) -> None:
        """What the workspace answers by itself, in the thread of the mail that it answers."""
        system, ticket_id = Actor.system(job.workspace_id), UUID(job.payload["ticket_id"])
        found = await self._db.write(system, auto_reply.to_mail, job)
        if found is None:
            return
        ticket, said = found
        head = await self._letterhead(system, ticket_id)
        context = {
            "workspace": await self._db.read(system, workspaces.workspace),
            "ticket": {"number": ticket.number},
            "thread": head.subject,
            "auto_reply": said,
        }
        headers = {**head.headers, "Auto-Submitted": AUTO_REPLIED}
        await self._post.send_about(ticket_id, job, "auto_reply", job.payload["email"], context, headers)

    async def fresh_links(self, job: Job) -> None:
        """To an address that somebody typed; silence when it has no tickets here."""
        system, email = Actor.system(job.workspace_id), job.payload["email"]
        mailed = await self._db.write(
            system, access.issue_links, email, lambda ticket_id: self._secret(job, ticket_id)
        )
        if mailed.links:
            to, counted = mailed.links[0].email, access.OLDER_COUNTED
            await self._send(
                job, "fresh_links", to, listed=mailed.links, older=mailed.older, older_counted=counted
            )

    async def unseen_replies(self, job: Job) -> None:
        """What agents said while the customer was away."""
        await self._mail_answers(job, "replies")

    async def first_word(self, job: Job) -> None:
        """What an agent began a ticket with; nothing when it was seen before the mail could leave."""
        await self._mail_answers(job, "first_word")

    async def copy(self, job: Job) -> None:
        """What an agent said, to somebody else who takes part by mail: without a way into the ticket."""
        system = Actor.system(job.workspace_id)
        copied = await self._db.write(system, participants.copy, job)
        if copied is None:
            return
        ticket = copied.ticket
        workspace = await self._db.read(system, workspaces.workspace)
        head = await self._letterhead(system, ticket.ticket_id)
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

        await self._with_files(system, copied.messages, send)

    async def merged(self, job: Job) -> None:
        """Where a ticket goes on, with a way in if that is the same customer's."""
        system, ticket_id = Actor.system(job.workspace_id), UUID(job.payload["ticket_id"])
        found = await self._db.write(system, merging.to_mail, job, self._secret(job, ticket_id))
        if found is None:
            return
        ticket, link = found
        to = job.payload.get("to") or job.payload["email"]  # jobs of the release before name none
        if link:
            await self._send(job, "merged", to, link=link)
            return
        workspace = await self._db.read(system, workspaces.workspace)
        headers = (await self._letterhead(system, ticket_id)).headers
        context = {
            "workspace": workspace,
            "ticket": {"number": ticket.number},
            "answerable": "Reply-To" in headers,
            "link": "",
        }
        await self._post.send_about(ticket_id, job, "merged", to, context, headers)

    async def _mail_answers(self, job: Job, template: str) -> None:
        system, ticket_id = Actor.system(job.workspace_id), UUID(job.payload["ticket_id"])
        unseen = await self._db.write(system, access.unseen_replies, job, self._secret(job, ticket_id))
        if unseen is None:
            return

        async def send(enclosures: Enclosures) -> None:
            await self._send(
                job,
                template,
                unseen.to,
                link=unseen.link,
                subject=unseen.subject,
                enclosed=list(enclosures.enclosed.values()),
                replies=[enclosures.said(message) for message in unseen.messages],
                earlier=unseen.earlier,
                quoted=quotation(unseen.answered) if unseen.answered else None,
            )

        await self._with_files(system, unseen.messages, send)

    async def _with_files(
        self, system: Actor, messages: Sequence[Message], send: Callable[[Enclosures], Awaitable[None]]
    ) -> None:
        """A mail that is too large with them goes without."""
        enclosures = await self._encloser.of(system, messages)
        try:
            await send(enclosures)
        except TooLarge:
            if not enclosures.enclosed:
                raise
            await send(enclosures.without_files())

    async def _letterhead(self, system: Actor, ticket_id: UUID) -> Letterhead:
        anchor = self._post.anchor(ticket_id)
        return await self._db.read(system, threads.letterhead, ticket_id, anchor=anchor)

    def _secret(self, job: Job, ticket_id: UUID) -> str:
        return self._post.secret(job, ticket_id)

    async def _send(
        self,
        job: Job,
        template: str,
        to: str,
        *,
        link: Link | None = None,
        listed: Sequence[Link] = (),
        subject: str = "",
        enclosed: Sequence[Enclosed] = (),
        **context: Any,
    ) -> None:
        """`subject` is the ticket's, for mails about what an agent has said: it is no stranger's any more."""
        system = Actor.system(job.workspace_id)
        workspace = await self._db.read(system, workspaces.workspace)
        portal = f"{self._post.base_url}/support/{workspace.slug}"
        context |= {"workspace": workspace, "portal": portal, "days": access.LINK_LIFE.days}
        context["tickets"] = [_facts(portal, one) for one in listed]
        if link is None:
            await self._post.send(job, template, to, **context)
            return
        head = await self._letterhead(system, link.ticket_id)
        headers = dict(head.headers)
        if subject:
            headers["Auto-Submitted"] = "no"
        elif context.get("auto_reply"):
            headers["Auto-Submitted"] = AUTO_REPLIED
        context |= {"answerable": "Reply-To" in headers, **_facts(portal, link)}
        context |= {"ticket": {"number": link.number, "subject": subject}, "thread": head.subject}
        context |= {"called": head.called or workspace.name}
        if "replies" in context:
            agent = context["replies"][-1]["sender_name"]
            context["signature"] = head.signed_by(agent, workspace.name)
        await self._post.send_about(link.ticket_id, job, template, to, context, headers, enclosed)


def _facts(portal: str, link: Link) -> dict[str, Any]:
    """A secret stands in the link's fragment: no server, proxy or log on the way ever sees it."""
    way_in = {"link": f"{portal}/access#{link.token}", "code": link.token}
    return {"number": link.number, "opened_at": link.opened_at, **way_in}
