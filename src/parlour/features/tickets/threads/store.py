"""SQL of the threads of mails that belong to tickets."""

from uuid import UUID

from sqlalchemy import bindparam, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import mail_threads

_THIS = (mail_threads.c.workspace_id == HERE) & (mail_threads.c.ticket_id == bindparam("ticket"))
_OF_TICKET = select(mail_threads.c.message_id, mail_threads.c.by_mail).where(_THIS)
_LEFT = update(mail_threads).where(_THIS).values(by_mail=False)


def of_ticket(tx: Tx, ticket_id: UUID) -> tuple[str, bool] | None:
    row = tx.run(_OF_TICKET, ticket=ticket_id).first()
    return (row[0], row[1]) if row else None


def keep(tx: Tx, ticket_id: UUID, message_id: str) -> None:
    new = {"workspace_id": tx.workspace_id, "ticket_id": ticket_id, "message_id": message_id, "by_mail": True}
    query = dialect.insert(tx, mail_threads).values(new)
    keys = [mail_threads.c.workspace_id, mail_threads.c.ticket_id]
    changed = {"message_id": query.excluded.message_id, "by_mail": True}
    tx.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def leave(tx: Tx, ticket_id: UUID) -> None:
    tx.run(_LEFT, ticket=ticket_id)
