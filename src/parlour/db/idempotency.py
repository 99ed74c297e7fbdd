"""Answers that are kept with their effect, so that a program that asks again gets the same one.

A row is stored by the transaction that did what was asked for: either both are there or neither is. Of two at
the same moment the second finds the row taken, is run again, and finds the answer.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import idempotency
from parlour.kernel import clock

KEPT = timedelta(days=1)
SWEEP_BATCH = 500


class Kept(NamedTuple):
    fingerprint: str
    status: int
    headers: dict[str, str]
    body: str


_KEPT = select(
    idempotency.c.fingerprint, idempotency.c.status, idempotency.c.headers, idempotency.c.body
).where(
    idempotency.c.workspace_id == HERE,
    idempotency.c.principal == bindparam("principal"),
    idempotency.c.key == bindparam("key"),
)


def kept(tx: Tx, key: str) -> Kept | None:
    """What whoever acts was answered under this key."""
    row = tx.run(_KEPT, principal=tx.actor.id, key=key).first()
    return Kept(*row) if row else None


def keep(tx: Tx, key: str, answer: Kept) -> None:
    tx.execute(
        insert(idempotency).values(
            workspace_id=tx.workspace_id,
            principal=tx.actor.id,
            key=key,
            created_at=clock.now(),
            **answer._asdict(),
        )
    )


def sweep(tx: Tx) -> int:
    """Forget some of the answers that are too old; says how many, nothing when all are gone."""
    old = idempotency.c.created_at < clock.now() - KEPT
    return dialect.delete_some(tx, idempotency, old, idempotency.c.created_at, limit=SWEEP_BATCH)
