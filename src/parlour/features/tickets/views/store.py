"""SQL of saved views."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, insert, select

from parlour.db.database import HERE, Tx
from parlour.db.schema import saved_views
from parlour.features.tickets.models import SavedView
from parlour.kernel import clock

_VIEW = (saved_views.c.view_id, saved_views.c.owner_id, saved_views.c.name, saved_views.c.query)
_SEEN_BY = (
    select(*_VIEW)
    .where(
        saved_views.c.workspace_id == HERE,
        saved_views.c.owner_id.is_(None) | (saved_views.c.owner_id == bindparam("person")),
    )
    .order_by(func.lower(saved_views.c.name), saved_views.c.view_id)
    .limit(bindparam("limit", type_=Integer()))
)


def seen_by(tx: Tx, user_id: UUID | None, *, limit: int) -> Sequence[SavedView]:
    """Everyone's views and this person's own, by name."""
    return [SavedView(*row) for row in tx.run(_SEEN_BY, person=user_id, limit=limit)]


def how_many_of(tx: Tx, owner_id: UUID | None) -> int:
    """How many views belong to this person, or to everyone."""
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
            created_at=clock.now(),
        )
    )


def view(tx: Tx, view_id: UUID) -> SavedView | None:
    query = select(*_VIEW).where(
        saved_views.c.workspace_id == tx.workspace_id, saved_views.c.view_id == view_id
    )
    row = tx.execute(query).first()
    return SavedView(*row) if row else None


def delete_view(tx: Tx, view_id: UUID) -> None:
    tx.execute(
        delete(saved_views).where(
            saved_views.c.workspace_id == tx.workspace_id, saved_views.c.view_id == view_id
        )
    )
