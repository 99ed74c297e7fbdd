"""SQL of how far each reader has read."""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import read_marks

_SEEN = (
    select(read_marks.c.side, func.max(read_marks.c.seq))
    .where(read_marks.c.workspace_id == HERE, read_marks.c.room_id == bindparam("room"))
    .group_by(read_marks.c.side)
)


@cache
def _marking(database: str) -> Any:
    query = dialect.insert_on(database, read_marks)
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "room_id", "reader"],
        set_={"seq": query.excluded.seq},
        where=read_marks.c.seq < query.excluded.seq,
    )
    return query.returning(read_marks.c.seq)


def moving(tx: Tx, room_id: UUID, *, reader: str, side: str, seq: int) -> Callable[[], bool]:
    """Asks for it; what comes back says whether the mark moved: it only goes forward."""
    mark = {"workspace_id": tx.workspace_id, "room_id": room_id, "reader": reader, "side": side, "seq": seq}
    return tx.asking(_marking(dialect.name_of(tx)), lambda found: bool(found.rows), **mark)


def seen(tx: Tx, room_id: UUID) -> dict[str, int]:
    """How far each side ("customer", "agent") has read."""
    return {row[0]: row[1] for row in tx.rows(_SEEN, room=room_id)}
