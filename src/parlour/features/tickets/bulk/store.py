"""SQL of changes of many tickets. An item's `done_at` says that it was dealt with in this direction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.db.schema import bulk_changes, bulk_items
from parlour.features.tickets.models import Bulk, Changed, Field, Status
from parlour.kernel import clock

_BULK = (
    bulk_changes.c.bulk_id,
    bulk_changes.c.user_id,
    bulk_changes.c.field,
    bulk_changes.c.value,
    bulk_changes.c.total,
    bulk_changes.c.done,
    bulk_changes.c.changed,
    bulk_changes.c.created_at,
    bulk_changes.c.finished_at,
    bulk_changes.c.undone_at,
)
_CHANGED = bulk_items.c.before.is_not(None) & bulk_items.c.after.is_not(None)


def _this(tx: Tx, bulk_id: UUID) -> ColumnElement[bool]:
    return (bulk_changes.c.workspace_id == tx.workspace_id) & (bulk_changes.c.bulk_id == bulk_id)


def _items(tx: Tx, bulk_id: UUID) -> ColumnElement[bool]:
    return (bulk_items.c.workspace_id == tx.workspace_id) & (bulk_items.c.bulk_id == bulk_id)


def insert_bulk(
    tx: Tx, *, bulk_id: UUID, user_id: UUID | None, field: Field, value: str, ticket_ids: Sequence[UUID]
) -> None:
    tx.execute(
        insert(bulk_changes).values(
            workspace_id=tx.workspace_id,
            bulk_id=bulk_id,
            user_id=user_id,
            field=field.value,
            value=value,
            total=len(ticket_ids),
            created_at=clock.now(),
        )
    )
    items = insert(bulk_items).values(workspace_id=tx.workspace_id, bulk_id=bulk_id)
    tx.execute(items, [{"ticket_id": ticket_id} for ticket_id in ticket_ids])


def lock_bulk(tx: Tx, bulk_id: UUID) -> Bulk | None:
    row = tx.execute(select(*_BULK).where(_this(tx, bulk_id)).with_for_update()).first()
    return _bulk(row) if row else None


def bulk(tx: Tx, bulk_id: UUID) -> Bulk | None:
    """With the number of tickets that have their old value again."""
    row = tx.execute(select(*_BULK).where(_this(tx, bulk_id))).first()
    if row is None:
        return None
    put_back = select(func.count()).where(
        _items(tx, bulk_id), bulk_items.c.before.is_not(None), bulk_items.c.after.is_(None)
    )
    return replace(_bulk(row), put_back=tx.execute(put_back).scalar_one())


def _bulk(row: Any) -> Bulk:
    fields = list(row)
    fields[2] = Field(row[2])
    return Bulk(*fields)


def waiting(tx: Tx, bulk_id: UUID, *, limit: int) -> list[UUID]:
    """The next tickets to change."""
    query = (
        select(bulk_items.c.ticket_id)
        .where(_items(tx, bulk_id), bulk_items.c.done_at.is_(None))
        .order_by(bulk_items.c.ticket_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def to_put_back(tx: Tx, bulk_id: UUID, *, limit: int) -> list[Changed]:
    """The next changed tickets whose change has not been undone."""
    items = bulk_items.c
    query = (
        select(items.ticket_id, items.before, items.after, items.status_before)
        .where(_items(tx, bulk_id), _CHANGED, bulk_items.c.done_at.is_not(None))
        .order_by(bulk_items.c.ticket_id)
        .limit(limit)
    )
    return [Changed(row[0], row[1], row[2], Status(row[3])) for row in tx.execute(query)]


def note_change(tx: Tx, bulk_id: UUID, change: Changed) -> None:
    _set_item(
        tx,
        bulk_id,
        change.ticket_id,
        before=change.before,
        after=change.after,
        status_before=change.status_before.value,
        done_at=clock.now(),
    )


def note_unchanged(tx: Tx, bulk_id: UUID, ticket_id: UUID) -> None:
    """It is done, and had the value already."""
    _set_item(tx, bulk_id, ticket_id, done_at=clock.now())


def note_undone(tx: Tx, bulk_id: UUID, ticket_id: UUID, *, put_back: bool) -> None:
    _set_item(tx, bulk_id, ticket_id, done_at=None, **({"after": None} if put_back else {}))


def _set_item(tx: Tx, bulk_id: UUID, ticket_id: UUID, **values: object) -> None:
    tx.execute(
        update(bulk_items).where(_items(tx, bulk_id), bulk_items.c.ticket_id == ticket_id).values(**values)
    )


def set_progress(tx: Tx, bulk_id: UUID, *, done: int, changed: int, finished_at: datetime | None) -> None:
    values = {"done": done, "changed": changed, "finished_at": finished_at}
    tx.execute(update(bulk_changes).where(_this(tx, bulk_id)).values(**values))


def turn_round(tx: Tx, bulk_id: UUID) -> None:
    """From now on it is being undone."""
    values = {"done": 0, "finished_at": None, "undone_at": clock.now()}
    tx.execute(update(bulk_changes).where(_this(tx, bulk_id)).values(**values))


def delete_old(tx: Tx, *, before: datetime, limit: int) -> int:
    """Across all workspaces: the oldest change from before then, or up to `limit` of its items."""
    query = select(bulk_changes.c.workspace_id, bulk_changes.c.bulk_id)
    oldest = query.where(bulk_changes.c.created_at < before).order_by(bulk_changes.c.created_at).limit(1)
    found = tx.execute(oldest).first()
    if found is None:
        return 0
    items = (bulk_items.c.workspace_id == found[0]) & (bulk_items.c.bulk_id == found[1])
    gone = dialect.delete_some(tx, bulk_items, items, bulk_items.c.ticket_id, limit=limit)
    if gone < limit:
        this = (bulk_changes.c.workspace_id == found[0]) & (bulk_changes.c.bulk_id == found[1])
        gone += tx.execute(delete(bulk_changes).where(this)).rowcount
    return gone
