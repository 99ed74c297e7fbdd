"""From a job to a mail: what every mail needs, whatever it is about."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.kernel.access import Actor
from parlour.kernel.errors import NotFound
from parlour.kernel.secrets import derived_secret
from parlour.mail.compose import Renderer, compose, job_of, message_id
from parlour.mail.relay import RelayRefuses
from parlour.mail.send import Mailer
from parlour.settings import Settings


class Post:
    """Composes the mails of jobs and hands them to the mailer."""

    def __init__(self, db: Database, render: Renderer, mailer: Mailer, settings: Settings) -> None:
        self._db = db
        self._render = render
        self._mailer = mailer
        self._settings = settings
        self._wronged: set[UUID] = set()

    @property
    def base_url(self) -> str:
        return self._settings.base_url

    def secret(self, job: Job, about: object = "") -> str:
        """The secret in this job's mail: the same in every attempt, so that every copy opens the same."""
        return derived_secret(self._settings.secret_key, "mail", str(job.job_id), str(about))

    async def send(self, job: Job, template: str, to: str, **context: Any) -> None:
        """Raises Undeliverable, Postponed."""
        known_as = message_id(job.job_id, self._settings.mail_host)
        mail = compose(self._render, template, to, known_as, context)
        try:
            await self._mailer.send(mail)
        except RelayRefuses as refusal:
            self._wronged |= {job_of(one) for one in refusal.wronged} - {job.job_id}
            await self._revive_wronged()
            raise

    async def _revive_wronged(self) -> None:
        """What was given up before it was plain that the server refuses everybody is tried again, too."""
        for job_id in set(self._wronged):
            with suppress(NotFound):  # not given up yet: the next refusal looks again
                await self._db.write(Actor.system(), outbox.revive, job_id)
                self._wronged.discard(job_id)
