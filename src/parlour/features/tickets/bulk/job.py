"""Carries on with a change of many tickets after the answer was sent."""

from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.tickets.bulk import service as bulk
from parlour.kernel.access import Actor


class BulkJobs:
    """What was done stays done when a run breaks off: the next one goes on behind it.

    No ticket is changed before all of them are written down, so that all that was changed can be undone.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {bulk.JOB: self.carry_on, bulk.SAY: self.say}

    async def carry_on(self, job: Job) -> None:
        system = Actor.system(job.workspace_id)
        bulk_id, user_id = UUID(job.payload["bulk_id"]), UUID(job.payload["user_id"])
        tickets = [UUID(ticket_id) for ticket_id in job.payload.get("ids", [])]
        for first in range(0, len(tickets), bulk.LISTED_AT_ONCE):
            some = tickets[first : first + bulk.LISTED_AT_ONCE]
            await self._db.write(system, bulk.write_down, bulk_id, some)
        while await self._db.write(system, bulk.carry_on, bulk_id, user_id):
            pass

    async def say(self, job: Job) -> None:
        system, bulk_id = Actor.system(job.workspace_id), UUID(job.payload["bulk_id"])
        while await self._db.write(system, bulk.say_some, bulk_id):
            pass
