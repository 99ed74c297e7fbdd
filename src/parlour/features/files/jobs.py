"""What is done with files apart from any page."""

from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.features.files import service as files
from parlour.files.intake import Intake


class FileJobs:
    def __init__(self, db: Database, intake: Intake) -> None:
        self._db = db
        self._intake = intake
        self.handlers = {files.DELETE: self.delete}

    async def delete(self, job: Job) -> None:
        """The objects of a file that no row names any more."""
        for key in job.payload["keys"]:
            await self._intake.store.delete(key)
