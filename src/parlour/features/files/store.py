"""SQL of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Integer, bindparam, delete, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import attachment_columns, chat_rooms, files, workspaces
from parlour.features.files.models import Begun, Facts, File
from parlour.files.scan import Scan
from parlour.kernel import clock
from parlour.kernel.access import Kind
from parlour.kernel.messages import Attachment

_FILE = (
    *attachment_columns,
    files.c.room_id,
    files.c.seq,
    files.c.sha256,
    files.c.uploader,
    files.c.uploader_kind,
    files.c.counted,
    files.c.storage_key,
    files.c.thumbnail_key,
    files.c.has_thumbnail,
)
_HERE = files.c.workspace_id == HERE
_THESE = select(*_FILE).where(
    _HERE, dialect.one_of(files.c.file_id, "these"), files.c.media_type.is_not(None)
)
_OF_MESSAGE = (
    select(*_FILE)
    .where(_HERE, files.c.room_id == bindparam("room"), files.c.seq == bindparam("at", type_=Integer()))
    .order_by(files.c.position)
)
_NEWEST = (
    select(files.c.seq, *attachment_columns)
    .where(_HERE, files.c.room_id == bindparam("room"), files.c.seq < bindparam("before", type_=BigInteger()))
    .order_by(files.c.seq.desc(), files.c.position.desc())
    .limit(bindparam("most", type_=Integer()))
)
_STAGED = _HERE & (files.c.file_id == bindparam("this")) & files.c.seq.is_(None)
_CHANGE = update(files).where(_STAGED).returning(files.c.file_id)
_SCANNED = update(files).where(_HERE, files.c.file_id == bindparam("this"))
_JUDGED = _SCANNED.where(files.c.unscannable).returning(files.c.file_id)
_DELETE = (
    delete(files)
    .where(_STAGED, dialect.one_of(files.c.uploader, "whose"))
    .returning(
        files.c.room_id, files.c.uploader_kind, files.c.counted, files.c.storage_key, files.c.thumbnail_key
    )
)
_MORE = bindparam("more", type_=BigInteger())
_OF_VISITORS = bindparam("of_visitors", type_=BigInteger())
_COUNT_ROOM = (
    update(chat_rooms)
    .where(chat_rooms.c.workspace_id == HERE, chat_rooms.c.room_id == bindparam("room"))
    .values(files_size=chat_rooms.c.files_size + _MORE)
    .returning(chat_rooms.c.files_size)
)
_COUNT_WORKSPACE = (
    update(workspaces)
    .where(workspaces.c.workspace_id == HERE)
    .values(
        files_size=workspaces.c.files_size + _MORE, visitors_size=workspaces.c.visitors_size + _OF_VISITORS
    )
    .returning(workspaces.c.visitors_size)
)
_TAKEN = select(workspaces.c.files_size).where(workspaces.c.workspace_id == HERE)


def _file(row: Sequence[Any]) -> File:
    many = len(attachment_columns)
    room_id, seq, sha256, uploader, kind, *rest = row[many:]
    return File(Attachment(*row[:many]), room_id, seq, sha256, uploader, Kind(kind), *rest)


def insert_file(
    tx: Tx, begun: Begun, *, room_id: UUID | None, name: str, size: int, uploader: str, kind: Kind
) -> None:
    values = {
        "workspace_id": tx.workspace_id,
        "file_id": begun.file_id,
        "room_id": room_id,
        "name": name,
        "size": size,
        "counted": size,
        "storage_key": begun.storage_key,
        "thumbnail_key": begun.thumbnail_key,
        "uploader": uploader,
        "uploader_kind": kind.value,
        "created_at": clock.now(),
    }
    tx.execute(insert(files), values)


def set_facts(tx: Tx, file_id: UUID, facts: Facts) -> bool:
    """False when the file is not there any more."""
    values = {
        "media_type": facts.media_type,
        "size": facts.size,
        "sha256": facts.sha256,
        "width": facts.width,
        "height": facts.height,
        **_as_stored(facts.scan),
        "has_thumbnail": facts.has_thumbnail,
    }
    return tx.run(_CHANGE, this=file_id, **values).first() is not None


def set_scan(tx: Tx, file_id: UUID, scan: str) -> None:
    tx.run(_SCANNED.values(_as_stored(scan)), this=file_id)


def judge(tx: Tx, file_id: UUID, scan: str) -> bool:
    """`set_scan` of a file that cannot be scanned; False when that is not what is known of it any more."""
    return tx.run(_JUDGED.values(_as_stored(scan)), this=file_id).first() is not None


def _as_stored(scan: str) -> dict[str, Any]:
    """What cannot be scanned is unscanned to an older release, which then keeps it from customers, too."""
    unscannable = scan == Scan.UNSCANNABLE
    return {"scan": Scan.UNSCANNED.value if unscannable else scan, "unscannable": unscannable}


def these(tx: Tx, file_ids: Sequence[UUID]) -> dict[UUID, File]:
    """Those of the files whose bytes are there, by their ids."""
    found = (_file(row) for row in tx.rows(_THESE, these=list(file_ids)))
    return {each.attachment.file_id: each for each in found}


def of_message(tx: Tx, room_id: UUID, seq: int) -> list[File]:
    return [_file(row) for row in tx.rows(_OF_MESSAGE, room=room_id, at=seq)]


def newest(tx: Tx, room_id: UUID, *, before: int, limit: int) -> list[tuple[int, Attachment]]:
    """The newest first, each with its message's number, which is below `before`."""
    rows = tx.rows(_NEWEST, room=room_id, before=before, most=limit)
    return [(row[0], Attachment(*row[1:])) for row in rows]


