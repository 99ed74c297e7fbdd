"""SQL of the second factor. A step and a recovery code are each taken by one statement, so only once."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from parlour.db.database import Tx
from parlour.db.schema import credentials, recovery_codes, users
from parlour.kernel import clock
from parlour.kernel.keyring import Sealed


def turn_on(tx: Tx, *, user_id: UUID, sealed: Sealed, step: int) -> bool:
    """False when it is on already."""
    off = credentials.c.totp_secret.is_(None)
    statement = update(credentials).where(credentials.c.user_id == user_id, off)
    values = {"totp_secret": sealed.text, "totp_key": sealed.key, "totp_step": step}
    turned = tx.execute(statement.values(values)).rowcount == 1
    if turned:
        _show(tx, user_id, on=True)
    return turned


def turn_off(tx: Tx, user_id: UUID) -> bool:
    """False when it is off already."""
    on = credentials.c.totp_secret.is_not(None)
    statement = update(credentials).where(credentials.c.user_id == user_id, on)
    delete_codes(tx, user_id)
    turned = tx.execute(statement.values(totp_secret=None, totp_key=None, totp_step=0)).rowcount == 1
    if turned:
        _show(tx, user_id, on=False)
    return turned


def _show(tx: Tx, user_id: UUID, *, on: bool) -> None:
    """Whether there is one stands where those see it who may not see the secret."""
    tx.execute(update(users).where(users.c.user_id == user_id).values(second_factor=on))


def reseal(tx: Tx, *, user_id: UUID, before: str, sealed: Sealed) -> None:
    """Keep the same secret under another key, unless it was replaced meanwhile."""
    same = (credentials.c.user_id == user_id) & (credentials.c.totp_secret == before)
    tx.execute(update(credentials).where(same).values(totp_secret=sealed.text, totp_key=sealed.key))


def sealed_otherwise(tx: Tx, *, keys: Collection[str], limit: int) -> Sequence[tuple[UUID, str, str]]:
    """Whose secret, the secret as it is stored, and its key's name, of those under none of these names."""
    columns = (credentials.c.user_id, credentials.c.totp_secret, credentials.c.totp_key)
    query = select(*columns).where(credentials.c.totp_key.not_in(keys)).limit(limit)
    return [(row[0], row[1], row[2]) for row in tx.execute(query)]


def take_step(tx: Tx, *, user_id: UUID, step: int) -> bool:
    """False when this step, or a later one, was used before."""
    statement = update(credentials).where(credentials.c.user_id == user_id, credentials.c.totp_step < step)
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
