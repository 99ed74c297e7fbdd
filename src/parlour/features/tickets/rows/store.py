"""SQL of tickets with the people that they name, by the dozen: as lists show them, as programs read them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import ColumnElement, Select, and_, case, false, select, text

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import ACTIVE, contacts, members, tickets, users
from parlour.db.unread import unseen_in
from parlour.features.tickets.models import TicketRow, WholeTicket
from parlour.kernel.access import Role

Listed = TypeVar("Listed", bound=TicketRow | WholeTicket)

_CALLED = case(
    (and_(contacts.c.name_typed, tickets.c.typed_name.is_not(None)), tickets.c.typed_name),
    else_=contacts.c.name,
)
"""Of names that only a visitor has said, a ticket has its own or none: anybody can type anybody's address.
One from before has the person's."""
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
    users.c.user_id,
    tickets.c.version,
    tickets.c.waiting_since,
    users.c.name,
    tickets.c.snoozed_until,
    _CALLED.label("customer_name"),
    tickets.c.tagged,
    contacts.c.blocked_at.is_not(None).label("blocked"),
    tickets.c.quiet,
)

_UNREAD = case(
    (
        and_(text(f"tickets.{ACTIVE}"), contacts.c.blocked_at.is_(None)),
        unseen_in(tickets.c.chat_room_id, said_by="customer"),
    ),
    else_=false(),
)
"""A ticket that is finished holds nothing to be read: a word of the customer would have brought it back. Nor
does one of somebody blocked."""


def ticket_row(row: Sequence[Any]) -> TicketRow:
    return convert(row, TicketRow, strict=False)


_ANSWERS = (
    (members.c.workspace_id == tickets.c.workspace_id)
    & (members.c.user_id == tickets.c.assignee_id)
    & (members.c.role != Role.VIEWER.value)
)
_IN_USE = (users.c.user_id == members.c.user_id) & users.c.disabled_at.is_(None)
_WRITES = (contacts.c.workspace_id == tickets.c.workspace_id) & (contacts.c.email == tickets.c.email)


def _with_people(*columns: ColumnElement[Any]) -> Select[Any]:
    """A ticket of somebody who answers no more is nobody's, also while `handover` has not come to it."""
    query = select(*columns).outerjoin(members, _ANSWERS).outerjoin(users, _IN_USE)
    return query.outerjoin(contacts, _WRITES).where(tickets.c.workspace_id == HERE)


class Reads(Struct, Generic[Listed], frozen=True, eq=False):
    """What is read of tickets here: whoever uses the `query` says of which. Its columns are the fields of
    the `kind`.
    """

    query: Select[Any]
    kind: type[Listed]


ROWS = Reads(_with_people(*_ROW), TicketRow)
UNREAD = Reads(_with_people(*_ROW, _UNREAD.label("unread")), TicketRow)
"""The same, and whether the customer has said in it what the actor has not seen."""
WHOLE = Reads(
    _with_people(
        *(tickets.c[name] for name in WholeTicket._fields[:7]),
        *(users.c.user_id, contacts.c.contact_id, _CALLED),
        *(tickets.c[name] for name in WholeTicket._fields[10:18]),
    ),
    WholeTicket,
)


@cache
def _named(reads: Reads[Listed]) -> Select[Any]:
    return reads.query.where(dialect.one_of(tickets.c.ticket_id, "these"))


def by_ids(tx: Tx, reads: Reads[Listed], ticket_ids: Sequence[UUID]) -> dict[UUID, Listed]:
    """Those of the tickets that there are."""
    if not ticket_ids:
        return {}
    found = tx.objects(_named(reads), reads.kind, these=list(ticket_ids), reader=tx.actor.id)
    return {each.ticket_id: each for each in found}


def named(tx: Tx, reads: Reads[Listed], ticket_ids: Sequence[UUID]) -> list[Listed]:
    """Those of the tickets that there are, in the order in which they are named."""
    found = by_ids(tx, reads, ticket_ids)
    return [found[ticket_id] for ticket_id in ticket_ids if ticket_id in found]


def these(tx: Tx, ticket_ids: Sequence[UUID]) -> list[TicketRow]:
    """The newest activity first: put in order here, for SQLite would walk the index of that order instead."""
    found = by_ids(tx, ROWS, ticket_ids).values()
    return sorted(found, key=lambda row: (row.last_message_at, row.ticket_id), reverse=True)