def attach(tx: Tx, file_ids: Sequence[UUID], *, room_id: UUID, seq: int) -> None:
    """In this order."""
    for position, file_id in enumerate(file_ids):
        values = {"room_id": room_id, "seq": seq, "position": position}
        tx.run(_CHANGE.values(values), this=file_id)


def hand_over(tx: Tx, file_id: UUID, *, room_id: UUID, uploader: str, kind: Kind) -> None:
    tx.run(_CHANGE.values(room_id=room_id, uploader=uploader, uploader_kind=kind.value), this=file_id)


class Gone(NamedTuple):
    """What there was to know of a file that was deleted."""

    room_id: UUID | None
    uploader_kind: str
    counted: int
    storage_key: str
    thumbnail_key: str


def delete_staged(tx: Tx, file_id: UUID, *, uploaders: Sequence[str]) -> Gone | None:
    """None when it is not there, not theirs, or a message has brought it."""
    row = tx.run(_DELETE, this=file_id, whose=list(uploaders)).first()
    return Gone(*row) if row else None


def count_in_room(tx: Tx, room_id: UUID, more: int) -> int:
    """What customers have uploaded for the room by now, in bytes."""
    counted: int = tx.run(_COUNT_ROOM, room=room_id, more=more).scalar_one()
    return counted


def count_in_workspace(tx: Tx, more: int, *, of_visitors: int = 0) -> int:
    """What the files for tickets to come count for by now, in bytes."""
    counted: int = tx.run(_COUNT_WORKSPACE, more=more, of_visitors=of_visitors).scalar_one()
    return counted


def taken(tx: Tx) -> int:
    """What all files of the workspace count for, in bytes."""
    counted: int = tx.run(_TAKEN).scalar_one()
    return counted


def left_behind(tx: Tx, *, before: datetime, limit: int) -> list[tuple[UUID, UUID, str]]:
    """(workspace_id, file_id, uploader), of every workspace, begun before then and brought by no message."""
    old = (
        select(files.c.workspace_id, files.c.file_id, files.c.uploader)
        .where(files.c.seq.is_(None), files.c.created_at < before)
        .order_by(files.c.created_at)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(old)]
