"""SQL of what happened around accounts, as their workspaces keep it."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, select

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import security_events, users
from parlour.features.workspaces.models import TrailRow
from parlour.kernel import clock

_ROW = (
    security_events.c.event_id,
    security_events.c.actor_name,
    security_events.c.action,
    security_events.c.detail,
    security_events.c.times,
    security_events.c.last_at,
    security_events.c.actor_id,
)


def name_of(tx: Tx, user_id: UUID) -> str:
    return tx.execute(select(users.c.name).where(users.c.user_id == user_id)).scalar_one_or_none() or ""


@cache
def _count(database: str) -> Any:
    query = dialect.insert_on(database, security_events)
    return query.on_conflict_do_update(
        index_elements=["workspace_id", "actor_id", "action", "hour"],
        set_={
            "times": security_events.c.times + 1,
            "detail": query.excluded.detail,
            "actor_name": query.excluded.actor_name,
            "last_at": query.excluded.last_at,
        },
    )


def count(tx: Tx, *, actor_id: str, actor_name: str, action: str, detail: str) -> None:
    """One more of this person's, of this kind, in this hour. The row tells of the last."""
    now = clock.now()
    event = {
        "workspace_id": tx.workspace_id,
        "event_id": clock.new_id(),
        "actor_id": actor_id,
        "actor_name": actor_name,
        "action": action,
        "detail": detail,
        "hour": _hour(now),
        "times": 1,
        "last_at": now,
    }
    tx.execute(_count(dialect.name_of(tx)), event)


def is_counted(tx: Tx, *, actor_id: str, action: str) -> bool:
    """Whether there was one in this hour."""
    this = (security_events.c.actor_id == actor_id) & (security_events.c.action == action)
    query = select(security_events.c.event_id).where(security_events.c.workspace_id == HERE, this)
    return tx.run(query.where(security_events.c.hour == _hour(clock.now()))).first() is not None


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def events(
    tx: Tx, *, action: str, actor_id: str, before: UUID | None, after: UUID | None, limit: int
) -> Sequence[TrailRow]:
    """The newest first; those just `after` an id the oldest first."""
    key = security_events.c.event_id
    query = select(*_ROW).where(security_events.c.workspace_id == HERE)
    if action:
        query = query.where(security_events.c.action == action)
    if actor_id:
        query = query.where(security_events.c.actor_id == actor_id)
    if before:
        query = query.where(key < before)
    if after:
        query = query.where(key > after)
    query = query.order_by(key if after else key.desc()).limit(bindparam("limit", type_=Integer()))
    return [TrailRow(*row) for row in tx.run(query, limit=limit)]


def delete_old(tx: Tx, *, before: datetime, limit: int) -> int:
    old = security_events.c.hour < before
    return dialect.delete_some(tx, security_events, old, security_events.c.hour, limit=limit)
