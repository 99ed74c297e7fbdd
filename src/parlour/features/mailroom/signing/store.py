"""SQL of the keys with which mails of a domain are signed. They are the house's, and no workspace's."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from parlour.db.database import Tx
from parlour.db.schema import dkim_keys as keys
from parlour.features.mailroom.signing.models import DomainKey
from parlour.kernel.keyring import Sealed

_THIS = keys.c.domain == bindparam("this")
_KEY = select(keys.c.domain, keys.c.selector, keys.c.private_key, keys.c.sealed_with, keys.c.found_at).where(
    _THIS
)


def of_domain(tx: Tx, domain: str) -> DomainKey | None:
    row = tx.execute(_KEY, {"this": domain}).first()
    if row is None:
        return None
    return DomainKey(row.domain, row.selector, Sealed(row.private_key, row.sealed_with), row.found_at)


def insert_key(tx: Tx, key: DomainKey) -> None:
    values = {"private_key": key.private_key.text, "sealed_with": key.private_key.key}
    tx.execute(insert(keys).values(domain=key.domain, selector=key.selector, found_at=key.found_at, **values))


def reseal(tx: Tx, *, domain: str, before: str, sealed: Sealed) -> None:
    """Keep the same key under another one, unless it was replaced meanwhile."""
    statement = update(keys).where(_THIS, keys.c.private_key == before)
    tx.execute(statement.values(private_key=sealed.text, sealed_with=sealed.key), {"this": domain})


def set_found(tx: Tx, *, domain: str, at: datetime) -> None:
    tx.execute(update(keys).where(_THIS).values(found_at=at), {"this": domain})


def delete_key(tx: Tx, *, domain: str) -> bool:
    return tx.execute(delete(keys).where(_THIS), {"this": domain}).rowcount == 1
