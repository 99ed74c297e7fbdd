"""A worker that died in the middle of a job, and the one that comes after it."""

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from parlour.worker import LEASE
from tests.house import open_database, settings_for
from tests.jobs import time_passes
from tests.test_worker import Hands, done, until, working


async def test_a_job_of_a_process_that_was_killed_is_run_by_the_next(tmp_path: Path) -> None:
    hands = Hands()
    hands.gate.set()
    settings = settings_for(tmp_path)
    program = textwrap.dedent(
        """
        import asyncio, os
        from parlour.db.factory import make_database
        from parlour.kernel.access import Actor
        from parlour.settings import Settings
        from parlour.worker import Worker

        async def die(job):
            os.kill(os.getpid(), 9)

        async def main():
            db = make_database(Settings.from_environment(os.environ))
            await db.prepare()
            await db.open()
            await db.write(Actor.system(), lambda tx: tx.enqueue("work", {}))
            await Worker(db, {"work": die}).run()

        asyncio.run(main())
        """
    )
    where = {"PARLOUR_DATA_DIR": str(tmp_path), "PARLOUR_DATABASE_URL": settings.database_url}
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], check=False, env=os.environ | where
    )
    async with open_database(tmp_path) as db:
        await time_passes(db, LEASE)
        async with working(db, hands):
            await until(lambda: done(db))

    assert died.returncode == -9
    assert [job.attempts for job in hands.jobs] == [2]
