"""A ticket that something from outside names."""

import re
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets import store
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Permission, requires

LARGEST = 2**31 - 1
_NUMBER = re.compile(r"[(\[]#(\d{1,9})[)\]]")
"""As our own subjects have it, after whatever a workspace or a customer has written there."""


@requires(Permission.SYSTEM)
def by_id(tx: Tx, ticket_id: UUID) -> Ticket | None:
    return store.ticket(tx, ticket_id)


@requires(Permission.TICKET_LIST)
def by_number(tx: Tx, number: int) -> Ticket | None:
    """The workspace's ticket of this number, however large a number was asked for."""
    return store.by_number(tx, number) if number <= LARGEST else None


@requires(Permission.SYSTEM)
def going_on(tx: Tx, ticket: Ticket) -> Ticket:
    """The ticket in which this one goes on: itself, unless it is merged into another."""
    while ticket.merged_into and (further := store.ticket(tx, ticket.merged_into)):
        ticket = further
    return ticket


@requires(Permission.SYSTEM)
def by_subject(tx: Tx, subject: str) -> Ticket | None:
    """The ticket whose number the subject of a mail holds. Anybody can write one."""
    numbers = _NUMBER.findall(subject)
    return store.by_number(tx, int(numbers[-1])) if numbers else None
