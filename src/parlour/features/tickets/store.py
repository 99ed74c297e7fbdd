"""SQL of tickets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import tickets, users
from parlour.features.tickets.models import Filters, Priority, Status, Ticket, TicketRow

_TICKET = (
    tickets.c.ticket_id,
    tickets.c.workspace_id,
    tickets.c.number,
    tickets.c.subject,
    tickets.c.description,
    tickets.c.status,
    tickets.c.priority,
    tickets.c.email,
    tickets.c.chat_room_id,
    tickets.c.assignee_id,
    tickets.c.version,
    tickets.c.created_at,
    tickets.c.updated_at,
    tickets.c.last_message_at,
)
_ROW = (
    tickets.c.ticket_id,
    tickets.c.number,
    tickets.c.subject,
    tickets.c.email,
    tickets.c.status,
    tickets.c.priority,
    tickets.c.created_at,
    tickets.c.last_message_at,
    tickets.c.chat_room_id,
    users.c.name,
)
COUNT_LIMIT = 1000


def _ticket(row: Any) -> Ticket:
    fields = list(row)
    fields[5:7] = Status(row[5]), Priority(row[6])
    return Ticket(*fields)


def _ticket_row(row: Any) -> TicketRow:
    fields = list(row)
    fields[4:6] = Status(row[4]), Priority(row[5])
    return TicketRow(*fields)


_THIS = (tickets.c.workspace_id == HERE) & (tickets.c.ticket_id == bindparam("this_ticket"))
_BY_ID = select(*_TICKET).where(_THIS)
_LOCKED = _BY_ID.with_for_update()
_BY_CLIENT_ID = select(*_TICKET).where(
    tickets.c.workspace_id == HERE, tickets.c.client_id == bindparam("client")
)
_ROWS = select(*_ROW).outerjoin(users, users.c.user_id == tickets.c.assignee_id)
_THESE = _ROWS.where(
    tickets.c.workspace_id == HERE, tickets.c.ticket_id.in_(bindparam("these", expanding=True))
).order_by(tickets.c.last_message_at.desc(), tickets.c.ticket_id.desc())
_NEWEST = (
    _ROWS.where(tickets.c.workspace_id == HERE)
    .order_by(tickets.c.last_message_at.desc(), tickets.c.ticket_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_NEWEST_OF_STATUS = _NEWEST.where(tickets.c.status == bindparam("status"))
_LAST_MESSAGE = update(tickets).where(_THIS).values(last_message_at=bindparam("moment"))


def insert_ticket(tx: Tx, ticket: Ticket, *, client_id: UUID) -> None:
    tx.execute(
        insert(tickets).values(
            ticket_id=ticket.ticket_id,
            workspace_id=ticket.workspace_id,
            number=ticket.number,
            subject=ticket.subject,
            description=ticket.description,
            status=ticket.status.value,
            priority=ticket.priority.value,
            email=ticket.email,
            chat_room_id=ticket.chat_room_id,
            client_id=client_id,
            version=ticket.version,
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
            last_message_at=ticket.last_message_at,
        )
    )


def ticket(tx: Tx, ticket_id: UUID) -> Ticket | None:
    row = tx.run(_BY_ID, this_ticket=ticket_id).first()
    return _ticket(row) if row else None


def lock_ticket(tx: Tx, ticket_id: UUID) -> Ticket | None:
    row = tx.run(_LOCKED, this_ticket=ticket_id).first()
    return _ticket(row) if row else None


def by_client_id(tx: Tx, client_id: UUID) -> Ticket | None:
    row = tx.run(_BY_CLIENT_ID, client=client_id).first()
    return _ticket(row) if row else None


def of_email(tx: Tx, email: str, *, limit: int) -> list[Ticket]:
    query = (
        select(*_TICKET)
        .where(tickets.c.workspace_id == tx.workspace_id, tickets.c.email == email)
        .order_by(tickets.c.ticket_id.desc())
        .limit(limit)
    )
    return [_ticket(row) for row in tx.execute(query)]


def these(tx: Tx, ticket_ids: Sequence[UUID]) -> list[TicketRow]:
    """The newest activity first."""
    return [_ticket_row(row) for row in tx.run(_THESE, these=list(ticket_ids))]


def newest(tx: Tx, filters: Filters) -> list[TicketRow]:
    if filters.status:
        found = tx.run(_NEWEST_OF_STATUS, status=filters.status.value, limit=filters.limit)
    else:
        found = tx.run(_NEWEST, limit=filters.limit)
    return [_ticket_row(row) for row in found]


def count(tx: Tx, status: Status) -> int:
    """Never counts past COUNT_LIMIT + 1 rows."""
    some = (
        select(tickets.c.ticket_id)
        .where(tickets.c.workspace_id == tx.workspace_id, tickets.c.status == status.value)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    counted: int = tx.execute(select(func.count()).select_from(some)).scalar_one()
    return counted


def set_last_message(tx: Tx, ticket_id: UUID, moment: datetime) -> None:
    tx.run(_LAST_MESSAGE, this_ticket=ticket_id, moment=moment)


def change(tx: Tx, ticket_id: UUID, moment: datetime, **values: object) -> Ticket:
    """Set columns of a locked ticket; its version goes up by one."""
    query = (
        update(tickets)
        .where(_THIS)
        .values(version=tickets.c.version + 1, updated_at=moment, **values)
        .returning(*_TICKET)
    )
    return _ticket(tx.run(query, this_ticket=ticket_id).one())


def mailed_seq(tx: Tx, ticket_id: UUID) -> int:
    """Up to where the customer has been told of answers by mail."""
    return tx.run(select(tickets.c.mailed_seq).where(_THIS), this_ticket=ticket_id).scalar_one_or_none() or 0


def set_mailed_seq(tx: Tx, ticket_id: UUID, seq: int) -> None:
    query = update(tickets).where(_THIS, tickets.c.mailed_seq < seq).values(mailed_seq=seq)
    tx.run(query, this_ticket=ticket_id)
