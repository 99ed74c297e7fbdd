"""SQL of the threads of mails that belong to tickets."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import mail_threads
from parlour.features.tickets.threads.models import Thread

_THIS = (mail_threads.c.workspace_id == HERE) & (mail_threads.c.ticket_id == bindparam("ticket"))
_OF_TICKET = select(
    mail_threads.c.message_id,
    mail_threads.c.by_mail,
    mail_threads.c.lineage,
    mail_threads.c.subject,
    mail_threads.c.reply_to,
    mail_threads.c.mailbox_id,
).where(_THIS)
_LEFT = update(mail_threads).where(_THIS, mail_threads.c.by_mail).values(by_mail=False)


def of_ticket(tx: Tx, ticket_id: UUID) -> Thread | None:
    row = tx.first(_OF_TICKET, ticket=ticket_id)
    return Thread(*row) if row else None


def keep(tx: Tx, ticket_id: UUID, facts: dict[str, Any]) -> None:
    """The customer's last word came by a mail; what is not among its facts stays."""
    changed = {**facts, "by_mail": True}
    new = {"workspace_id": tx.workspace_id, "ticket_id": ticket_id, **changed}
    query = dialect.insert(tx, mail_threads).values(new)
    keys = [mail_threads.c.workspace_id, mail_threads.c.ticket_id]
    tx.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def leave(tx: Tx, ticket_id: UUID) -> None:
    tx.change(_LEFT, ticket=ticket_id)
