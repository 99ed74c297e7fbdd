"""SQL of the threads of mails that belong to tickets."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import mail_threads
from parlour.db.shortcut import Answered
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


def asking_of_ticket(tx: Tx, ticket_id: UUID) -> Callable[[], Thread | None]:
    return tx.asking(_OF_TICKET, _thread, ticket=ticket_id)


def _thread(found: Answered) -> Thread | None:
    return Thread(*found.rows[0]) if found.rows else None


def keep(tx: Tx, ticket_id: UUID, facts: dict[str, Any]) -> None:
    """The customer's last word came by a mail; what is not among its facts stays."""
    changed = {**facts, "by_mail": True}
    new = {"workspace_id": tx.workspace_id, "ticket_id": ticket_id, **changed}
    query = dialect.insert(tx, mail_threads).values(new)
    keys = [mail_threads.c.workspace_id, mail_threads.c.ticket_id]
    tx.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def leave(tx: Tx, ticket_id: UUID) -> None:
    tx.change_soon(_LEFT, ticket=ticket_id)
