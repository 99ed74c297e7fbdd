"""SQL of the addresses at which a workspace gets mail."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Integer, bindparam, insert, select

from parlour.db.database import HERE, Tx
from parlour.db.schema import mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock

_MAILBOX = (mailboxes.c.workspace_id, mailboxes.c.mailbox_id, mailboxes.c.address)
_EVERY = (
    select(*_MAILBOX)
    .where(mailboxes.c.workspace_id == HERE)
    .order_by(mailboxes.c.mailbox_id)
    .limit(bindparam("limit", type_=Integer()))
)
_WITH = select(*_MAILBOX).where(mailboxes.c.address.in_(bindparam("addresses", expanding=True)))


def insert_mailbox(tx: Tx, *, mailbox_id: UUID, address: str) -> None:
    values = {"mailbox_id": mailbox_id, "address": address, "created_at": clock.now()}
    tx.execute(insert(mailboxes).values(workspace_id=tx.workspace_id, **values))


def every(tx: Tx, *, limit: int) -> list[Mailbox]:
    """Of the workspace, the first one first."""
    return [Mailbox(*row) for row in tx.rows(_EVERY, limit=limit)]


def with_addresses(tx: Tx, addresses: Sequence[str]) -> list[Mailbox]:
    """Of whatever workspace."""
    return [Mailbox(*row) for row in tx.execute(_WITH, {"addresses": list(addresses)})]
