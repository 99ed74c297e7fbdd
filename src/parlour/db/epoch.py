"""Which line of history the database is on.

Sequence numbers say how far somebody has read, and are worth nothing once the database has gone back:
then other words stand under the same numbers. So whoever keeps a number keeps the epoch beside it.
`parlour restore` begins a new one. On PostgreSQL it also holds what changes by itself when history forks
there: the server's timeline (a promoted replica, a recovery to a point in time), and which server,
database and table these are (a dump that was read back).
"""

import secrets
from hashlib import blake2b

from sqlalchemy import column, select, text, update

from parlour.db.database import Tx
from parlour.db.schema import history

_STORED = select(history.c.epoch)
_ON_THIS_SERVER = text(
    "SELECT epoch, tableoid, (SELECT system_identifier FROM pg_catalog.pg_control_system()),"
    " (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),"
    " CASE WHEN pg_catalog.pg_is_in_recovery() THEN ''"
    " ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END FROM history"
).columns(*map(column, ("epoch", "tableoid", "system_identifier", "oid", "timeline")))


def current(tx: Tx) -> str:
    """The epoch, as of this transaction: the same text for as long as history only went on."""
    if tx.connection.dialect.name != "postgresql":
        return str(tx.rows(_STORED)[0][0])
    facts = tx.one(_ON_THIS_SERVER)
    return blake2b("/".join(map(str, facts)).encode(), digest_size=8).hexdigest()


def renew(tx: Tx, *, instead_of: str = "") -> None:
    """Begin a new epoch, because what this database holds does not go on from what it held before.

    With `instead_of`, only while the epoch is still that one: of several who notice, the first renews it.
    """
    stored = tx.execute(_STORED).scalar_one()
    if instead_of in ("", current(tx)):
        query = update(history).where(history.c.epoch == stored)
        tx.execute(query.values(epoch=secrets.token_hex(8)))
