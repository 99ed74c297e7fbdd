"""SQL of the second factor. A step and a recovery code are each taken by one statement, so only once."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from parlour.db.database import Tx
from parlour.db.schema import recovery_codes, users
from parlour.kernel import clock


def turn_on(tx: Tx, *, user_id: UUID, secret: str, step: int) -> bool:
    """False when it is on already."""
    statement = update(users).where(users.c.user_id == user_id, users.c.totp_secret.is_(None))
    return tx.execute(statement.values(totp_secret=secret, totp_step=step)).rowcount == 1


def turn_off(tx: Tx, user_id: UUID) -> bool:
    """False when it is off already."""
    statement = update(users).where(users.c.user_id == user_id, users.c.totp_secret.is_not(None))
    delete_codes(tx, user_id)
    return tx.execute(statement.values(totp_secret=None, totp_step=0)).rowcount == 1


def take_step(tx: Tx, *, user_id: UUID, step: int) -> bool:
    """False when this step, or a later one, was used before."""
    statement = update(users).where(users.c.user_id == user_id, users.c.totp_step < step)
    return tx.execute(statement.values(totp_step=step)).rowcount == 1


def insert_codes(tx: Tx, *, user_id: UUID, code_hashes: Iterable[str]) -> None:
    rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
    tx.execute(insert(recovery_codes), rows)


def delete_codes(tx: Tx, user_id: UUID) -> None:
    tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


def take_code(tx: Tx, *, user_id: UUID, code_hash: str) -> bool:
    """False for a code that was never issued, was replaced, or was used before."""
    statement = update(recovery_codes).where(
        recovery_codes.c.user_id == user_id,
        recovery_codes.c.code_hash == code_hash,
        recovery_codes.c.used_at.is_(None),
    )
    return tx.execute(statement.values(used_at=clock.now())).rowcount == 1


def codes_left(tx: Tx, user_id: UUID) -> int:
    query = select(func.count()).where(
        recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None)
    )
    return int(tx.execute(query).scalar_one())
