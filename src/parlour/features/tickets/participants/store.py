"""SQL of those who get copies."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, select

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import participants
from parlour.db.shortcut import Answered
from parlour.kernel import clock

_OF = (participants.c.workspace_id == HERE) & (participants.c.ticket_id == bindparam("ticket"))
_EMAILS = (
    select(participants.c.email)
    .where(_OF)
    .order_by(participants.c.email)
    .limit(bindparam("limit", type_=Integer()))
)
_GONE = delete(participants).where(_OF, participants.c.email == bindparam("address"))

_MERGED_GONE = delete(participants).where(_OF, participants.c.merged_from == bindparam("merged"))


def emails(tx: Tx, ticket_id: UUID, *, limit: int) -> list[str]:
    return asking_emails(tx, ticket_id, limit=limit)()


def asking_emails(tx: Tx, ticket_id: UUID, *, limit: int) -> Callable[[], list[str]]:
    return tx.asking(_EMAILS, _emails, ticket=ticket_id, limit=limit)


def _emails(found: Answered) -> list[str]:
    return [email for (email,) in found.rows]


def insert_participant(tx: Tx, ticket_id: UUID, email: str, merged_from: UUID | None = None) -> None:
    new = {"workspace_id": tx.workspace_id, "ticket_id": ticket_id, "email": email, "added_at": clock.now()}
    new["merged_from"] = merged_from
    tx.execute(dialect.insert(tx, participants).values(new).on_conflict_do_nothing())


def delete_participant(tx: Tx, ticket_id: UUID, email: str) -> None:
    tx.run(_GONE, ticket=ticket_id, address=email)


def delete_merged(tx: Tx, ticket_id: UUID, merged_from: UUID) -> None:
    tx.run(_MERGED_GONE, ticket=ticket_id, merged=merged_from)
