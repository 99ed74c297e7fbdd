"""Rooms and the messages in them. Knows nothing of tickets beyond the id that a room belongs to.

The promise: a message whose `post` was committed has one sequence number in its room, without holes,
and is never stored twice however often it is sent.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from parlour.db import epoch
from parlour.db.database import Tx
from parlour.features.chat import store
from parlour.features.chat.marks import store as marks
from parlour.features.chat.models import (
    CONTENT_LIMIT,
    Answers,
    Audience,
    History,
    Marked,
    Posted,
    Room,
    SenderType,
)
from parlour.features.files import service as files
from parlour.features.files.models import File
from parlour.kernel import clock, text
from parlour.kernel.access import Kind, Permission, requires
from parlour.kernel.errors import Conflict, Invalid, NotFound
from parlour.kernel.events import MessageSent, RoomRead
from parlour.kernel.messages import Message, Place, Stretch

PAGE = 50
TIMELINE = 25
"""So many of both rooms are a page at the desk, which is more than a screen shows."""
ANSWERS_COUNTED = 1000
PAGE_CHARACTERS = 64 * 1024
"""A page ends with the message that passes this, so that long ones do not fill the memory."""


def _visible(tx: Tx, room: Room | None) -> Room:
    """The room, if this actor may be in it. A customer: the public room of the own ticket."""
    if room is None:
        raise NotFound
    if tx.actor.kind is Kind.CUSTOMER and (
        room.ticket_id != tx.actor.ticket_id or room.audience is not Audience.PUBLIC
    ):
        raise NotFound
    return room


@requires(Permission.TICKET_OPEN)
def open_rooms(tx: Tx, ticket_id: UUID, *, begun: bool = False) -> UUID:
    """A ticket's two rooms; the public one's id. They are two so that a hidden note leaves no hole.
    `begun`: the public one's first number is taken, for `begin`.
    """
    public = Room(clock.new_id(), ticket_id, Audience.PUBLIC, int(begun))
    store.insert_rooms(tx, [public, Room(clock.new_id(), ticket_id, Audience.INTERNAL, 0)])
    return public.room_id


@requires(Permission.TICKET_REPLY)
def begin(
    tx: Tx, ticket_id: UUID, room_id: UUID, content: str, client_id: UUID, file_ids: Sequence[UUID]
) -> Message:
    """`post` into a room that this transaction has opened `begun`, where no number has to be taken."""
    room = _visible(tx, Room(room_id, ticket_id, Audience.PUBLIC, 1))
    return _say(tx, room, _sayable(content, file_ids), client_id, file_ids)


@requires(Permission.TICKET_REPLY)
def post(tx: Tx, room_id: UUID, content: str, client_id: UUID, file_ids: Sequence[UUID] = ()) -> Posted:
    """Store a message of the actor's: words, staged files of theirs, or both. The same `client_id` again
    returns the first answer, also when the same files were uploaded once more.

    Of two at the same moment the second finds its id taken and is run again. Raises Invalid (`content`:
    required, too_long; `files`: gone, too_many), TicketFull, Conflict when the id came with other words or
    files, NotFound.
    """
    content = _sayable(content, file_ids)
    room = store.take_seq(tx, room_id, sender=tx.actor.id, client=client_id)
    if room is None and (first := store.by_client_id(tx, room_id, tx.actor.id, client_id)):
        if first.content != content or not _same_files(tx, first, file_ids):
            raise Conflict
        return Posted(first, repeat=True)
    return Posted(_say(tx, _visible(tx, room), content, client_id, file_ids), repeat=False)


def _sayable(content: str, file_ids: Sequence[UUID]) -> str:
    content = text.many_lines(content)
    if not content and not file_ids:
        raise Invalid({"content": "required"})
    if len(content) > CONTENT_LIMIT:
        raise Invalid({"content": "too_long"})
    return content


def _say(tx: Tx, room: Room, content: str, client_id: UUID, file_ids: Sequence[UUID]) -> Message:
    sender = SenderType.CUSTOMER if tx.actor.kind is Kind.CUSTOMER else SenderType.AGENT
    brought = files.chosen(tx, room.room_id, file_ids) if file_ids else []
    message = _message(tx, room, content, sender, client_id)
    message = message._replace(files=tuple(file.attachment for file in brought))
    _append(tx, room, message)
    files.attach(tx, room.room_id, message.seq, brought)
    return message


def _same_files(tx: Tx, first: Message, file_ids: Sequence[UUID]) -> bool:
    if not first.files or not file_ids:
        return not first.files and not file_ids
    return files.are_those_of(tx, first.room_id, first.seq, file_ids)


@requires(Permission.TICKET_REPLY)
def said_as(tx: Tx, room_id: UUID, client_id: UUID) -> Message | None:
    """What the actor has said there under this id: `post` would answer with it."""
    return store.by_client_id(tx, room_id, tx.actor.id, client_id)


@requires(Permission.TICKET_REPLY)
def announce_to_all(
    tx: Tx, ticket_ids: Sequence[UUID], audience: Audience, what: str, *, by: str | None = None
) -> None:
    """`announce` in this room of each of the tickets; said of the actor, or of whoever is named."""
    if not ticket_ids:
        return
    rooms = [_visible(tx, room) for room in store.take_seqs(tx, ticket_ids, audience)]
    said = [_message(tx, room, what, SenderType.SYSTEM, None) for room in rooms]
    if by is not None:
        said = [message._replace(sender_name=by) for message in said]
    store.insert_announcements(tx, said)
    for message in said:
        tx.emit(MessageSent(tx.workspace_id, message))


@requires(Permission.SYSTEM)
def withdraw(tx: Tx, file_id: UUID) -> None:
    """A file turned out to hold a virus: whoever is in its room is told that it is gone, and open pages which
    one it is.
    """
    file = files.withdraw(tx, file_id)
    if file and file.room_id:
        announce(tx, file.room_id, f"withdrawn:{file_id}:{file.attachment.name}")


@requires(Permission.TICKET_REPLY)
def announce(tx: Tx, room_id: UUID, what: str) -> Message:
    """Put a system message into the room: a machine word such as `status:open`, said of the actor."""
    room = _visible(tx, store.take_seq(tx, room_id))
    message = _message(tx, room, what, SenderType.SYSTEM, None)
    _append(tx, room, message)
    return message


def _append(tx: Tx, room: Room, message: Message) -> None:
    store.insert_message(tx, message, ticket_id=room.ticket_id)
    tx.emit(MessageSent(tx.workspace_id, message))


def _message(tx: Tx, room: Room, content: str, sender: SenderType, client_id: UUID | None) -> Message:
    """What is said in the room under the number that was taken for it."""
    system = sender is SenderType.SYSTEM
    return Message(
        message_id=clock.new_id(),
        room_id=room.room_id,
        seq=room.last_seq,
        content=content,
        sender_type=sender.value,
        sender_id="system" if system else tx.actor.id,
        sender_name=tx.actor.name,
        client_id=client_id,
        created_at=clock.now(),
    )


@requires(Permission.SYSTEM)
def client_ids(tx: Tx, room_id: UUID) -> set[UUID]:
    return store.client_ids(tx, room_id)


@requires(Permission.SYSTEM)
def bring(
    tx: Tx,
    room_id: UUID,
    content: str,
    *,
    by: tuple[bool, str, str],
    client_id: UUID,
    at: datetime,
    brought: Sequence[File],
) -> None:
    """Put a message from elsewhere behind what is there; nobody is told. `by`: is it a customer, id, name."""
    by_customer, sender_id, sender_name = by
    room = _visible(tx, store.take_seq(tx, room_id))
    sender = SenderType.CUSTOMER if by_customer else SenderType.AGENT
    said = _message(tx, room, content, sender, client_id)._replace(
        sender_id=sender_id,
        sender_name=sender_name,
        created_at=at,
        files=tuple(file.attachment for file in brought),
    )
    store.insert_message(tx, said, ticket_id=room.ticket_id)
    files.attach(tx, room_id, said.seq, brought)


@requires(Permission.TICKET_REPLY)
def set_open(tx: Tx, room_ids: Sequence[UUID], is_open: bool) -> None:
    """For the release before: this one goes by the ticket's status."""
    store.set_open(tx, room_ids, is_open=is_open)


