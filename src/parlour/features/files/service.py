"""Files from their upload to the message that brings them.

A file is staged first: a row, then the bytes, then what is known of them. It is its uploader's alone until a
message of theirs brings it, in that message's transaction. What no message brings goes after a day. A row
goes before its objects do, which a job deletes: no row ever names what was taken away.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.files import store
from parlour.features.files.models import (
    MESSAGE_FILES,
    PAGE,
    TICKET_BYTES,
    VISITORS_BYTES,
    Begun,
    Facts,
    File,
    Page,
    Space,
)
from parlour.files.names import safe_name
from parlour.files.scan import Scan
from parlour.files.store import new_key
from parlour.kernel import clock
from parlour.kernel.access import Actor, Kind, Permission, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.kernel.events import FileScanned
from parlour.kernel.messages import Attachment

DELETE = "files.delete"
SCAN = "files.scan"
SCAN_AFTER = timedelta(minutes=1)
"""A scanner that was away may be back by then."""
INFECTED, UNSCANNED, UNSCANNABLE = Scan.INFECTED.value, Scan.UNSCANNED.value, Scan.UNSCANNABLE.value
STAGED_LIFE = timedelta(days=1)
SWEEP_BATCH = 100


class TicketFull(DomainError):
    status = 413
    code = "ticket_full"
    message = "The files of this ticket are more than we can keep together. Please send a link to this one."


class NotScanned(DomainError):
    """The virus scanner could not say anything of it so far."""

    status = 409
    code = "not_scanned"
    message = "This file has not been checked for viruses yet. Please try again in a few minutes."


class Unscannable(DomainError):
    """It is more than the virus scanner takes, so nobody will ever know."""

    status = 409
    code = "unscannable"
    message = "This file is too large for our virus scanner, so we do not hand it out. Please ask us for it."


class Withdrawn(DomainError):
    """It was taken in before the virus scanner knew it."""

    status = 410
    code = "withdrawn"
    message = "This file was withdrawn: our virus scanner found something in it."


class WorkspaceFull(DomainError):
    status = 413
    code = "workspace_full"
    message = "There is no room for more files here at the moment."


def _uploaders(tx: Tx) -> list[str]:
    """Whom the actor's files belong to; new ones to the first. A visitor may hold several secrets."""
    return tx.actor.id.split(" ") if tx.actor.kind is Kind.VISITOR else [tx.actor.id]


@requires(Permission.FILE_ATTACH)
def begin(tx: Tx, name: str, size: int, room_id: UUID | None) -> Begun:
    """Make room for a file of so many bytes, for a room that the actor writes in, or for a ticket to come.

    Raises TicketFull, WorkspaceFull.
    """
    _count(tx, tx.actor.kind, room_id, size)
    begun = Begun(clock.new_id(), new_key(tx.workspace_id), new_key(tx.workspace_id))
    store.insert_file(
        tx,
        begun,
        room_id=room_id,
        name=safe_name(name),
        size=size,
        uploader=_uploaders(tx)[0],
        kind=tx.actor.kind,
    )
    return begun


def _count(tx: Tx, kind: Kind, room_id: UUID | None, size: int) -> None:
    """Whoever uploads has so many bytes more, or less. Raises TicketFull, WorkspaceFull."""
    house, more = tx.as_system(), size > 0
    of_visitors = size if kind is Kind.VISITOR else 0
    of_all_visitors = store.count_in_workspace(house, size, of_visitors=of_visitors)
    if more and of_visitors and of_all_visitors > VISITORS_BYTES:
        raise WorkspaceFull
    if room_id and kind is Kind.CUSTOMER:
        in_room = store.count_in_room(house, room_id, size)
        if more and in_room > TICKET_BYTES:
            raise TicketFull


@requires(Permission.FILE_ATTACH)
def keep_within(tx: Tx, quota: int) -> None:
    """What was begun must fit among so many bytes of the workspace's. Raises WorkspaceFull."""
    if store.taken(tx.as_system()) > quota:
        raise WorkspaceFull


@requires(Permission.WORKSPACE_MANAGE)
def space(tx: Tx, quota: int) -> Space:
    return Space(store.taken(tx.as_system()), quota)


@requires(Permission.FILE_ATTACH)
def stage(tx: Tx, file_id: UUID, facts: Facts) -> Attachment:
    """The bytes are stored: a message may bring them. Raises NotFound when it was taken back meanwhile."""
    if not store.set_facts(tx, file_id, facts):
        raise NotFound
    if facts.scan == UNSCANNED:
        tx.as_system().enqueue(SCAN, {"file_id": str(file_id)}, after=SCAN_AFTER)
    return store.these(tx, [file_id])[file_id].attachment


