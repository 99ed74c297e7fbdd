"""Files from their upload to the message that brings them.

A file is staged first: a row, then the bytes, then what is known of them. It is its uploader's alone until a
message of theirs brings it, in that message's transaction. What no message brings goes after a day. A row
goes before its objects do, which a job deletes: no row ever names what was taken away.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.files import store
from parlour.features.files.models import (
    MESSAGE_FILES,
    TICKET_BYTES,
    WORKSPACE_BYTES,
    Begun,
    Facts,
    File,
)
from parlour.files.names import safe_name
from parlour.files.store import new_key
from parlour.kernel import clock
from parlour.kernel.access import Actor, Kind, Permission, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.kernel.messages import Attachment

DELETE = "files.delete"
STAGED_LIFE = timedelta(days=1)
SWEEP_BATCH = 100


class TicketFull(DomainError):
    status = 413
    code = "ticket_full"
    message = "The files of this ticket are more than we can keep together. Please send a link to this one."


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
    house = tx.as_system()
    if (
        room_id
        and tx.actor.kind is Kind.CUSTOMER
        and store.size_of_room(house, room_id) + size > TICKET_BYTES
    ):
        raise TicketFull
    if store.count_in_workspace(house, size) > WORKSPACE_BYTES:
        raise WorkspaceFull
    begun = Begun(clock.new_id(), new_key(tx.workspace_id), new_key(tx.workspace_id))
    uploader = _uploaders(tx)[0]
    store.insert_file(tx, begun, room_id=room_id, name=safe_name(name), size=size, uploader=uploader)
    return begun


@requires(Permission.FILE_ATTACH)
def stage(tx: Tx, file_id: UUID, facts: Facts, *, counted: int) -> Attachment:
    """The bytes are stored: a message may bring them. `counted` is the size that was begun with.

    Raises NotFound when the file was taken back meanwhile.
    """
    if not store.set_facts(tx, file_id, facts):
        raise NotFound
    store.count_in_workspace(tx.as_system(), facts.size - counted)
    return store.these(tx, [file_id])[file_id].attachment


@requires(Permission.FILE_ATTACH)
def take_back(tx: Tx, file_id: UUID) -> None:
    """Forget a file of the actor's that no message has brought; what is gone already is no error."""
    _forget(tx, file_id, _uploaders(tx))


def _forget(tx: Tx, file_id: UUID, uploaders: Sequence[str]) -> None:
    house = tx.as_system()
    gone = store.delete_staged(tx, file_id, uploaders=uploaders)
    if gone:
        size, *keys = gone
        store.count_in_workspace(house, -size)
        house.enqueue(DELETE, {"keys": keys})


@requires(Permission.FILE_ATTACH)
def staged(tx: Tx, file_ids: Sequence[UUID]) -> list[Attachment]:
    """Those of the files that the actor may send now."""
    found = store.these(tx, file_ids) if file_ids else {}
    return [found[one].attachment for one in file_ids if one in found and _is_ready(tx, found[one])]


def _is_ready(tx: Tx, file: File) -> bool:
    return file.seq is None and file.uploader in _uploaders(tx)


@requires(Permission.FILE_ATTACH)
def chosen(tx: Tx, room_id: UUID, file_ids: Sequence[UUID]) -> list[File]:
    """What the actor has staged for the room, to be sent in this order.

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
    """The message under this number brings what was `chosen`. Raises TicketFull."""
    if not files:
        return
    size = sum(file.attachment.size for file in files)
    if tx.actor.kind is Kind.CUSTOMER and store.count_in_room(tx, room_id, size) > TICKET_BYTES:
        raise TicketFull
    store.attach(tx, [file.attachment.file_id for file in files], room_id=room_id, seq=seq)


@requires(Permission.FILE_ATTACH)
def are_those_of(tx: Tx, room_id: UUID, seq: int, file_ids: Sequence[UUID]) -> bool:
    """Whether the message has brought just these, though they were uploaded once more. Then the copies go."""
    unique = list(dict.fromkeys(file_ids))
    brought = [file.print for file in store.of_message(tx, room_id, seq)]
    given = store.these(tx, unique) if unique else {}
    if brought != [given[one].print for one in unique if one in given] or len(given) < len(unique):
        return False
    for file in given.values():
        if _is_ready(tx, file):
            _forget(tx, file.attachment.file_id, [file.uploader])
    return True


@requires(Permission.ROOM_READ)
def file(tx: Tx, file_id: UUID) -> File:
    """One whose bytes are there, whichever room it is in: whoever asks looks whether the actor may be there.

    Raises NotFound, also for what another has staged.
    """
    found = store.these(tx, [file_id]).get(file_id)
    if found is None or (found.seq is None and not _is_ready(tx, found)):
        raise NotFound
    return found


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what was uploaded more than a day ago and no message has brought; says how much."""
    left = store.left_behind(tx, before=clock.now() - STAGED_LIFE, limit=SWEEP_BATCH)
    for workspace_id, file_id, uploader in sorted(left):
        _forget(tx.acting_as(Actor.system(workspace_id)), file_id, [uploader])
    return len(left)
