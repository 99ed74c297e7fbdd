"""SQL of what a workspace takes along: pages of rows by their keys, so that none is missed or told twice."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, Uuid, and_, bindparam, case, null, select

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.erasure import NOWHERE
from parlour.db.schema import (
    audit_log,
    canned_replies,
    chat_rooms,
    contacts,
    files,
    mails,
    members,
    messages,
    outgoing_mails,
    participants,
    saved_views,
    scan_state,
    tags,
    ticket_tags,
    tickets,
    users,
)

STEP = 200
"""Rows of a page."""
Row = dict[str, Any]

_AFTER = bindparam("after", type_=Uuid())
_AFTER_SEQ = bindparam("after", type_=Integer())
_SO_MANY = bindparam("step", type_=Integer())


def _columns(source: Any, names: str) -> list[ColumnElement[Any]]:
    return [source.c[name] for name in names.split()]


def _pages(query: Select[Any], key: ColumnElement[UUID]) -> Select[Any]:
    return query.where(key > _AFTER).order_by(key).limit(_SO_MANY)


_MEMBERS = (
    select(members.c.user_id, users.c.name, users.c.email, members.c.role, users.c.created_at)
    .join(users, users.c.user_id == members.c.user_id)
    .where(members.c.workspace_id == HERE)
)
_CONTACTS = select(*_columns(contacts, "contact_id email name note blocked_at created_at"))
_TAGS = select(*_columns(tags, "tag_id name colour created_at"))
_REPLIES = select(*_columns(canned_replies, "reply_id owner_id name content created_at"))
_VIEWS = select(*_columns(saved_views, "view_id owner_id name query created_at"))
_AUDIT = select(*_columns(audit_log, "entry_id actor_id actor_name action before after created_at"))
_MAILS = select(
    *_columns(mails, "mail_id message_id sender subject outcome reason verified ticket_id size received_at")
)
_OUTGOING = select(
    *_columns(outgoing_mails, "mail_id ticket_id kind recipient outcome said queued_at changed_at")
)
LISTS: Mapping[str, Select[Any]] = {
    "members": _pages(_MEMBERS, members.c.user_id),
    "contacts": _pages(_CONTACTS.where(contacts.c.workspace_id == HERE), contacts.c.contact_id),
    "tags": _pages(_TAGS.where(tags.c.workspace_id == HERE, tags.c.deleted_at.is_(None)), tags.c.tag_id),
    "canned_replies": _pages(
        _REPLIES.where(canned_replies.c.workspace_id == HERE), canned_replies.c.reply_id
    ),
    "views": _pages(_VIEWS.where(saved_views.c.workspace_id == HERE), saved_views.c.view_id),
    "audit": _pages(
        _AUDIT.where(audit_log.c.workspace_id == HERE, audit_log.c.ticket_id.is_(None)), audit_log.c.entry_id
    ),
    "mails": _pages(_MAILS.where(mails.c.workspace_id == HERE), mails.c.mail_id),
    "outgoing_mails": _pages(
        _OUTGOING.where(outgoing_mails.c.workspace_id == HERE), outgoing_mails.c.mail_id
    ),
}
"""What has a file of its own in the archive. The first column is the key."""

_IS_ERASED = tickets.c.email.endswith(f"@{NOWHERE}")
"""Then it may still hold a name, by which the rest of an erasure finds what else tells of its customer."""
_TICKETS = _pages(
    select(
        *_columns(tickets, "ticket_id number subject description status priority email"),
        case((_IS_ERASED, null()), else_=tickets.c.typed_name).label("typed_name"),
        *_columns(
            tickets,
            "assignee_id created_at updated_at last_message_at waiting_since first_answer_at snoozed_until "
            "merged_into",
        ),
    ).where(tickets.c.workspace_id == HERE),
    tickets.c.ticket_id,
)
_TAGGED = (
    select(ticket_tags.c.ticket_id, tags.c.name)
    .join(
        tags, and_(tags.c.workspace_id == ticket_tags.c.workspace_id, tags.c.tag_id == ticket_tags.c.tag_id)
    )
    .where(
        ticket_tags.c.workspace_id == HERE,
        dialect.one_of(ticket_tags.c.ticket_id, "these"),
        tags.c.deleted_at.is_(None),
    )
    .order_by(ticket_tags.c.ticket_id, tags.c.name)
)
_IN_COPY = (
    select(participants.c.ticket_id, participants.c.email)
    .where(participants.c.workspace_id == HERE, dialect.one_of(participants.c.ticket_id, "these"))
    .order_by(participants.c.ticket_id, participants.c.added_at, participants.c.email)
)
_ROOMS = select(chat_rooms.c.audience, chat_rooms.c.room_id).where(
    chat_rooms.c.workspace_id == HERE, chat_rooms.c.ticket_id == bindparam("ticket")
)
_MESSAGES = (
    select(
        *_columns(messages, "seq message_id content sender_type sender_id sender_name client_id created_at"),
        messages.c.files.label("files"),
    )
    .where(
        messages.c.workspace_id == HERE,
        messages.c.room_id == bindparam("room"),
        messages.c.seq > _AFTER_SEQ,
    )
    .order_by(messages.c.seq)
    .limit(_SO_MANY)
)
_BROUGHT = (
    select(*_columns(files, "seq file_id name media_type size"), scan_state)
    .where(
        files.c.workspace_id == HERE,
        files.c.room_id == bindparam("room"),
        files.c.seq > _AFTER_SEQ,
        files.c.seq <= bindparam("upto", type_=Integer()),
    )
    .order_by(files.c.seq, files.c.position)
)
_CHANGES = _pages(
    _AUDIT.where(audit_log.c.workspace_id == HERE, audit_log.c.ticket_id == bindparam("ticket")),
    audit_log.c.entry_id,
)
_FILES = _pages(
    select(*_columns(files, "file_id name storage_key size created_at")).where(
        files.c.workspace_id == HERE, files.c.seq.is_not(None), files.c.scan != "infected"
    ),
    files.c.file_id,
)
_ORIGINALS = _pages(
    select(*_columns(mails, "mail_id storage_key size"), mails.c.received_at.label("created_at")).where(
        mails.c.workspace_id == HERE, mails.c.storage_key != ""
    ),
    mails.c.mail_id,
)


def _rows(tx: Tx, query: Select[Any], **asked: Any) -> list[Row]:
    return [dict(row._mapping) for row in tx.run(query, **asked)]  # noqa: SLF001 its public way to a dict


def following(tx: Tx, listed: str, after: UUID) -> list[Row]:
    """Of one of the LISTS, what comes after that key."""
    return _rows(tx, LISTS[listed], after=after, step=STEP)


def tickets_after(tx: Tx, after: UUID) -> list[Row]:
    """With the names of their `tags`, and the addresses of their `participants`."""
    found = _rows(tx, _TICKETS, after=after, step=STEP)
    copied: dict[UUID, list[str]] = {row["ticket_id"]: row.setdefault("participants", []) for row in found}
    for ticket_id, email in tx.run(_IN_COPY, these=list(copied)):
        copied[ticket_id].append(email)
    tagged: dict[UUID, list[str]] = {row["ticket_id"]: row.setdefault("tags", []) for row in found}
    for ticket_id, name in tx.run(_TAGGED, these=list(tagged)):
        tagged[ticket_id].append(name)
    return found


def rooms(tx: Tx, ticket_id: UUID) -> dict[str, UUID]:
    """By their audience, `public` and `internal`."""
    return {row.audience: row.room_id for row in tx.run(_ROOMS, ticket=ticket_id)}


def messages_after(tx: Tx, room_id: UUID, seq: int) -> list[Row]:
    """With what they brought as `files`."""
    found = _rows(tx, _MESSAGES, room=room_id, after=seq, step=STEP)
    brought: dict[int, list[Row]] = {}
    if any(row["files"] for row in found):
        for file in _rows(tx, _BROUGHT, room=room_id, after=seq, upto=found[-1]["seq"]):
            brought.setdefault(file.pop("seq"), []).append(file)
    return [row | {"files": brought.get(row["seq"], [])} for row in found]


def changes_after(tx: Tx, ticket_id: UUID, after: UUID) -> list[Row]:
    return _rows(tx, _CHANGES, ticket=ticket_id, after=after, step=STEP)


def files_after(tx: Tx, after: UUID) -> Sequence[Row]:
    """What messages brought, with its `storage_key`; of what was withdrawn there are no bytes."""
    return _rows(tx, _FILES, after=after, step=STEP)


def originals_after(tx: Tx, after: UUID) -> Sequence[Row]:
    """Mails, with their `storage_key`."""
    return _rows(tx, _ORIGINALS, after=after, step=STEP)