@requires(Permission.FILE_ATTACH)
def take_back(tx: Tx, file_id: UUID) -> None:
    """Forget a file of the actor's that no message has brought; what is gone already is no error."""
    _forget(tx, file_id, _uploaders(tx))


def _forget(tx: Tx, file_id: UUID, uploaders: Sequence[str]) -> None:
    gone = store.delete_staged(tx, file_id, uploaders=uploaders)
    if gone:
        _count(tx, Kind(gone.uploader_kind), gone.room_id, -gone.counted)
        tx.as_system().enqueue(DELETE, {"keys": [gone.storage_key, gone.thumbnail_key]})


@requires(Permission.FILE_ATTACH)
def staged(tx: Tx, file_ids: Sequence[UUID]) -> list[Attachment]:
    """Those of the files that the actor may send now."""
    found = store.these(tx, file_ids) if file_ids else {}
    return [found[one].attachment for one in file_ids if one in found and _is_ready(tx, found[one])]


def _is_ready(tx: Tx, file: File) -> bool:
    return file.seq is None and file.uploader in _uploaders(tx)


@requires(Permission.FILE_ATTACH)
def chosen(tx: Tx, room_id: UUID | None, file_ids: Sequence[UUID]) -> list[File]:
    """What the actor has staged for the room, or for a ticket to come, to be sent in this order.

    Raises Invalid (`files`: too_many, gone).
    """
    unique = list(dict.fromkeys(file_ids))
    if len(unique) > MESSAGE_FILES:
        raise Invalid({"files": "too_many"})
    found = store.these(tx, unique) if unique else {}
    here = {one for one, file in found.items() if file.room_id == room_id and _is_ready(tx, file)}
    if len(here) < len(unique):
        raise Invalid({"files": "gone"})
    return [found[one] for one in unique]


@requires(Permission.FILE_ATTACH)
def attach(tx: Tx, room_id: UUID, seq: int, files: Sequence[File]) -> None:
    """The message under this number brings what was `chosen`."""
    store.attach(tx, [file.attachment.file_id for file in files], room_id=room_id, seq=seq)


@requires(Permission.FILE_ATTACH)
def hand_over(tx: Tx, file_ids: Sequence[UUID], room_id: UUID, to: Actor) -> None:
    """What was staged for a ticket to come is for its room now, as if `to` had uploaded it there.

    Raises Invalid (`files`: too_many, gone), TicketFull.
    """
    for file in chosen(tx, None, file_ids):
        _count(tx, file.uploader_kind, None, -file.counted)
        _count(tx, to.kind, room_id, file.counted)
        store.hand_over(
            tx.as_system(), file.attachment.file_id, room_id=room_id, uploader=to.id, kind=to.kind
        )


@requires(Permission.FILE_ATTACH)
def prints(tx: Tx, file_ids: Sequence[UUID]) -> list[str]:
    """What tells these files from others, whenever they were uploaded: their names and contents."""
    found = store.these(tx.as_system(), file_ids) if file_ids else {}
    return ["\0".join(found[one].print) for one in dict.fromkeys(file_ids) if one in found]


@requires(Permission.FILE_ATTACH)
def are_those_of(tx: Tx, room_id: UUID, seq: int, file_ids: Sequence[UUID]) -> bool:
    """Whether the message has brought just these, though they were uploaded once more. Then the copies go."""
    house, unique = tx.as_system(), list(dict.fromkeys(file_ids))
    brought = store.of_message(house, room_id, seq)
    found = store.these(house, unique) if unique else {}
    given = [file for file in found.values() if (file.room_id, file.seq) == (room_id, seq)]
    copies = [file for file in found.values() if _is_ready(tx, file)]
    if len(given) + len(copies) < len(unique):
        return False
    if [file.print for file in brought] != [found[one].print for one in unique]:
        return False
    for file in copies:
        _forget(tx, file.attachment.file_id, [file.uploader])
    return True


@requires(Permission.ROOM_READ)
def file(tx: Tx, file_id: UUID) -> File:
    """One whose bytes are there, whichever room it is in: whoever asks looks whether the actor may be there.

    Raises NotFound, also for what another has staged; Withdrawn; for customers, who are not to get from
    us what nobody has looked at, NotScanned and Unscannable.
    """
    found = store.these(tx, [file_id]).get(file_id)
    if found is None or (found.seq is None and not _is_ready(tx, found)):
        raise NotFound
    if found.attachment.scan == INFECTED:
        raise Withdrawn
    if found.attachment.scan == UNSCANNED and tx.actor.kind is Kind.CUSTOMER:
        raise NotScanned
    if found.attachment.scan == UNSCANNABLE and tx.actor.kind is Kind.CUSTOMER:
        raise Unscannable
    return found


