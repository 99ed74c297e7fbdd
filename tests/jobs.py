"""Jobs as tests need them: time that passes for them alone, and what stands in their table."""

from datetime import timedelta

from sqlalchemy import select, update

from parlour.db.database import Database, Tx
from parlour.db.moments import moment
from parlour.db.schema import outbox
from parlour.kernel.access import Actor
from parlour.settings import Settings
from tests.house import behind_its_back

MOMENTS = ("run_at", "due_at", "put_at", "locked_until", "finished_at", "dead_at")


async def time_passes(db: Database, span: timedelta) -> None:
    """As if all jobs had been stored, held and done so much earlier: on whichever clock they go by."""
    await db.write(Actor.system(), _move_back, span)


def _move_back(tx: Tx, span: timedelta) -> None:
    columns = [outbox.c[name] for name in MOMENTS]
    for job_id, *moments in tx.execute(select(outbox.c.job_id, *columns)).all():
        # Only what it has: a job that ends at this moment stays ended.
        earlier = {name: at - span for name, at in zip(MOMENTS, moments, strict=True) if at}
        tx.execute(update(outbox).where(outbox.c.job_id == job_id).values(earlier))


def stored_jobs(settings: Settings, columns: str) -> list[tuple[object, ...]]:
    """Past the application, oldest first."""
    return behind_its_back(settings, f"SELECT {columns} FROM outbox ORDER BY job_id")  # noqa: S608


def are_due(tx: Tx) -> bool:
    """Whether a job that should run now has not finished."""
    due = select(outbox.c.job_id).where(
        outbox.c.finished_at.is_(None), outbox.c.run_at <= moment(tx.connection)
    )
    return tx.execute(due.limit(1)).first() is not None
