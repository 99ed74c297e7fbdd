"""What somebody has not seen yet, as a part of questions about rooms."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Exists, Select, bindparam, func, select, text

from parlour.db.database import HERE
from parlour.db.schema import messages, read_marks


def mark_in(room: ColumnElement[Any], reader: ColumnElement[Any]) -> Select[Any]:
    """How far the reader has read the room; no row when not at all."""
    return select(read_marks.c.seq).where(
        read_marks.c.workspace_id == HERE, read_marks.c.room_id == room, read_marks.c.reader == reader
    )


def unseen_in(room: Column[Any], *, said_by: str) -> Exists:
    """Whether that side has said in the room what the `reader` has not seen."""
    mark = mark_in(room, bindparam("reader")).correlate(room.table).scalar_subquery()
    return (
        select(messages.c.seq)
        .where(
            messages.c.workspace_id == HERE,
            messages.c.room_id == room,
            messages.c.seq > func.coalesce(mark, 0),
            messages.c.sender_type == text(f"'{said_by}'"),
        )
        .correlate(room.table)
        .exists()
    )
