"""SQL of the servers by which the answers of a mailbox leave."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import mailboxes
from parlour.db.schema import outgoing_servers as servers
from parlour.features.mailroom.leaving.models import OwnServer
from parlour.kernel.keyring import Sealed

_SERVER = (
    servers.c.mailbox_id,
    servers.c.scheme,
    servers.c.host,
    servers.c.port,
    servers.c.user,
    servers.c.password,
    servers.c.password_key,
    servers.c.provider,
)
_THIS = (servers.c.workspace_id == HERE) & (servers.c.mailbox_id == bindparam("mailbox"))
_BY_ID = select(*_SERVER).where(_THIS)
_OF = and_(mailboxes.c.workspace_id == servers.c.workspace_id, mailboxes.c.mailbox_id == servers.c.mailbox_id)
_BY_ADDRESS = (
    select(*_SERVER)
    .join(mailboxes, _OF)
    .where(
        servers.c.workspace_id == HERE,
        mailboxes.c.workspace_id == HERE,
        mailboxes.c.address == bindparam("address"),
        mailboxes.c.removed_at.is_(None),
    )
)


def _server(row: Any) -> OwnServer | None:
    if row is None:
        return None
    sealed = Sealed(row.password, row.password_key)
    return OwnServer(row.mailbox_id, row.scheme, row.host, row.port, row.user, sealed, row.provider)


def of_mailbox(tx: Tx, mailbox_id: UUID) -> OwnServer | None:
    return _server(tx.run(_BY_ID, mailbox=mailbox_id).first())


def of_address(tx: Tx, address: str) -> OwnServer | None:
    return _server(tx.run(_BY_ADDRESS, address=address).first())


def put(tx: Tx, server: OwnServer) -> None:
    drop(tx, mailbox_id=server.mailbox_id)
    values = {
        "mailbox_id": server.mailbox_id,
        "scheme": server.scheme,
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password.text,
        "password_key": server.password.key,
        "provider": server.provider,
    }
    tx.execute(insert(servers).values(workspace_id=tx.workspace_id, **values))


def reseal(tx: Tx, *, mailbox_id: UUID, before: str, sealed: Sealed) -> None:
    """Keep the same password under another key, unless it was replaced meanwhile."""
    statement = update(servers).where(_THIS, servers.c.password == before)
    tx.run(statement.values(password=sealed.text, password_key=sealed.key), mailbox=mailbox_id)


def drop(tx: Tx, *, mailbox_id: UUID) -> bool:
    return tx.run(delete(servers).where(_THIS), mailbox=mailbox_id).rowcount == 1
