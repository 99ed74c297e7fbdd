"""SQL of rooms, messages and read marks."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, select, tuple_, update

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.db.schema import chat_rooms, messages, read_marks
from parlour.features.chat.models import Audience, Message, Room
from parlour.kernel import clock

_ROOM = (
    chat_rooms.c.room_id,
    chat_rooms.c.ticket_id,
    chat_rooms.c.audience,
    chat_rooms.c.status,
    chat_rooms.c.last_seq,
)
_MESSAGE = (
    messages.c.message_id,
    messages.c.room_id,
    messages.c.seq,
    messages.c.content,
    messages.c.sender_type,
    messages.c.sender_id,
    messages.c.sender_name,
    messages.c.client_id,
    messages.c.created_at,
)


def _room(row: Row[*tuple[Any, ...]]) -> Room:
    return Room(row[0], row[1], Audience(row[2]), row[3] == "open", row[4])


def _this_room(tx: Tx, room_id: UUID) -> ColumnElement[bool]:
    return (chat_rooms.c.workspace_id == tx.workspace_id) & (chat_rooms.c.room_id == room_id)


def _in_room(tx: Tx, room_id: UUID) -> ColumnElement[bool]:
    return (messages.c.workspace_id == tx.workspace_id) & (messages.c.room_id == room_id)


def insert_room(tx: Tx, *, room_id: UUID, ticket_id: UUID, audience: Audience) -> None:
    tx.execute(
        insert(chat_rooms).values(
            workspace_id=tx.workspace_id,
            room_id=room_id,
            ticket_id=ticket_id,
            audience=audience.value,
            created_at=clock.now(),
        )
    )


def room(tx: Tx, room_id: UUID) -> Room | None:
    row = tx.execute(select(*_ROOM).where(_this_room(tx, room_id))).first()
    return _room(row) if row else None


def lock_room(tx: Tx, room_id: UUID) -> Room | None:
    row = tx.execute(select(*_ROOM).where(_this_room(tx, room_id)).with_for_update()).first()
    return _room(row) if row else None


def room_of(tx: Tx, ticket_id: UUID, audience: Audience) -> Room | None:
    query = select(*_ROOM).where(
        chat_rooms.c.workspace_id == tx.workspace_id,
        chat_rooms.c.ticket_id == ticket_id,
        chat_rooms.c.audience == audience.value,
    )
    row = tx.execute(query).first()
    return _room(row) if row else None


def set_open(tx: Tx, room_id: UUID, *, is_open: bool) -> None:
    status = "open" if is_open else "closed"
    tx.execute(update(chat_rooms).where(_this_room(tx, room_id)).values(status=status))


def next_seq(tx: Tx, room_id: UUID) -> int:
    """The counter's row stays locked until commit: sequence order is commit order, without holes."""
    query = (
        update(chat_rooms)
        .where(_this_room(tx, room_id))
        .values(last_seq=chat_rooms.c.last_seq + 1)
        .returning(chat_rooms.c.last_seq)
    )
    seq: int = tx.execute(query).scalar_one()
    return seq


def insert_message(tx: Tx, message: Message) -> None:
    tx.execute(
        insert(messages).values(
            workspace_id=tx.workspace_id,
            room_id=message.room_id,
            seq=message.seq,
            message_id=message.message_id,
            content=message.content,
            sender_type=message.sender_type,
            sender_id=message.sender_id,
            sender_name=message.sender_name,
            client_id=message.client_id,
            created_at=message.created_at,
        )
    )


def by_client_id(tx: Tx, room_id: UUID, sender_id: str, client_id: UUID) -> Message | None:
    query = select(*_MESSAGE).where(
        _in_room(tx, room_id), messages.c.sender_id == sender_id, messages.c.client_id == client_id
    )
    row = tx.execute(query).first()
    return Message(*row) if row else None


def newest(tx: Tx, room_id: UUID, *, before: int | None, limit: int) -> list[Message]:
    """Up to `limit` messages below `before`, oldest first."""
    query = select(*_MESSAGE).where(_in_room(tx, room_id))
    if before is not None:
        query = query.where(messages.c.seq < before)
    rows = tx.execute(query.order_by(messages.c.seq.desc()).limit(limit)).all()
    return [Message(*row) for row in reversed(rows)]


def following(tx: Tx, room_id: UUID, *, after: int, limit: int) -> list[Message]:
    query = (
        select(*_MESSAGE)
        .where(_in_room(tx, room_id), messages.c.seq > after)
        .order_by(messages.c.seq)
        .limit(limit)
    )
    return [Message(*row) for row in tx.execute(query)]


def heads(tx: Tx, rooms: Iterable[tuple[UUID, UUID]]) -> dict[UUID, int]:
    query = select(chat_rooms.c.room_id, chat_rooms.c.last_seq).where(
        tuple_(chat_rooms.c.workspace_id, chat_rooms.c.room_id).in_(list(rooms))
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def read_mark(tx: Tx, room_id: UUID, reader: str) -> int:
    query = select(read_marks.c.seq).where(
        read_marks.c.workspace_id == tx.workspace_id,
        read_marks.c.room_id == room_id,
        read_marks.c.reader == reader,
    )
    return tx.execute(query).scalar_one_or_none() or 0


def move_read_mark(tx: Tx, room_id: UUID, *, reader: str, side: str, seq: int) -> bool:
    """True when the mark moved: it only goes forward."""
    query = dialect.insert(tx, read_marks).values(
        workspace_id=tx.workspace_id, room_id=room_id, reader=reader, side=side, seq=seq
    )
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "room_id", "reader"],
        set_={"seq": query.excluded.seq},
        where=read_marks.c.seq < query.excluded.seq,
    )
    return tx.execute(query).rowcount > 0


def seen(tx: Tx, room_id: UUID) -> dict[str, int]:
    """How far each side ("customer", "agent") has read."""
    query = (
        select(read_marks.c.side, func.max(read_marks.c.seq))
        .where(read_marks.c.workspace_id == tx.workspace_id, read_marks.c.room_id == room_id)
        .group_by(read_marks.c.side)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def unread_rooms(tx: Tx, room_ids: Sequence[UUID], *, reader: str, side: str) -> set[UUID]:
    """The rooms in which the other side has spoken after `reader`'s mark."""
    mark = (
        select(func.coalesce(func.max(read_marks.c.seq), 0))
        .where(
            read_marks.c.workspace_id == tx.workspace_id,
            read_marks.c.room_id == chat_rooms.c.room_id,
            read_marks.c.reader == reader,
        )
        .correlate(chat_rooms)  # two levels up, which SQLAlchemy does not do by itself
        .scalar_subquery()
    )
    waiting = (
        select(messages.c.seq)
        .where(
            messages.c.workspace_id == tx.workspace_id,
            messages.c.room_id == chat_rooms.c.room_id,
            messages.c.seq > mark,
            messages.c.sender_type == ("agent" if side == "customer" else "customer"),
        )
        .exists()
    )
    query = select(chat_rooms.c.room_id).where(
        chat_rooms.c.workspace_id == tx.workspace_id, chat_rooms.c.room_id.in_(room_ids), waiting
    )
    return set(tx.execute(query).scalars())
