"""The mails that a ticket's life sends, each a job: stored with what caused it, run at least once."""

from typing import Any
from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.models import Link
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor
from parlour.mail.compose import Renderer, compose, message_id
from parlour.mail.send import Mailer
from parlour.settings import Settings


class Mails:
    def __init__(self, db: Database, render: Renderer, mailer: Mailer, settings: Settings) -> None:
        self._db = db
        self._render = render
        self._mailer = mailer
        self._settings = settings
        self.handlers = {
            tickets.CONFIRMATION: self.confirm,
            access.FRESH_LINKS: self.fresh_links,
            tickets.UNSEEN_REPLIES: self.unseen_replies,
        }

    async def confirm(self, job: Job) -> None:
        """To whoever opened the ticket. Holds nothing that a visitor typed: it may go to a stranger."""
        system = Actor.system(job.workspace_id)
        link = await self._db.write(system, access.issue_link, UUID(job.payload["ticket_id"]))
        if link:
            workspace = await self._db.read(system, workspaces.workspace)
            await self._send(job, "confirmation", link.email, workspace, **self._facts(workspace, link))

    async def fresh_links(self, job: Job) -> None:
        """To an address that somebody typed; silence when it has no tickets here."""
        system = Actor.system(job.workspace_id)
        links = await self._db.write(system, access.issue_links, job.payload["email"])
        if links:
            workspace = await self._db.read(system, workspaces.workspace)
            listed = [
                {"number": link.number, "opened_at": link.opened_at, **self._facts(workspace, link)}
                for link in links
            ]
            await self._send(job, "fresh_links", links[0].email, workspace, tickets=listed)

    async def unseen_replies(self, job: Job) -> None:
        """What agents said while the customer was away."""
        system = Actor.system(job.workspace_id)
        unseen = await self._db.write(system, access.unseen_replies, job)
        if unseen:
            workspace = await self._db.read(system, workspaces.workspace)
            facts = self._facts(workspace, unseen.link)
            await self._send(job, "replies", unseen.link.email, workspace, replies=unseen.messages, **facts)

    def _portal(self, workspace: Workspace) -> str:
        return f"{self._settings.base_url}/support/{workspace.slug}"

    def _facts(self, workspace: Workspace, link: Link) -> dict[str, Any]:
        """The secret stands in the fragment: no server, proxy or log on the way ever sees it."""
        return {
            "ticket": {"number": link.number},
            "link": f"{self._portal(workspace)}/access#{link.token}",
            "code": link.token,
        }

    async def _send(self, job: Job, template: str, to: str, workspace: Workspace, **context: Any) -> None:
        facts = {
            "workspace": workspace,
            "portal": self._portal(workspace),
            "days": access.LINK_LIFE.days,
            **context,
        }
        known_as = message_id(job.job_id, self._settings.mail_host)
        await self._mailer.send(compose(self._render, template, to, known_as, facts))