@requires(Permission.NOTE_READ)
def notes_room(tx: Tx, ticket_id: UUID) -> UUID:
    """The room of a ticket's internal notes. Raises NotFound."""
    room = store.room_of(tx, ticket_id, Audience.INTERNAL)
    if room is None:
        raise NotFound
    return room.room_id


@requires(Permission.TICKET_REPLY)
def newest_of_others(tx: Tx, room_id: UUID, *, after: int) -> Message | None:
    """The last thing that anybody but the actor said after number `after`."""
    return store.newest_of_others(tx, room_id, after=after, but=tx.actor.id)


@requires(Permission.ROOM_READ)
def history(tx: Tx, room_id: UUID, *, before: int | None = None, limit: int = PAGE) -> History:
    """The newest page, or the one that ends just below `before`."""
    [found] = _pages(tx, [(_readable(tx, store.marked(tx, room_id, tx.actor.id)), before)], limit)
    return found


@requires(Permission.NOTE_READ)
def both_histories(
    tx: Tx, ticket_id: UUID, *, before: int | None = None, notes_before: int | None = None
) -> tuple[History, History]:
    """`history` of a ticket's public room and of its notes. Raises NotFound."""
    rooms = store.marked_of(tx, ticket_id, tx.actor.id)
    public, notes = (_readable(tx, rooms.get(audience)) for audience in (Audience.PUBLIC, Audience.INTERNAL))
    first, second = _pages(tx, [(public, before), (notes, notes_before)], TIMELINE)
    return first, second


