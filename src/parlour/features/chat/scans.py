"""Files that could not be scanned as they came are scanned later."""

from pathlib import Path
from uuid import UUID

from parlour.db.database import Database
from parlour.db.outbox import Job, Postponed
from parlour.features.chat import service as chat
from parlour.features.files import service as files
from parlour.features.files.spool import spool
from parlour.files.errors import Missing
from parlour.files.intake import Intake
from parlour.files.scan import Scan
from parlour.kernel.access import Actor


class ScanJobs:
    def __init__(self, db: Database, intake: Intake, folder: Path) -> None:
        self._db = db
        self._folder = folder
        self._intake = intake
        self.handlers = {files.SCAN: self.scan}

    async def scan(self, job: Job) -> None:
        """Raises Postponed while the scanner says nothing."""
        system, file_id = Actor.system(job.workspace_id), UUID(job.payload["file_id"])
        file = await self._db.read(system, files.unscanned, file_id)
        if file is None:
            return
        with spool(self._folder) as copy:
            try:
                async for piece in self._intake.store.get(file.storage_key, end=file.attachment.size):
                    copy.write(piece)
            except Missing:
                return
            verdict = await self._intake.scanner.scan(copy)
        if verdict.scan is Scan.INFECTED:
            await self._db.write(system, chat.withdraw, file_id)
        elif verdict.scan is Scan.UNSCANNED:
            raise Postponed(f"The virus scanner did not look at it: {verdict.what}")
        else:
            await self._db.write(system, files.set_scan, file_id, verdict.scan)
