"""SQL of a workspace's logo. Its bytes are written as letters, because rows travel as JSON."""

from base64 import b64decode, b64encode

from sqlalchemy import delete, insert, select

from parlour.db.database import HERE, Tx
from parlour.db.schema import logos

_PICTURE = select(logos.c.png).where(logos.c.workspace_id == HERE)


def insert_logo(tx: Tx, png: bytes) -> None:
    tx.execute(insert(logos).values(workspace_id=tx.workspace_id, png=b64encode(png).decode()))


def delete_logo(tx: Tx) -> None:
    tx.run(delete(logos).where(logos.c.workspace_id == HERE))


def picture(tx: Tx) -> bytes | None:
    found = tx.run(_PICTURE).scalar_one_or_none()
    return None if found is None else b64decode(found)