@requires(Permission.NOTE_READ)
def histories_of(
    tx: Tx, ticket_ids: Sequence[UUID], ends: Sequence[int | None] = ()
) -> Sequence[tuple[History, History]]:
    """`both_histories` of each ticket. `ends`: below which numbers, two for each; all of them or none."""
    both = [store.marked_of(tx, ticket_id, tx.actor.id) for ticket_id in ticket_ids]
    rooms = [two[audience] for two in both for audience in (Audience.PUBLIC, Audience.INTERNAL)]
    if len(ends) != len(rooms):
        ends = [None] * len(rooms)
    pages = _pages(tx, list(zip(rooms, ends, strict=True)), TIMELINE)
    return list(zip(pages[::2], pages[1::2], strict=True))


def _readable(tx: Tx, marked: Marked | None) -> Marked:
    """The room, if this actor may be in it."""
    if marked is None:
        raise NotFound
    _visible(tx, marked.room)
    return marked


def _pages(tx: Tx, wanted: Sequence[tuple[Marked, int | None]], limit: int) -> list[History]:
    ends = [(marked.room.room_id, before) for marked, before in wanted]
    pages = store.newest(tx, ends, limit=limit, characters=PAGE_CHARACTERS)
    now = epoch.current(tx)
    return [_page(marked, before, page, now) for (marked, before), page in zip(wanted, pages, strict=True)]


def _page(marked: Marked, before: int | None, page: Sequence[Message], now: str) -> History:
    room, read_upto, seen = marked
    last = room.last_seq if before is None else max(0, min(before - 1, room.last_seq))
    return History(
        room=room,
        epoch=now,
        messages=page,
        has_older=bool(page) and page[0].seq > 1,
        upto=page[-1].seq if page else last,
        read_upto=read_upto,
        seen=seen,
    )


@requires(Permission.ROOM_READ)
def check_access(tx: Tx, room_id: UUID) -> None:
    """Raises NotFound when the actor may not be in the room (any more)."""
    _visible(tx, store.room(tx, room_id))


@requires(Permission.ROOM_READ)
def following(tx: Tx, room_id: UUID, place: Place, *, limit: int = PAGE) -> Stretch:
    """What comes after `place`, as far as one page goes."""
    store.foresee(tx, room_id, place)
    room = _visible(tx, store.room(tx, room_id))
    now = epoch.current(tx)
    stretch = Stretch(tx.workspace_id, room_id, now, room.last_seq)
    if not _goes_on(tx, room, place, now):
        return replace(stretch, goes_on=False)
    if place.seq == room.last_seq:
        return stretch
    page = store.following(tx, room_id, after=place.seq, limit=limit, characters=PAGE_CHARACTERS)
    return replace(stretch, messages=page)


