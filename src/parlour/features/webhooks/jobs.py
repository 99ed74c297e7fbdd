"""The jobs that post what happened."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.events.models import FAN_OUT
from parlour.features.webhooks import delivering, queue, service
from parlour.features.webhooks.delivering import Compose, Turn
from parlour.features.webhooks.models import Outcome
from parlour.features.webhooks.posting import Sender, post
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.keyring import Keyring
from parlour.mail.post import Post
from parlour.outbound.receiver import Receiver

AT_ONCE = 8
"""Requests to one receiver."""
TURN_SECONDS = 20.0
"""After which a job makes room for others."""


class WebhookJobs:
    """A run that broke off is taken up where it was: what had been posted since the last kept outcomes is
    posted again, with the same id and body.
    """

    def __init__(self, db: Database, sender: Sender, compose: Compose, keys: Keyring, mail: Post) -> None:
        self._db = db
        self._sender = sender
        self._compose = compose
        self._keys = keys
        self._mail = mail
        self.handlers = {
            FAN_OUT: self.fan_out,
            queue.QUICK: self.post,
            queue.SLOW: self.post,
            service.REPLAY: self.replay,
            service.FORGET: self.forget,
            delivering.DISABLED: self.tell_of_disabled,
        }

    async def fan_out(self, job: Job) -> None:
        system = Actor.system(job.workspace_id)
        while await self._db.write(system, delivering.fan_out, job, self._compose):
            pass

    async def post(self, job: Job) -> None:
        """To one webhook, until nothing is due, or it is time for others. A slow one has one turn."""
        until = time.monotonic() + (TURN_SECONDS if job.kind == queue.QUICK else 0.0)
        turn = await self._turn(job, (), go_on=True)
        while turn.parcels:
            url = turn.url
            async with self._sender.to(url) as receiver:
                while turn.parcels and turn.url == url:
                    outcomes = await _posted(receiver, turn)
                    turn = await self._turn(job, outcomes, go_on=time.monotonic() < until)

    async def _turn(self, job: Job, outcomes: Sequence[Outcome], *, go_on: bool) -> Turn:
        system = Actor.system(job.workspace_id)
        return await self._db.write(system, delivering.turn, job, outcomes, self._keys, go_on=go_on)

    async def replay(self, job: Job) -> None:
        system, facts = Actor.system(job.workspace_id), job.payload
        after: UUID | None = clock.id_at(datetime.fromisoformat(facts["after"]))
        before = clock.id_at(datetime.fromisoformat(facts["before"]))
        while after is not None:
            after = await self._db.write(
                system,
                delivering.replay_some,
                UUID(facts["webhook_id"]),
                after,
                before,
                self._compose,
                all_of_them=facts["all"],
            )

    async def forget(self, job: Job) -> None:
        system, webhook_id = Actor.system(job.workspace_id), UUID(job.payload["webhook_id"])
        while await self._db.write(system, service.forget, webhook_id):
            pass

    async def tell_of_disabled(self, job: Job) -> None:
        """To an owner: nothing goes there any more, and how to bring what was missed."""
        system = Actor.system(job.workspace_id)
        settings = f"{self._mail.base_url}/workspace/{job.workspace_id}/settings"
        await self._mail.send(
            job,
            "webhook_disabled",
            job.payload["email"],
            workspace=await self._db.read(system, workspaces.workspace),
            url=job.payload["url"],
            days=delivering.FAILING_LIMIT.days,
            gone=job.payload.get("gone", False),
            page=f"{settings}/webhooks/{job.payload['webhook_id']}",
        )


async def _posted(receiver: Receiver, turn: Turn) -> Sequence[Outcome]:
    """Of all of them; of those begun before the receiver took its time, when it does."""
    waiting, outcomes = list(reversed(turn.parcels)), list[Outcome]()

    async def some() -> None:
        while waiting:
            outcomes.append(await post(receiver, waiting.pop(), turn.secrets))
            if delivering.is_slow(outcomes[-1]):
                waiting.clear()

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return outcomes
