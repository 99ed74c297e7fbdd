"""Carries on with a change of many tickets after the answer was sent."""

from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.tickets.bulk import service as bulk
from parlour.kernel.access import Actor


class BulkJobs:
    """What was done stays done when a run breaks off: the next one goes on behind it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {bulk.JOB: self.carry_on}

    async def carry_on(self, job: Job) -> None:
        system = Actor.system(job.workspace_id)
        bulk_id, user_id = UUID(job.payload["bulk_id"]), UUID(job.payload["user_id"])
        while await self._db.write(system, bulk.carry_on, bulk_id, user_id):
            pass
