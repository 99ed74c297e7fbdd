"""SQL of rooms and messages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Executable,
    Integer,
    Select,
    bindparam,
    case,
    func,
    insert,
    select,
    union_all,
    update,
)

from parlour.db import dialect, epoch, search
from parlour.db.database import HERE, Tx
from parlour.db.schema import attachment_columns, chat_rooms, files, messages, read_marks
from parlour.db.unread import unseen_in
from parlour.features.chat.models import Audience, Marked, Room
from parlour.kernel import clock
from parlour.kernel.kept import Kept
from parlour.kernel.messages import Attachment, Message, Place

FEW = 3
WITH_FILES = 2_000
"""Messages that are kept with their files."""

_ROOM = tuple(chat_rooms.c[name] for name in ("room_id", "ticket_id", "audience", "last_seq"))
_MESSAGE = tuple(messages.c[name] for name in Message._fields)
"""Of the files how many there are."""
_Counted = tuple[Message, int]
"""A message as its row has it, and how many files it has brought."""


_THIS_ROOM = (chat_rooms.c.workspace_id == HERE) & (chat_rooms.c.room_id == bindparam("room"))
_IN_ROOM = (messages.c.workspace_id == HERE) & (messages.c.room_id == bindparam("room"))
_LIMIT = bindparam("limit", type_=Integer())

_ROOM_BY_ID = select(*_ROOM).where(_THIS_ROOM)
_ROOM_OF_TICKET = select(*_ROOM).where(
    chat_rooms.c.workspace_id == HERE,
    chat_rooms.c.ticket_id == bindparam("ticket"),
    chat_rooms.c.audience == bindparam("audience"),
)
_TAKE_SEQ = update(chat_rooms).where(_THIS_ROOM).values(last_seq=chat_rooms.c.last_seq + 1).returning(*_ROOM)
_TAKE_SEQS = (
    update(chat_rooms)
    .where(
        chat_rooms.c.workspace_id == HERE,
        dialect.one_of(chat_rooms.c.ticket_id, "tickets"),
        chat_rooms.c.audience == bindparam("whose"),
    )
    .values(last_seq=chat_rooms.c.last_seq + 1)
    .returning(*_ROOM)
)
_SET_OPEN = (
    update(chat_rooms)
    .where(chat_rooms.c.workspace_id == HERE, dialect.one_of(chat_rooms.c.room_id, "rooms"))
    .values(status=bindparam("to"))
)
_INSERT_MESSAGE = insert(messages)
_SAID = (messages.c.sender_id == bindparam("sender")) & (messages.c.client_id == bindparam("client"))
_BY_CLIENT_ID = select(*_MESSAGE).where(_IN_ROOM, _SAID)
_CLIENT_IDS = select(messages.c.client_id).where(_IN_ROOM)
_TAKE_SEQ_FOR = _TAKE_SEQ.where(~select(messages.c.seq).where(_IN_ROOM, _SAID).exists())


def _brought(which: str) -> Select[Any]:
    """The files of one room's messages in a stretch of numbers, whose binds end so."""
    first, last = (bindparam(f"{edge}{which}", type_=BigInteger()) for edge in ("first", "last"))
    return select(files.c.room_id, files.c.seq, files.c.position, *attachment_columns).where(
        files.c.workspace_id == HERE,
        files.c.room_id == bindparam(f"room{which}"),
        files.c.seq >= first,
        files.c.seq <= last,
    )