def _goes_on(tx: Tx, room: Room, place: Place, now: str) -> bool:
    """Whether the place is on this line of history: in this epoch, not beyond its end, the same message."""
    if place.seq > room.last_seq or place.epoch not in ("", now):
        return False
    if place.seq and place.message_id:
        return store.message_id_at(tx, room.room_id, place.seq) == place.message_id
    return True


@requires(Permission.NOTE_READ)
def these(tx: Tx, message_ids: Collection[UUID]) -> Mapping[UUID, Message]:
    """Those of the messages, notes among them, that there are."""
    return store.these(tx, message_ids) if message_ids else {}


@requires(Permission.SYSTEM)
def answers(tx: Tx, room_id: UUID, *, after: int, upto: int | None, limit: int) -> Answers:
    """What agents said after `after`, and up to `upto` if there is one."""
    upto = upto or _visible(tx, store.room(tx, room_id)).last_seq
    newest = store.answers(tx, room_id, after=after, upto=upto, limit=limit)
    earlier = 0
    if len(newest) == limit:
        first = newest[0].seq - 1
        earlier = store.count_answers(tx, room_id, after=after, upto=first, limit=ANSWERS_COUNTED)
    return Answers(newest, earlier)


@requires(Permission.ROOM_READ)
def enter(tx: Tx, room_id: UUID, place: Place) -> Stretch:
    """`following`, which message is at the head, and how far each side has read."""
    tx.ahead(lambda tx: marks.seen(tx, room_id))
    stretch = following(tx, room_id, place)
    return replace(stretch, head_id=_head_id(tx, stretch, place), seen=marks.seen(tx, room_id))


def _head_id(tx: Tx, stretch: Stretch, place: Place) -> UUID | None:
    """Looked up only where neither the place nor the page says it."""
    if stretch.messages and stretch.messages[-1].seq == stretch.head:
        return stretch.messages[-1].message_id
    if stretch.goes_on and place.seq == stretch.head and place.message_id:
        return place.message_id
    return store.message_id_at(tx, stretch.room_id, stretch.head)


@requires(Permission.TICKET_REPLY)
def mark_read(tx: Tx, room_id: UUID, seq: int) -> UUID:
    """Move the actor's mark, forward only and never past the last message. Returns the room's ticket.

    Not for those who only look on: a customer would take "Seen" for somebody who can answer.
    """
    room = _visible(tx, store.room(tx, room_id))
    seq, side = min(seq, room.last_seq), tx.actor.side
    if seq > 0:
        moved = marks.moving(tx, room_id, reader=tx.actor.id, side=side, seq=seq)
        tx.emit_asked(lambda: [RoomRead(tx.workspace_id, room_id, side, seq)] if moved() else [])
    return room.ticket_id


@requires(Permission.ROOM_READ)
def ticket_of(tx: Tx, room_id: UUID) -> UUID:
    return _visible(tx, store.room(tx, room_id)).ticket_id


@requires(Permission.SYSTEM)
def unread_by_customer(tx: Tx, email: str, room_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these rooms, all of them this customer's, hold words of an agent that they have not seen."""
    return store.unread_rooms(tx, room_ids, reader=email)


@requires(Permission.ROOM_READ)
def seen_by_customer(tx: Tx, room_id: UUID) -> int:
    return marks.seen(tx, room_id).get("customer", 0)


@requires(Permission.SYSTEM)
def heads(tx: Tx, rooms: Sequence[tuple[UUID, UUID]]) -> tuple[str, dict[UUID, int]]:
    """The epoch, and the last sequence number of each (workspace_id, room_id), in one query."""
    return epoch.current(tx), store.heads(tx, rooms) if rooms else {}


@requires(Permission.SYSTEM)
def begin_epoch(tx: Tx, instead_of: str) -> None:
    """A room's past is not what it was under this epoch; unless somebody else has noticed, begin another."""
    epoch.renew(tx, instead_of=instead_of)
