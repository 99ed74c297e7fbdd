"""SQL of a workspace's settings."""

from sqlalchemy import select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import workspaces
from parlour.features.workspaces import choices
from parlour.features.workspaces.models import WorkspaceSettings

_HELD = select(workspaces.c.settings).where(workspaces.c.workspace_id == HERE)


def settings(tx: Tx) -> WorkspaceSettings:
    return choices.read(tx.run(_HELD).scalar_one())


def lock(tx: Tx) -> WorkspaceSettings:
    """As they are, and nobody else changes them before this transaction has ended."""
    return choices.read(tx.run(_HELD.with_for_update(key_share=True)).scalar_one())


def change(tx: Tx, settings: WorkspaceSettings) -> None:
    """After `lock`: they are written as a whole."""
    held = tx.run(_HELD).scalar_one()
    here = update(workspaces).where(workspaces.c.workspace_id == HERE)
    tx.run(here.values(settings=choices.written(settings, held)))
