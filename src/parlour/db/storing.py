"""How a job is stored, and what of an error can be told to whoever waits for a unit."""

from functools import cache

from sqlalchemy import Insert, bindparam, insert

from parlour.db import schema
from parlour.db.moments import now_of, then_of
from parlour.db.schema import UtcDateTime


@cache
def storing(engine: str, *, at_a_moment: bool) -> Insert:
    now = now_of(engine)
    due = bindparam("moment", type_=UtcDateTime()) if at_a_moment else then_of(engine)
    return insert(schema.outbox).values(run_at=due, due_at=due, put_at=now)


def tellable(error: BaseException) -> Exception:
    """What can be raised at whoever awaits. A StopIteration, or what only ends a thread, cannot."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    told = RuntimeError(f"A unit of work ended with {type(error).__name__}.")
    told.__cause__ = error
    return told
