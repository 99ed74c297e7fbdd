"""SQL of the addresses at which a workspace gets mail."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, exists, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import mailboxes, mails, workspaces
from parlour.db.shortcut import Answered
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock

_MAILBOX = (
    mailboxes.c.workspace_id,
    mailboxes.c.mailbox_id,
    mailboxes.c.address,
    mailboxes.c.handed,
    mailboxes.c.called,
    mailboxes.c.signature,
)
_EVERY = (
    select(*_MAILBOX)
    .where(mailboxes.c.workspace_id == HERE, mailboxes.c.removed_at.is_(None))
    .order_by(mailboxes.c.mailbox_id)
    .limit(bindparam("limit", type_=Integer()))
)
_AT = select(*_MAILBOX, mailboxes.c.removed_at).where(
    mailboxes.c.address.in_(bindparam("addresses", expanding=True))
)
_WITH = select(*_MAILBOX).where(
    mailboxes.c.address.in_(bindparam("addresses", expanding=True)), mailboxes.c.removed_at.is_(None)
)
_OWN = select(mailboxes.c.address).where(
    mailboxes.c.workspace_id == HERE,
    mailboxes.c.address.in_(bindparam("addresses", expanding=True)),
    mailboxes.c.removed_at.is_(None),
)
_WORKSPACES = select(workspaces.c.workspace_id).limit(2)
_THIS = (mailboxes.c.workspace_id == HERE) & (mailboxes.c.mailbox_id == bindparam("mailbox"))
_GOT_MAIL = exists().where(mails.c.workspace_id == HERE, mails.c.mailbox_id == bindparam("mailbox"))


def insert_mailbox(tx: Tx, *, mailbox_id: UUID, address: str, handed: bool) -> None:
    values = {"mailbox_id": mailbox_id, "address": address, "handed": handed, "created_at": clock.now()}
    tx.execute(insert(mailboxes).values(workspace_id=tx.workspace_id, **values))


def one_at_a_time(tx: Tx) -> None:
    """Nobody else adds one until this transaction has ended."""
    dialect.lock(tx, "mailboxes", tx.workspace_id.hex)


def asking_every(tx: Tx, *, limit: int) -> Callable[[], list[Mailbox]]:
    """Of the workspace, the first one first."""
    return tx.asking(_EVERY, _mailboxes, limit=limit)


def every(tx: Tx, *, limit: int) -> list[Mailbox]:
    return asking_every(tx, limit=limit)()


def _mailboxes(found: Answered) -> list[Mailbox]:
    return [Mailbox(*row) for row in found.rows]


def with_addresses(tx: Tx, addresses: Sequence[str]) -> list[Mailbox]:
    """Of whatever workspace."""
    return [Mailbox(*row) for row in tx.execute(_WITH, {"addresses": list(addresses)})]


def own_among(tx: Tx, addresses: Sequence[str]) -> set[str]:
    return {row.address for row in tx.run(_OWN, addresses=list(addresses))}


def holder_of(tx: Tx, address: str) -> tuple[Mailbox, datetime | None] | None:
    """Whose it is, in whatever workspace, and since when it is removed there."""
    row = tx.execute(_AT, {"addresses": [address]}).first()
    return (Mailbox(*row[:-1]), row.removed_at) if row else None


def is_only(tx: Tx) -> bool:
    """Whether the house has one workspace."""
    return len(tx.execute(_WORKSPACES).all()) == 1


def bring_back(tx: Tx, *, mailbox_id: UUID, handed: bool) -> None:
    tx.run(update(mailboxes).where(_THIS).values(handed=handed, removed_at=None), mailbox=mailbox_id)


def sign(tx: Tx, *, mailbox_id: UUID, called: str, signature: str) -> None:
    tx.run(update(mailboxes).where(_THIS).values(called=called, signature=signature), mailbox=mailbox_id)


def remove(tx: Tx, *, mailbox_id: UUID) -> None:
    """For good; one that has got mail keeps its row, which its mails name."""
    if not tx.run(delete(mailboxes).where(_THIS, ~_GOT_MAIL), mailbox=mailbox_id).rowcount:
        tx.run(update(mailboxes).where(_THIS).values(removed_at=clock.now()), mailbox=mailbox_id)
