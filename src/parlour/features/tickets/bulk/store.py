"""SQL of changes of many tickets. An item's `done_at` says that it was dealt with in this direction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, bindparam, delete, func, insert, select, true, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import bulk_changes, bulk_items, tickets
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
    bulk_changes.c.put_back,
    bulk_changes.c.position,
)
_CHANGED = bulk_items.c.before.is_not(None) & bulk_items.c.after.is_not(None)


def _this(tx: Tx, bulk_id: UUID) -> ColumnElement[bool]:
    return (bulk_changes.c.workspace_id == tx.workspace_id) & (bulk_changes.c.bulk_id == bulk_id)


def _items(tx: Tx, bulk_id: UUID) -> ColumnElement[bool]:
    return (bulk_items.c.workspace_id == tx.workspace_id) & (bulk_items.c.bulk_id == bulk_id)


def insert_bulk(tx: Tx, *, bulk_id: UUID, user_id: UUID | None, field: Field, value: str, total: int) -> None:
    tx.execute(
        insert(bulk_changes).values(
            workspace_id=tx.workspace_id,
            bulk_id=bulk_id,
            user_id=user_id,
            field=field.value,
            value=value,
            total=total,
            created_at=clock.now(),
        )
    )


def list_items(tx: Tx, bulk_id: UUID, ticket_ids: Sequence[UUID]) -> None:
    """Which tickets are to change; those that are listed already stay as they are."""
    items = dialect.insert(tx, bulk_items).on_conflict_do_nothing()
    this = {"workspace_id": tx.workspace_id, "bulk_id": bulk_id}
    tx.execute(items, [{**this, "ticket_id": ticket_id} for ticket_id in ticket_ids])


def lock_bulk(tx: Tx, bulk_id: UUID) -> Bulk | None:
    row = tx.execute(select(*_BULK).where(_this(tx, bulk_id)).with_for_update()).first()
    return _bulk(row) if row else None


def bulk(tx: Tx, bulk_id: UUID) -> Bulk | None:
    row = tx.execute(select(*_BULK).where(_this(tx, bulk_id))).first()
    return _bulk(row) if row else None


def _bulk(row: Any) -> Bulk:
    fields = list(row)
    fields[2] = Field(row[2])
    return Bulk(*fields)


def _beyond(position: UUID | None) -> ColumnElement[bool]:
    return bulk_items.c.ticket_id > position if position else true()


def waiting(tx: Tx, bulk_id: UUID, *, beyond: UUID | None, limit: int) -> list[UUID]:
    """The next tickets to change."""
    query = (
        select(bulk_items.c.ticket_id)
        .where(_items(tx, bulk_id), bulk_items.c.done_at.is_(None), _beyond(beyond))
        .order_by(bulk_items.c.ticket_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def to_put_back(tx: Tx, bulk_id: UUID, *, beyond: UUID | None, limit: int) -> list[Changed]:
    """The next changed tickets whose change has not been undone."""
    items = bulk_items.c
    query = (
        select(items.ticket_id, items.before, items.after, items.status_before, items.done_at)
        .where(_items(tx, bulk_id), _CHANGED, bulk_items.c.done_at.is_not(None), _beyond(beyond))
        .order_by(bulk_items.c.ticket_id)
        .limit(limit)
    )
    return [Changed(row[0], row[1], row[2], Status(row[3]), row[4]) for row in tx.execute(query)]


_ITEM = (
    (bulk_items.c.workspace_id == HERE)
    & (bulk_items.c.bulk_id == bindparam("bulk"))
    & (bulk_items.c.ticket_id == bindparam("ticket"))
)
_DONE = update(bulk_items).where(_ITEM)
_NOTE_CHANGE = _DONE.values(
    before=bindparam("was"),
    after=bindparam("is"),
    status_before=bindparam("status_was"),
    done_at=bindparam("at", type_=bulk_items.c.done_at.type),
)
_NOTE_UNCHANGED = _DONE.values(done_at=bindparam("at", type_=bulk_items.c.done_at.type))
_NOTE_UNDONE = _DONE.values(done_at=None)
_NOTE_PUT_BACK = _DONE.values(done_at=None, after=None)


def _note(tx: Tx, statement: Update, bulk_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        this = {"workspace": tx.workspace_id, "bulk": bulk_id}
        tx.execute(statement, [{**this, **row} for row in rows])


def note_changes(tx: Tx, bulk_id: UUID, changes: Sequence[Changed]) -> None:
    rows = [
        {
            "ticket": change.ticket_id,
            "was": change.before,
            "is": change.after,
            "status_was": change.status_before.value,
            "at": clock.now(),
        }
        for change in changes
    ]
    _note(tx, _NOTE_CHANGE, bulk_id, rows)


def note_unchanged(tx: Tx, bulk_id: UUID, ticket_ids: Sequence[UUID]) -> None:
    """They are done, and had the value already."""
    rows = [{"ticket": ticket_id, "at": clock.now()} for ticket_id in ticket_ids]
    _note(tx, _NOTE_UNCHANGED, bulk_id, rows)


def note_undone(tx: Tx, bulk_id: UUID, ticket_ids: Sequence[UUID], *, put_back: bool) -> None:
    statement = _NOTE_PUT_BACK if put_back else _NOTE_UNDONE
    _note(tx, statement, bulk_id, [{"ticket": ticket_id} for ticket_id in ticket_ids])


def set_progress(tx: Tx, now: Bulk, *, finished_at: datetime | None) -> None:
    values = {
        "done": now.done,
        "changed": now.changed,
        "put_back": now.put_back,
        "position": now.position,
        "finished_at": finished_at,
    }
    tx.execute(update(bulk_changes).where(_this(tx, now.bulk_id)).values(**values))


def turn_round(tx: Tx, bulk_id: UUID) -> None:
    """From now on it is being undone."""
    values = {"done": 0, "position": None, "finished_at": None, "undone_at": clock.now()}
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


_UNCHANGED = select(tickets.c.ticket_id).where(
    tickets.c.workspace_id == HERE,
    dialect.one_of(tickets.c.ticket_id, "these"),
    tickets.c.updated_at <= bindparam("since", type_=tickets.c.updated_at.type),
)


def unchanged_since(tx: Tx, ticket_ids: Sequence[UUID], moment: datetime) -> list[UUID]:
    """Those of the tickets that were there then, as they are now but for what was said."""
    return list(tx.run(_UNCHANGED, these=list(ticket_ids), since=moment).scalars())


_HOW_MANY_OF = select(func.count()).where(
    tickets.c.workspace_id == HERE, dialect.one_of(tickets.c.ticket_id, "these")
)


def how_many_of(tx: Tx, ticket_ids: Sequence[UUID]) -> int:
    """How many of these are tickets of this workspace."""
    counted: int = tx.run(_HOW_MANY_OF, these=list(ticket_ids)).scalar_one()
    return counted
