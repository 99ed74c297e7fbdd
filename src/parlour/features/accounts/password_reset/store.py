"""SQL of links to a new password."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, update

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.db.schema import password_resets
from parlour.kernel import clock


def keep_reset(tx: Tx, *, token_hash: str, user_id: UUID, expires_at: datetime) -> bool:
    """Store the link, or let the one that is stored live on. False when it was used."""
    query = dialect.insert(tx, password_resets).values(
        token_hash=token_hash, user_id=user_id, created_at=clock.now(), expires_at=expires_at
    )
    query = query.on_conflict_do_update(
        index_elements=["token_hash"],
        set_={"expires_at": query.excluded.expires_at},
        where=password_resets.c.used_at.is_(None),
    )
    return tx.execute(query.returning(password_resets.c.token_hash)).first() is not None


def _usable(token_hash: str) -> ColumnElement[bool]:
    return and_(
        password_resets.c.token_hash == token_hash,
        password_resets.c.used_at.is_(None),
        password_resets.c.expires_at > clock.now(),
    )


def owner_of(tx: Tx, token_hash: str) -> UUID | None:
    return tx.execute(select(password_resets.c.user_id).where(_usable(token_hash))).scalar_one_or_none()


def take(tx: Tx, token_hash: str) -> bool:
    """False for one that expired, was used or never was."""
    statement = update(password_resets).where(_usable(token_hash))
    return tx.execute(statement.values(used_at=clock.now())).rowcount == 1


def delete_long_expired_of(tx: Tx, user_id: UUID) -> None:
    """Not those of the last month: the mail of one that was used may come once more."""
    expired = password_resets.c.expires_at < clock.now() - timedelta(days=30)
    tx.execute(delete(password_resets).where(password_resets.c.user_id == user_id, expired))
