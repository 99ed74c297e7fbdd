"""SQL of a workspace's settings."""

from uuid import UUID

from sqlalchemy import or_, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import workspaces
from parlour.features.workspaces import choices
from parlour.features.workspaces.models import WorkspaceSettings

_HELD = select(workspaces.c.settings).where(workspaces.c.workspace_id == HERE)


def settings(tx: Tx) -> WorkspaceSettings:
    return choices.read(tx.one(_HELD)[0])


def lock(tx: Tx) -> WorkspaceSettings:
    """As they are, and nobody else changes them before this transaction has ended."""
    return choices.read(tx.run(_HELD.with_for_update(key_share=True)).scalar_one())


def change(tx: Tx, settings: WorkspaceSettings) -> None:
    """After `lock`: they are written as a whole."""
    held = tx.run(_HELD).scalar_one()
    here = update(workspaces).where(workspaces.c.workspace_id == HERE)
    tx.run(here.values(settings=choices.written(settings, held)))


def that_keep_for_a_time(tx: Tx) -> list[tuple[UUID, WorkspaceSettings]]:
    """Of all workspaces."""
    held = workspaces.c.settings
    some = or_(held["close_after"].as_integer() > 0, held["delete_after"].as_integer() > 0)
    rows = tx.execute(select(workspaces.c.workspace_id, held).where(some))
    return [(row[0], choices.read(row[1])) for row in rows]
