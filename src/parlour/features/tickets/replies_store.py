"""SQL of canned replies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from parlour.db.database import Tx
from parlour.db.schema import canned_replies
from parlour.features.tickets.models import Reply
from parlour.kernel import clock

_REPLY = (
    canned_replies.c.reply_id,
    canned_replies.c.name,
    canned_replies.c.content,
    canned_replies.c.owner_id,
)


def _usable(tx: Tx) -> ColumnElement[bool]:
    """The workspace's, and the actor's own."""
    nobodys = canned_replies.c.owner_id.is_(None)
    return (canned_replies.c.workspace_id == tx.workspace_id) & (
        nobodys | (canned_replies.c.owner_id == tx.actor.user_id)
    )


def _reply(row: Any) -> Reply:
    return Reply(*row)


def usable(tx: Tx, *, limit: int) -> Sequence[Reply]:
    """By name, whatever its case."""
    query = select(*_REPLY).where(_usable(tx))
    query = query.order_by(func.lower(canned_replies.c.name), canned_replies.c.reply_id).limit(limit)
    return [_reply(row) for row in tx.execute(query)]


def usable_names(tx: Tx, *, limit: int) -> Sequence[tuple[UUID, str]]:
    query = select(canned_replies.c.reply_id, canned_replies.c.name).where(_usable(tx))
    query = query.order_by(func.lower(canned_replies.c.name), canned_replies.c.reply_id).limit(limit)
    return [(row[0], row[1]) for row in tx.execute(query)]


def reply(tx: Tx, reply_id: UUID) -> Reply | None:
    row = tx.execute(select(*_REPLY).where(_usable(tx), canned_replies.c.reply_id == reply_id)).first()
    return _reply(row) if row else None


def count(tx: Tx, *, owner_id: UUID | None) -> int:
    """How many one owner has; None asks for the workspace's."""
    theirs = canned_replies.c.owner_id == owner_id if owner_id else canned_replies.c.owner_id.is_(None)
    query = select(func.count()).where(canned_replies.c.workspace_id == tx.workspace_id, theirs)
    counted: int = tx.execute(query).scalar_one()
    return counted


def insert_reply(tx: Tx, reply: Reply) -> None:
    tx.execute(
        insert(canned_replies).values(
            workspace_id=tx.workspace_id,
            reply_id=reply.reply_id,
            owner_id=reply.owner_id,
            name=reply.name,
            content=reply.content,
            created_at=clock.now(),
        )
    )


def update_reply(tx: Tx, reply: Reply) -> None:
    query = update(canned_replies).where(_usable(tx), canned_replies.c.reply_id == reply.reply_id)
    tx.execute(query.values(name=reply.name, content=reply.content, owner_id=reply.owner_id))


def delete_reply(tx: Tx, reply_id: UUID) -> None:
    tx.execute(delete(canned_replies).where(_usable(tx), canned_replies.c.reply_id == reply_id))
