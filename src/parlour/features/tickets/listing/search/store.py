"""SQL of a search for tickets by the beginning of their customers' addresses."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, select

from parlour.db.database import HERE, Tx
from parlour.db.schema import tickets

_LIMIT = bindparam("limit", type_=Integer())
_OF_ADDRESS = (
    select(tickets.c.ticket_id)
    .where(
        tickets.c.workspace_id == HERE,
        tickets.c.email == bindparam("email"),
        tickets.c.ticket_id < bindparam("before", type_=Uuid()),
    )
    .order_by(tickets.c.ticket_id.desc())
    .limit(_LIMIT)
)
_OF_ADDRESSES = (
    select(tickets.c.ticket_id)
    .where(
        tickets.c.workspace_id == HERE,
        tickets.c.email.between(bindparam("first"), bindparam("last")),
        tickets.c.ticket_id < bindparam("before", type_=Uuid()),
    )
    .order_by(tickets.c.ticket_id.desc())
    .limit(_LIMIT)
)
_NEXT_ADDRESS = (
    select(tickets.c.email)
    .where(tickets.c.workspace_id == HERE, tickets.c.email.between(bindparam("first"), bindparam("last")))
    .order_by(tickets.c.email)
    .limit(1)
)
_LAST_ID = UUID(int=2**128 - 1)
_LAST_CHARACTER = "\U0010ffff"


def addresses(tx: Tx, beginning: str, *, limit: int) -> list[str]:
    """The first addresses that begin so, each found by one search of the index."""
    found: list[str] = []
    first, last = beginning, beginning + _LAST_CHARACTER
    while len(found) < limit:
        email = tx.run(_NEXT_ADDRESS, first=first, last=last).scalar_one_or_none()
        if email is None:
            break
        found.append(email)
        first = email + "\x01"
    return found


def of_addresses(tx: Tx, emails: Sequence[str], *, before: UUID | None, limit: int) -> list[UUID]:
    """The newest tickets of these addresses that are older than `before`; each address is read in order."""
    until = before or _LAST_ID
    ids = [
        ticket_id
        for email in emails
        for ticket_id in tx.run(_OF_ADDRESS, email=email, before=until, limit=limit).scalars()
    ]
    return sorted(ids, reverse=True)[:limit]


def of_all_addresses(tx: Tx, beginning: str, *, before: UUID | None, limit: int) -> list[UUID]:
    """`of_addresses` for more of them than one asks for each: all their tickets are read and sorted."""
    asked = {"first": beginning, "last": beginning + _LAST_CHARACTER, "before": before or _LAST_ID}
    return list(tx.run(_OF_ADDRESSES, **asked, limit=limit).scalars())
