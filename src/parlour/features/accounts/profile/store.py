"""SQL of what agents see and change about themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from parlour.db.database import Tx
from parlour.db.schema import sessions, users
from parlour.kernel import clock


def set_name(tx: Tx, *, user_id: UUID, name: str) -> None:
    tx.execute(update(users).where(users.c.user_id == user_id).values(name=name))


def settings(tx: Tx, user_id: UUID) -> dict[str, Any]:
    """To be changed: nobody else changes them before this transaction has ended."""
    query = select(users.c.settings).where(users.c.user_id == user_id).with_for_update(key_share=True)
    return tx.execute(query).scalar_one() or {}


def set_settings(tx: Tx, *, user_id: UUID, settings: dict[str, Any]) -> None:
    tx.execute(update(users).where(users.c.user_id == user_id).values(settings=settings))


def sessions_of(
    tx: Tx, user_id: UUID, *, idle_since: datetime, limit: int
) -> Sequence[tuple[str, str, datetime, datetime]]:
    """Hash, device, opened and last used of each session that still works, the last used first."""
    columns = (sessions.c.session_hash, sessions.c.device, sessions.c.created_at, sessions.c.last_seen_at)
    query = (
        select(*columns)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.expires_at > clock.now(),
            sessions.c.last_seen_at > idle_since,
        )
        .order_by(sessions.c.last_seen_at.desc(), sessions.c.session_hash)
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]
