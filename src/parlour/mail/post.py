"""From a job to a mail: what every mail needs, whatever it is about."""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.addresses import ascii_host
from parlour.kernel.secrets import derived_secret
from parlour.mail.compose import Renderer, compose
from parlour.mail.relay import RelayRefuses
from parlour.mail.send import Enclosed, Mailer
from parlour.mail.threads import message_id, number_in
from parlour.settings import Settings

GIVEN_UP_WITHIN = 60.0
"""Seconds from the refusal of a mail to the end of its job, by far."""


class OwnServers(Protocol):
    async def of(self, workspace_id: UUID, address: str) -> Mailer | None:
        """By what mails leave whose answers are asked back there; None: by the house's. Raises Postponed."""

    async def close(self) -> None: ...


class Post:
    """Composes mails, nearly all of them of jobs, and hands them to the mailer."""

    def __init__(
        self,
        db: Database,
        render: Renderer,
        mailer: Mailer,
        settings: Settings,
        own_servers: OwnServers | None = None,
    ) -> None:
        self._db = db
        self._render = render
        self._mailer = mailer
        self._own_servers = own_servers
        self._settings = settings
        self._wronged: dict[UUID, float] = {}
        """Jobs to be taken back, and how long each may still be on its way to being given up."""

    @property
    def base_url(self) -> str:
        return self._settings.base_url

    @property
    def verifies(self) -> bool:
        """Whether our own mail server says of what comes in whom it vouches for."""
        return bool(self._settings.mail_authserv_id)

    @property
    def key(self) -> bytes:
        """For secrets that stand in other places than one job's mail."""
        return self._settings.secret_key

    @property
    def refusing(self) -> bool:
        """Whether the server refused the last mail for reasons that are not its recipient's."""
        return self._mailer.refusing

    def secret(self, job: Job, about: object = "") -> str:
        """The secret in this job's mail: the same in every attempt, so that every copy opens the same."""
        return derived_secret(self._settings.secret_key, "mail", str(job.job_id), str(about))

    def anchor(self, ticket_id: UUID) -> str:
        """What all mails about a ticket can refer to: the Message-ID that a mail of its own id would have."""
        return message_id(ticket_id, self._settings.mail_host, ticket_id, self._settings.secret_key)

    async def close(self) -> None:
        """Leave the mail servers, as far as no mail is being sent."""
        await self._mailer.close()
        if self._own_servers:
            await self._own_servers.close()

    async def send(self, job: Job, template: str, to: str, **context: Any) -> None:
        """Raises Undeliverable, Postponed."""
        await self._hand_over(job.job_id, template, to, context)

    async def send_about(
        self,
        ticket_id: UUID,
        job: Job,
        template: str,
        to: str,
        context: Mapping[str, Any],
        headers: Mapping[str, str],
        enclosed: Sequence[Enclosed] = (),
        told: UUID | None = None,
    ) -> None:
        """A mail whose answer belongs to the ticket; that of the member who is `told`, as theirs. Raises what
        `send` raises.

        It comes from where its answers are asked, if that is in the domain that mails are sent from: of no
        other one does the mail server have to know anything. What customers get leaves by the mailbox's own
        server, where it has one, and by no other when that one fails.
        """
        asked = headers.get("Reply-To", "")
        own = None if told else await self._own_server(job.workspace_id, asked)
        ours = own or (asked and _domain(asked) == _domain(self._settings.mail_from))
        facts = (ticket_id, headers, asked if ours else "", told, enclosed)
        await self._hand_over(job.job_id, template, to, context, *facts, by=own)

    async def _own_server(self, workspace_id: UUID | None, address: str) -> Mailer | None:
        if self._own_servers is None or workspace_id is None or not address:
            return None
        return await self._own_servers.of(workspace_id, address)

    async def try_out(self, template: str, to: str, *, at: str = "", **context: Any) -> None:
        """A mail of no job, which somebody waits for; what its answer says of others counts as ever. It
        leaves as answers do that are asked back to `at`, an address of the workspace.

        Raises what `send` raises.
        """
        own = await self._own_server(context["workspace"].workspace_id, at) if at else None
        await (own or self._mailer).close()  # to connect is tried, too
        await self._hand_over(clock.new_id(), template, to, context, sender=at if own else "", by=own)

    async def _hand_over(
        self,
        number: UUID,
        template: str,
        to: str,
        context: Mapping[str, Any],
        about: UUID | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        sender: str = "",
        told: UUID | None = None,
        enclosed: Sequence[Enclosed] = (),
        by: Mailer | None = None,
    ) -> None:
        known_as = message_id(number, self._settings.mail_host, about, self._settings.secret_key, told)
        mail = compose(self._render, template, to, known_as, context, headers, sender, enclosed)
        await self._take_back_wronged()
        try:
            await (by or self._mailer).send(mail)
        except RelayRefuses as refusal:
            until = time.monotonic() + GIVEN_UP_WITHIN
            self._wronged |= {number_in(one): until for one in refusal.wronged if one != known_as}
            await self._take_back_wronged()
            raise

    async def _take_back_wronged(self) -> None:
        """What was given up before it was plain that the server refuses everybody is tried again, too.

        Another slot may just be about to give one up: the next mail looks again.
        """
        now = time.monotonic()
        self._wronged = {job_id: until for job_id, until in self._wronged.items() if now < until}
        if self._wronged:
            for job_id in await self._db.write(Actor.system(), outbox.take_back, list(self._wronged)):
                self._wronged.pop(job_id, None)


def _domain(address: str) -> str:
    """As DNS has it; empty for what it cannot hold."""
    try:
        return ascii_host(address.rpartition("@")[2]).casefold()
    except UnicodeError:
        return ""