@requires(Permission.SYSTEM)
def brought(tx: Tx, file_ids: Sequence[UUID]) -> dict[UUID, File]:
    """Those of the files that messages have brought, by their ids, whatever the scanner says of them."""
    return {file_id: file for file_id, file in store.these(tx, file_ids).items() if file.seq is not None}


@requires(Permission.SYSTEM)
def unscanned(tx: Tx, file_id: UUID) -> File | None:
    """The file, as long as nobody knows what is in it."""
    found = store.these(tx, [file_id]).get(file_id)
    return found if found and found.attachment.scan == UNSCANNED else None


@requires(Permission.SYSTEM)
def set_scan(tx: Tx, file_id: UUID, scan: Scan) -> None:
    """The scanner's last word, but for an infected file: that is withdrawn. Open pages hear of it."""
    found = unscanned(tx, file_id)
    if found is None:
        return
    store.set_scan(tx, file_id, scan.value)
    if found.room_id and found.seq is not None:
        tx.emit(FileScanned(tx.workspace_id, found.room_id, file_id, scan.value))


@requires(Permission.FILE_RELEASE)
def release(tx: Tx, file_id: UUID) -> bool:
    """Customers get a file that is more than the scanner takes: whoever releases it answers for it.

    False, and nothing is done, when it is no such file any more.
    """
    return _judge(tx, file_id, Scan.OFF)


@requires(Permission.FILE_RELEASE)
def scan_again(tx: Tx, file_id: UUID) -> bool:
    """The scanner is asked once more, as it may take more by now. False, and nothing is done, as above."""
    judged = _judge(tx, file_id, Scan.UNSCANNED)
    if judged:
        tx.as_system().enqueue(SCAN, {"file_id": str(file_id)})
    return judged


def _judge(tx: Tx, file_id: UUID, scan: Scan) -> bool:
    found = store.these(tx, [file_id]).get(file_id)
    if found is None or not store.judge(tx.as_system(), file_id, scan.value):
        return False
    if found.room_id:
        tx.emit(FileScanned(tx.workspace_id, found.room_id, file_id, scan.value))
    return True


@requires(Permission.SYSTEM)
def withdraw(tx: Tx, file_id: UUID) -> File | None:
    """Nobody gets the bytes any more; its name stays with the message that brought it. None when no message
    did, and it is gone.
    """
    found = store.these(tx, [file_id]).get(file_id)
    if found is None or found.attachment.scan == INFECTED:
        return None
    if found.seq is None:
        _forget(tx, file_id, [found.uploader])
        return None
    store.set_scan(tx, file_id, INFECTED)
    tx.enqueue(DELETE, {"keys": [found.storage_key, found.thumbnail_key]})
    return found


@requires(Permission.ROOM_READ)
def of_message(tx: Tx, room_id: UUID, seq: int) -> list[Attachment]:
    """What a message of a room that the actor may be in has brought."""
    return [file.attachment for file in store.of_message(tx, room_id, seq)]


@requires(Permission.NOTE_READ)
def newest(tx: Tx, before: Mapping[UUID, int]) -> Page:
    """`PAGE` of the newest files of these rooms, below a number in each, and the rest of the last message."""
    # Whole messages are taken while there is room for one, so each is read to its end.
    found = {
        room: store.newest(tx, room, before=end, limit=PAGE + MESSAGE_FILES) for room, end in before.items()
    }
    shown: list[tuple[UUID, Attachment]] = []
    older = dict(before)
    while len(shown) < PAGE and any(found.values()):
        room = max((room for room in found if found[room]), key=lambda room: found[room][0][1].file_id)
        older[room], left = found[room][0][0], found[room]
        shown += [(room, file) for seq, file in left if seq == older[room]]
        found[room] = [(seq, file) for seq, file in left if seq < older[room]]
    return Page(shown, older if any(found.values()) else None)


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what was uploaded more than a day ago and no message has brought; says how much."""
    left = store.left_behind(tx, before=clock.now() - STAGED_LIFE, limit=SWEEP_BATCH)
    for workspace_id, file_id, uploader in sorted(left):
        _forget(tx.acting_as(Actor.system(workspace_id)), file_id, [uploader])
    return len(left)