_FILES: dict[int, Executable] = {1: _brought("1"), 2: union_all(_brought("1"), _brought("2"))}
"""Of so many rooms at once."""
_NEWEST = select(*_MESSAGE).where(_IN_ROOM).order_by(messages.c.seq.desc()).limit(_LIMIT)
_NEWEST_BEFORE = _NEWEST.where(messages.c.seq < bindparam("before", type_=BigInteger()))
_NEWEST_OF_OTHERS = _NEWEST.where(
    messages.c.seq > bindparam("after", type_=BigInteger()),
    messages.c.sender_type != "system",
    messages.c.sender_id != bindparam("but"),
)
_FOLLOWING = (
    select(*_MESSAGE)
    .where(_IN_ROOM, messages.c.seq > bindparam("after", type_=BigInteger()))
    .order_by(messages.c.seq)
    .limit(_LIMIT)
)
_THESE = select(*_MESSAGE).where(
    messages.c.workspace_id == HERE, dialect.one_of(messages.c.message_id, "these")
)
_ANSWERED = (
    _IN_ROOM
    & (messages.c.seq > bindparam("after", type_=BigInteger()))
    & (messages.c.seq <= bindparam("upto", type_=BigInteger()))
    & (messages.c.sender_type == "agent")
)
_ANSWERS = select(*_MESSAGE).where(_ANSWERED).order_by(messages.c.seq.desc()).limit(_LIMIT)
_COUNT_ANSWERS = select(func.count()).select_from(
    select(messages.c.seq).where(_ANSWERED).limit(_LIMIT).subquery()
)
_MESSAGE_ID = select(messages.c.message_id).where(
    _IN_ROOM, messages.c.seq == bindparam("seq", type_=BigInteger())
)
_MARKS = (
    read_marks.c.side,
    func.max(read_marks.c.seq),
    func.max(case((read_marks.c.reader == bindparam("reader"), read_marks.c.seq), else_=0)),
)
_OF_ROOM = (read_marks.c.workspace_id == chat_rooms.c.workspace_id) & (
    read_marks.c.room_id == chat_rooms.c.room_id
)
_WITH_MARKS = (
    select(*_ROOM, *_MARKS)
    .outerjoin_from(chat_rooms, read_marks, _OF_ROOM)
    .where(chat_rooms.c.workspace_id == HERE)
    .group_by(*_ROOM, read_marks.c.side)
)
_MARKED = _WITH_MARKS.where(chat_rooms.c.room_id == bindparam("room"))
_MARKED_OF_TICKET = _WITH_MARKS.where(chat_rooms.c.ticket_id == bindparam("ticket"))
_UNREAD_ROOMS = select(chat_rooms.c.room_id).where(
    chat_rooms.c.workspace_id == HERE,
    dialect.one_of(chat_rooms.c.room_id, "rooms"),
    unseen_in(chat_rooms.c.room_id, said_by="agent"),
)


def _room(row: Sequence[Any]) -> Room:
    return Room(row[0], row[1], Audience(row[2]), row[3])


_INSERT_ROOM = insert(chat_rooms)


def insert_rooms(tx: Tx, rooms: Sequence[Room]) -> None:
    now = clock.now()
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "room_id": room.room_id,
            "ticket_id": room.ticket_id,
            "audience": room.audience.value,
            "last_seq": room.last_seq,
            "created_at": now,
        }
        for room in rooms
    ]
    tx.put(_INSERT_ROOM, rows)


def room(tx: Tx, room_id: UUID) -> Room | None:
    row = tx.first(_ROOM_BY_ID, room=room_id)
    return _room(row) if row else None


def room_of(tx: Tx, ticket_id: UUID, audience: Audience) -> Room | None:
    row = tx.first(_ROOM_OF_TICKET, ticket=ticket_id, audience=audience.value)
    return _room(row) if row else None


def marked(tx: Tx, room_id: UUID, reader: str) -> Marked | None:
    """The room, and how far `reader` and each side have read it."""
    found = _marked(tx.rows(_MARKED, room=room_id, reader=reader))
    return found[0] if found else None


def marked_of(tx: Tx, ticket_id: UUID, reader: str) -> dict[Audience, Marked]:
    """The same of a ticket's rooms."""
    found = _marked(tx.rows(_MARKED_OF_TICKET, ticket=ticket_id, reader=reader))
    return {each.room.audience: each for each in found}


def _marked(rows: Sequence[Sequence[Any]]) -> list[Marked]:
    """Rows that say a room and one side that has read it, or none."""
    found: dict[UUID, Marked] = {}
    for *room, side, seq, own in rows:
        known = found.get(room[0]) or Marked(_room(room), 0, {})
        seen = known.seen if side is None else {**known.seen, side: seq}
        found[room[0]] = Marked(known.room, max(known.read_upto, own), seen)
    return list(found.values())


def set_open(tx: Tx, room_ids: Sequence[UUID], *, is_open: bool) -> None:
    """For the release before, which asks the room and not the ticket."""
    tx.change(_SET_OPEN, rooms=list(room_ids), to="open" if is_open else "closed")


