"""SQL of saved views, and of how many tickets stand in views."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    TextClause,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import ACTIVE, SNOOZED, saved_views, tickets
from parlour.features.tickets import store
from parlour.features.tickets.listing.mentioned import store as mentioned
from parlour.features.tickets.models import Filters, Priority, SavedView, Stage, Status, Whose
from parlour.features.tickets.notifications import store as notifications
from parlour.features.tickets.notifications.models import Bell
from parlour.kernel import clock

_VIEW = (
    saved_views.c.view_id,
    saved_views.c.owner_id,
    saved_views.c.name,
    saved_views.c.query,
    saved_views.c.position,
)
_SEEN_BY = (
    select(*_VIEW)
    .where(
        saved_views.c.workspace_id == HERE,
        saved_views.c.owner_id.is_(None) | (saved_views.c.owner_id == bindparam("person")),
    )
    .limit(bindparam("limit", type_=Integer()))
)


def seen_by(tx: Tx, user_id: UUID | None, *, limit: int) -> Sequence[SavedView]:
    """Everyone's views and this person's own."""
    return [SavedView(*row) for row in tx.rows(_SEEN_BY, person=user_id, limit=limit)]


def how_many_of(tx: Tx, owner_id: UUID | None) -> int:
    """How many views belong to this person, or to everyone. No more come until this transaction has ended."""
    dialect.lock(tx, "views", tx.workspace_id.hex, str(owner_id))
    counted: int = tx.execute(
        select(func.count()).where(
            saved_views.c.workspace_id == tx.workspace_id,
            saved_views.c.owner_id.is_not_distinct_from(owner_id),
        )
    ).scalar_one()
    return counted


def insert_view(tx: Tx, view: SavedView) -> None:
    tx.execute(
        insert(saved_views).values(
            workspace_id=tx.workspace_id,
            view_id=view.view_id,
            owner_id=view.owner_id,
            name=view.name,
            query=view.query,
            position=view.position,
            created_at=clock.now(),
        )
    )


def view(tx: Tx, view_id: UUID) -> SavedView | None:
    query = select(*_VIEW).where(
        saved_views.c.workspace_id == tx.workspace_id, saved_views.c.view_id == view_id
    )
    row = tx.execute(query).first()
    return SavedView(*row) if row else None


def lock(tx: Tx, view_id: UUID) -> SavedView | None:
    """`view`, which nobody else changes before this transaction has ended."""
    row = tx.execute(select(*_VIEW).where(_this(tx, view_id)).with_for_update()).first()
    return SavedView(*row) if row else None


def set_name(tx: Tx, view_id: UUID, name: str) -> None:
    tx.execute(update(saved_views).where(_this(tx, view_id)).values(name=name))


def set_positions(tx: Tx, view_ids: Sequence[UUID]) -> None:
    """They stand in this order from now on."""
    for position, view_id in enumerate(view_ids, start=1):
        tx.execute(update(saved_views).where(_this(tx, view_id)).values(position=position))


def delete_view(tx: Tx, view_id: UUID) -> None:
    tx.execute(delete(saved_views).where(_this(tx, view_id)))


def _this(tx: Tx, view_id: UUID) -> ColumnElement[bool]:
    return (saved_views.c.workspace_id == tx.workspace_id) & (saved_views.c.view_id == view_id)


# ------------------------------------------------------------------------------------------------- counts

_Condition = ColumnElement[bool] | TextClause
_Shape = tuple[str, str, str, bool, bool]
"""Status, priority, whose (`somebody`, `nobody` or nothing), waiting, mentioned: what narrows a count."""
_ACTIVE = text(f"tickets.{ACTIVE}")
_SNOOZED = text(SNOOZED.format("tickets."))
_WAITING = text("(tickets.waiting_since IS NULL) = false")


def is_counted(filters: Filters) -> bool:
    """Whether an index holds just these tickets; none holds a search, a tag's, or some of those that wait."""
    alone = not (filters.priority or filters.assignee or filters.q or filters.tag)
    if filters.waiting:
        return alone and filters.status in (None, Stage.ACTIVE)
    return alone if filters.status is Stage.SNOOZED else not (filters.q or filters.tag)


def _shape(filters: Filters) -> _Shape:
    whose = "somebody" if isinstance(filters.assignee, UUID) else filters.assignee or ""
    return (
        filters.status or "",
        filters.priority or "",
        whose,
        filters.waiting,
        filters.mentioned is not None,
    )


def _conditions(shape: _Shape, who: str) -> list[_Condition]:
    """So that an index begins with all of them: one of a priority has the status before it."""
    status, priority, whose, waiting, _ = shape
    found: list[_Condition] = []
    if waiting:
        return [_ACTIVE, _WAITING]
    if status == Stage.SNOOZED:
        return [_SNOOZED]
    if status == Stage.ACTIVE:
        found.append(_ACTIVE)
    elif status:
        found.append(store.has_status(Status(status)))
    elif priority:
        found.append(tickets.c.status.in_(list(Status)))
    if priority:
        found.append(tickets.c.priority_rank == store.RANKS[Priority(priority)])
    if whose:
        is_theirs = tickets.c.assignee_id == bindparam(who, type_=Uuid())
        found.append(tickets.c.assignee_id.is_(None) if whose == Whose.NOBODY else is_theirs)
    return found


@lru_cache(maxsize=256)
def _counts(shapes: tuple[_Shape, ...], most: int) -> Executable:
    def how_many(shape: _Shape, n: int) -> ColumnElement[int]:
        who, mentions_whom = f"who{n}", shape[-1]
        if mentions_whom:
            return mentioned.how_many(_conditions(shape, who), f"mentioned{n}")
        some = select(tickets.c.ticket_id).where(tickets.c.workspace_id == HERE, *_conditions(shape, who))
        if shape[0] == Stage.SNOOZED:  # or SQLite takes the index of all that are pending
            some = some.order_by(tickets.c.last_message_at.desc(), tickets.c.ticket_id.desc())
        return select(func.count()).select_from(some.limit(most).subquery()).scalar_subquery()

    numbers = [how_many(shape, n).label(f"count{n}") for n, shape in enumerate(shapes)]
    return select(*numbers, notifications.unread_count().label("unread"))


def counts(tx: Tx, lists: Sequence[Filters], bell: Bell, *, most: int) -> Sequence[int]:
    """How many tickets stand in each of these lists, up to `most`, and how many lines under the bell are
    unread: one statement.
    """
    whose: dict[str, Any] = {
        f"who{n}": each.assignee for n, each in enumerate(lists) if isinstance(each.assignee, UUID)
    }
    whose |= {f"mentioned{n}": each.mentioned for n, each in enumerate(lists) if each.mentioned}
    whose |= notifications.unread_values(bell)
    return list(tx.rows(_counts(tuple(map(_shape, lists)), most), **whose)[0])
