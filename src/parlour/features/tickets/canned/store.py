"""SQL of canned replies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import canned_replies
from parlour.features.tickets.models import Reply
from parlour.kernel import clock

BEGINNING = 400
"""Characters of each text that a list holds: with all of hundreds it could have megabytes."""
_REPLY = (
    canned_replies.c.reply_id,
    canned_replies.c.name,
    canned_replies.c.content,
    canned_replies.c.owner_id,
)


# The workspace's, and the actor's own.
_USABLE = (canned_replies.c.workspace_id == HERE) & (
    canned_replies.c.owner_id.is_(None) | (canned_replies.c.owner_id == bindparam("actor"))
)
_THIS = _USABLE & (canned_replies.c.reply_id == bindparam("this_reply"))
_BY_NAME = (func.lower(canned_replies.c.name), canned_replies.c.reply_id)
_LIMIT = bindparam("limit", type_=Integer())
_WHOLE = select(*_REPLY).where(_USABLE).order_by(*_BY_NAME).limit(_LIMIT)
_BEGINNINGS = (
    select(
        canned_replies.c.reply_id,
        canned_replies.c.name,
        func.substr(canned_replies.c.content, 1, BEGINNING),
        canned_replies.c.owner_id,
        func.length(canned_replies.c.content) > BEGINNING,
    )
    .where(_USABLE)
    .order_by(*_BY_NAME)
    .limit(_LIMIT)
)
_NAMES = (
    select(canned_replies.c.reply_id, canned_replies.c.name).where(_USABLE).order_by(*_BY_NAME).limit(_LIMIT)
)


def _reply(row: Any) -> Reply:
    return Reply(*row)


def usable(tx: Tx, *, limit: int) -> Sequence[Reply]:
    """By name, whatever its case; of each text the first BEGINNING characters."""
    return [_reply(row) for row in tx.run(_BEGINNINGS, actor=tx.actor.user_id, limit=limit)]


def whole(tx: Tx, *, limit: int) -> Sequence[Reply]:
    """`usable`, with all of each text."""
    return [_reply(row) for row in tx.run(_WHOLE, actor=tx.actor.user_id, limit=limit)]


def usable_names(tx: Tx, *, limit: int) -> Sequence[tuple[UUID, str]]:
    return tx.objects(_NAMES, _name, actor=tx.actor.user_id, limit=limit)


def _name(row: Sequence[Any]) -> tuple[UUID, str]:
    return row[0], row[1]


def reply(tx: Tx, reply_id: UUID) -> Reply | None:
    row = tx.run(select(*_REPLY).where(_THIS), actor=tx.actor.user_id, this_reply=reply_id).first()
    return _reply(row) if row else None


def lock(tx: Tx, reply_id: UUID) -> Reply | None:
    """`reply`, which nobody else changes before this transaction has ended."""
    query = select(*_REPLY).where(_THIS).with_for_update()
    row = tx.run(query, actor=tx.actor.user_id, this_reply=reply_id).first()
    return _reply(row) if row else None


def count(tx: Tx, *, owner_id: UUID | None) -> int:
    """How many one owner has; None asks for the workspace's. No more come until the transaction has ended."""
    dialect.lock(tx, "canned replies", tx.workspace_id.hex, str(owner_id))
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
    query = update(canned_replies).where(_THIS)
    query = query.values(name=reply.name, content=reply.content, owner_id=reply.owner_id)
    tx.run(query, actor=tx.actor.user_id, this_reply=reply.reply_id)


def delete_reply(tx: Tx, reply_id: UUID) -> None:
    tx.run(delete(canned_replies).where(_THIS), actor=tx.actor.user_id, this_reply=reply_id)