def take_seq(tx: Tx, room_id: UUID, **unsaid: object) -> Room | None:
    """The room with its next sequence number taken: `last_seq` is the new message's. None for one in which
    the `sender` has said the `client`'s id before. The counter's row stays locked until commit, or until a
    refusal undoes it: sequence order is commit order, without holes.
    """
    row = tx.first(_TAKE_SEQ_FOR if unsaid else _TAKE_SEQ, room=room_id, **unsaid)
    return _room(row) if row else None


def take_seqs(tx: Tx, ticket_ids: Sequence[UUID], audience: Audience) -> list[Room]:
    """`take_seq` in this room of each of the tickets, which are locked."""
    return [_room(row) for row in tx.rows(_TAKE_SEQS, tickets=list(ticket_ids), whose=audience.value)]


def insert_announcements(tx: Tx, said: Sequence[Message]) -> None:
    """What the system says, which no search finds."""
    tx.put(_INSERT_MESSAGE, [_row(tx, each) for each in said])


def insert_message(tx: Tx, message: Message, *, ticket_id: UUID) -> None:
    """What people say is searchable from now on."""
    tx.put(_INSERT_MESSAGE, [_row(tx, message)])
    if message.sender_type != "system":
        said = (message.content, *(search.file_words(file.name, file.media_type) for file in message.files))
        search.index_words(tx, ticket_id, "\n".join(filter(None, said)))


def _row(tx: Tx, message: Message) -> dict[str, Any]:
    return {"workspace_id": tx.workspace_id, **message._asdict(), "files": len(message.files)}


def by_client_id(tx: Tx, room_id: UUID, sender_id: str, client_id: UUID) -> Message | None:
    row = tx.first(_BY_CLIENT_ID, room=room_id, sender=sender_id, client=client_id)
    return _messages(tx, {room_id: [_counted(row)]})[0][0] if row else None


def client_ids(tx: Tx, room_id: UUID) -> set[UUID]:
    """Under which ids anything was said in the room, whoever said it."""
    return {client_id for (client_id,) in tx.rows(_CLIENT_IDS, room=room_id)}


def newest(
    tx: Tx, wanted: Sequence[tuple[UUID, int | None]], *, limit: int, characters: int
) -> list[list[Message]]:
    """Of each room up to `limit` messages below its number, oldest first; fewer, as `following`."""
    pages = [partial(_newest, below=each, limit=limit, characters=characters) for each in wanted]
    tx.ahead(*pages, epoch.current)
    counted = {room_id: page(tx) for (room_id, _), page in zip(wanted, pages, strict=True)}
    return [found[::-1] for found in _messages(tx, counted)]


def _newest(tx: Tx, below: tuple[UUID, int | None], limit: int, characters: int) -> list[_Counted]:
    room_id, before = below
    statement, ends = (_NEWEST, {}) if before is None else (_NEWEST_BEFORE, {"before": before})
    return _as_far_as(tx.objects(statement, _counted, room=room_id, limit=limit, **ends), characters)


def following(tx: Tx, room_id: UUID, *, after: int, limit: int, characters: int) -> list[Message]:
    """Up to `limit` messages after `after`; fewer, when the last of them fills up so many characters."""
    read = _as_far_as(few_after(tx, room_id, after)[:limit], characters)
    left = characters - sum(len(message.content) for message, _ in read)
    if len(read) == FEW < limit and left > 0:
        with tx.run(_FOLLOWING, room=room_id, after=read[-1][0].seq, limit=limit - FEW) as rows:
            read += _as_far_as(map(_counted, rows), left)
    return _messages(tx, {room_id: read})[0]


def foresee(tx: Tx, room_id: UUID, place: Place) -> None:
    """What is asked about a place in the room goes in one trip."""
    tx.ahead(epoch.current, lambda tx: few_after(tx, room_id, place.seq))
    if place.seq and place.message_id:
        tx.ahead(lambda tx: message_id_at(tx, room_id, place.seq))


def few_after(tx: Tx, room_id: UUID, after: int) -> list[_Counted]:
    """What a listener misses as a rule, who is never far behind."""
    return list(map(_counted, tx.rows(_FOLLOWING, room=room_id, after=after, limit=FEW)))


def _counted(row: Sequence[Any]) -> _Counted:
    return Message(*row[:-1]), row[-1]


