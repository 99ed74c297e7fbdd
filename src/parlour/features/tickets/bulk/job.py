"""Carries on with a change of many tickets after the answer was sent."""

from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.tickets.bulk import service as bulk
from parlour.kernel.access import Actor, Permission


class BulkJobs:
    """What was done stays done when a run breaks off: the next one goes on behind it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {bulk.JOB: self.carry_on}

    async def carry_on(self, job: Job) -> None:
        system = Actor.system(job.workspace_id)
        bulk_id, user_id = UUID(job.payload["bulk_id"]), UUID(job.payload["user_id"])
        running = True
        while running:
            actor = await self._db.read(system, bulk.asked_by, user_id)
            if actor is None or not actor.may(Permission.BULK_UPDATE):
                return await self._db.write(system, bulk.give_up, bulk_id)
            running = (await self._db.write(actor, bulk.step, bulk_id)).running
        return None