def _as_far_as(messages: Iterable[_Counted], characters: int) -> list[_Counted]:
    found: list[_Counted] = []
    for each in messages:
        found.append(each)
        characters -= len(each[0].content)
        if characters <= 0:
            break
    return found


def _messages(tx: Tx, counted: Mapping[UUID, Sequence[_Counted]]) -> list[list[Message]]:
    """The messages of one or two rooms with their files, by one statement more where there are any."""
    brought = {
        room_id: seqs
        for room_id, messages in counted.items()
        if (seqs := [message.seq for message, files_ in messages if files_])
    }
    found = _files(tx, brought) if brought else {}
    return [_with_files(messages, found) for messages in counted.values()]


def _with_files(
    counted: Sequence[_Counted], found: Mapping[tuple[UUID, int], Sequence[Attachment]]
) -> list[Message]:
    bringing = [message for message, files_ in counted if files_]
    if not bringing:
        return [message for message, _ in counted]
    along = [tuple(found[message.room_id, message.seq]) for message in bringing]
    whole = iter(_bringing.each(bringing, along))
    return [next(whole) if files_ else message for message, files_ in counted]


_bringing = Kept(
    lambda pairs: [message._replace(files=brought) for message, brought in pairs],
    most=WITH_FILES,
    length=lambda message: len(message.content),
)
"""The very same message for the same one with the same files, so that what was made of it is found again."""


def _files(tx: Tx, brought: Mapping[UUID, Sequence[int]]) -> Mapping[tuple[UUID, int], list[Attachment]]:
    values: dict[str, Any] = {}
    for which, (room_id, seqs) in enumerate(brought.items(), 1):
        values |= {f"room{which}": room_id, f"first{which}": min(seqs), f"last{which}": max(seqs)}
    rows = tx.objects(_FILES[len(brought)], _attached, **values)
    found: dict[tuple[UUID, int], list[Attachment]] = defaultdict(list)
    for room_id, seq, _, file in sorted(rows, key=itemgetter(1, 2)):
        found[room_id, seq].append(file)
    return found


def _attached(row: Sequence[Any]) -> tuple[UUID, int, int, Attachment]:
    return row[0], row[1], row[2], Attachment(*row[3:])


def these(tx: Tx, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    """Those of the messages that there are, of whatever rooms."""
    rooms: dict[UUID, list[_Counted]] = defaultdict(list)
    for row in tx.rows(_THESE, these=list(message_ids)):
        message, files_ = _counted(row)
        rooms[message.room_id].append((message, files_))
    found = (each for room_id, read in rooms.items() for each in _messages(tx, {room_id: read})[0])
    return {each.message_id: each for each in found}


def answers(tx: Tx, room_id: UUID, *, after: int, upto: int, limit: int) -> list[Message]:
    """The newest answers of agents after `after` and up to `upto`, the oldest first."""
    found = tx.run(_ANSWERS, room=room_id, after=after, upto=upto, limit=limit).all()
    return _messages(tx, {room_id: list(map(_counted, found))})[0][::-1]


def count_answers(tx: Tx, room_id: UUID, *, after: int, upto: int, limit: int) -> int:
    """How many there are, up to `limit`."""
    counted: int = tx.run(_COUNT_ANSWERS, room=room_id, after=after, upto=upto, limit=limit).scalar_one()
    return counted


def message_id_at(tx: Tx, room_id: UUID, seq: int) -> UUID | None:
    row = tx.first(_MESSAGE_ID, room=room_id, seq=seq)
    return row[0] if row else None


def newest_of_others(tx: Tx, room_id: UUID, *, after: int, but: str) -> Message | None:
    row = tx.run(_NEWEST_OF_OTHERS, room=room_id, after=after, but=but, limit=1).first()
    return _messages(tx, {room_id: [_counted(row)]})[0][0] if row else None


def heads(tx: Tx, rooms: Iterable[tuple[UUID, UUID]]) -> dict[UUID, int]:
    return dialect.heads(tx, list(rooms))


def unread_rooms(tx: Tx, room_ids: Sequence[UUID], *, reader: str) -> set[UUID]:
    """The rooms in which an agent has spoken after `reader`'s mark."""
    found = tx.rows(_UNREAD_ROOMS, rooms=list(room_ids), reader=reader)
    return {row[0] for row in found}
